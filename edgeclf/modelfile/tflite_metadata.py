"""Reading TFLite Metadata: what a ``.tflite`` says of itself for other programs."""

from dataclasses import dataclass

from edgeclf.modelfile import metadata_schema as meta
from edgeclf.modelfile import tflite_schema as schema
from edgeclf.modelfile.associated import read_associated_file
from edgeclf.modelfile.damage import DamagedError
from edgeclf.modelfile.description import FileMetadata, Normalization
from edgeclf.modelfile.flatbuffer import Table, root_table
from edgeclf.modelfile.own_metadata import (
    decode_labels,
    decode_preprocess,
    decode_task,
)
from edgeclf.modelfile.tflite_root import TfliteRoot

__all__ = [
    "LABELS_FILE",
    "PREPROCESS_FILE",
    "TASK_FILE",
    "metadata_entries",
    "read_metadata",
]

LABELS_FILE = "labels.txt"
PREPROCESS_FILE = "edgeclf-preprocess.json"
TASK_FILE = "edgeclf-task.json"


@dataclass(frozen=True, slots=True)
class _Said:
    """What the standard metadata say of the tensors."""

    labels: tuple[str, ...] | None = None
    normalization: Normalization | None = None
    score_threshold: float | None = None


def read_metadata(data: bytes, root: TfliteRoot) -> FileMetadata:
    """Return the metadata of a model; empty without any.

    Args:
        data: The whole file, for the files packed behind the model.
        root: Its root.

    Raises:
        DamagedError: They are there and cannot be read.
    """
    raw = metadata_entries(root).get(meta.ENTRY_NAME)
    if raw is None:
        return FileMetadata()
    said_root = root_table(raw, meta.IDENTIFIER)
    graphs = said_root.tables(meta.MODEL_SUBGRAPHS)
    said = _said(data, graphs[0]) if graphs else _Said()
    preprocess = read_associated_file(data, PREPROCESS_FILE)
    task = read_associated_file(data, TASK_FILE)
    return FileMetadata(
        name=said_root.string(meta.MODEL_NAME),
        description=said_root.string(meta.MODEL_DESCRIPTION),
        version=said_root.string(meta.MODEL_VERSION),
        author=said_root.string(meta.MODEL_AUTHOR),
        license=said_root.string(meta.MODEL_LICENSE),
        labels=said.labels,
        normalization=said.normalization,
        score_threshold=said.score_threshold,
        preprocess=None if preprocess is None else decode_preprocess(_text(preprocess)),
        scores=None if task is None else decode_task(_text(task)),
    )


def metadata_entries(root: TfliteRoot) -> dict[str, memoryview]:
    """Return the named byte strings that travel in a model.

    Raises:
        DamagedError: One is in a buffer that does not exist.
    """
    entries = {}
    for entry in root.model.tables(schema.MODEL_METADATA):
        index = entry.scalar(schema.METADATA_BUFFER, "I")
        if index >= len(root.buffers):
            raise DamagedError(
                f"metadata in buffer {index} of {len(root.buffers)} buffers"
            )
        content = memoryview(root.buffers[index])
        entries[entry.string(schema.METADATA_NAME) or ""] = content
    return entries


def _said(data: bytes, graph: Table) -> _Said:
    inputs = graph.tables(meta.SUBGRAPH_INPUTS)
    outputs = graph.tables(meta.SUBGRAPH_OUTPUTS)
    return _Said(
        labels=_labels(data, outputs[0]) if outputs else None,
        normalization=_normalization(inputs[0]) if inputs else None,
        score_threshold=_threshold(outputs[0]) if outputs else None,
    )


def _unit(tensor: Table, kind: int) -> Table | None:
    for unit in tensor.tables(meta.TENSOR_UNITS):
        if unit.scalar(meta.UNIT_KIND, "B") == kind:
            return unit.table(meta.UNIT_VALUE)
    return None


def _normalization(tensor: Table) -> Normalization | None:
    options = _unit(tensor, meta.UNIT_NORMALIZATION)
    if options is None:
        return None
    mean = tuple(options.array(meta.NORMALIZATION_MEAN, "<f4").tolist())
    std = tuple(options.array(meta.NORMALIZATION_STD, "<f4").tolist())
    return Normalization(mean=mean, std=std) if mean and std else None


def _threshold(tensor: Table) -> float | None:
    options = _unit(tensor, meta.UNIT_THRESHOLD)
    if options is None:
        return None
    return float(options.scalar(meta.THRESHOLD_GLOBAL, "f", 0.0))


def _labels(data: bytes, tensor: Table) -> tuple[str, ...] | None:
    for file in tensor.tables(meta.TENSOR_FILES):
        name = file.string(meta.FILE_NAME)
        kind = file.scalar(meta.FILE_KIND, "b")
        if kind == meta.FILE_KIND_AXIS_LABELS and name:
            content = read_associated_file(data, name)
            return None if content is None else decode_labels(_text(content))
    return None


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DamagedError(f"a packed text is not UTF-8: {error}") from error
