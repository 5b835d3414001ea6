"""Writing TFLite Metadata: the flatbuffer that describes a classifier's tensors."""

from collections.abc import Sequence

import flatbuffers
import numpy as np

from edgeclf.modelfile import metadata_schema as meta
from edgeclf.modelfile.description import FileMetadata
from edgeclf.modelfile.tflite_metadata import LABELS_FILE
from edgeclf.types import ModelSpec, Task

__all__ = ["write_metadata"]

# Nothing is used that came after the schema's first version.
_MIN_PARSER_VERSION = "1.0.0"
_INPUT_DESCRIPTION = "RGB picture, {height} x {width} pixels."
_OUTPUT_DESCRIPTIONS = {
    "probabilities": "Probability of each label.",
    "logits": "Logit of each label; softmax gives probabilities.",
}


def write_metadata(
    name: str, spec: ModelSpec, task: Task, before: FileMetadata
) -> bytes:
    """Return the metadata of a classifier.

    Args:
        name: The model's name.
        spec: What it takes and gives.
        task: What its scores mean.
        before: Earlier metadata; description, version, author and license stay.
    """
    builder = flatbuffers.Builder(1024)
    graph = _table(
        builder,
        {
            meta.SUBGRAPH_INPUTS: _vector(builder, [_input(builder, spec)]),
            meta.SUBGRAPH_OUTPUTS: _vector(builder, [_output(builder, task)]),
        },
    )
    texts = {
        meta.MODEL_NAME: name,
        meta.MODEL_DESCRIPTION: before.description,
        meta.MODEL_VERSION: before.version,
        meta.MODEL_AUTHOR: before.author,
        meta.MODEL_LICENSE: before.license,
        meta.MODEL_MIN_PARSER_VERSION: _MIN_PARSER_VERSION,
    }
    fields = {
        field: builder.CreateString(text)
        for field, text in texts.items()
        if text is not None
    }
    root = _table(builder, {**fields, meta.MODEL_SUBGRAPHS: _vector(builder, [graph])})
    builder.Finish(root, file_identifier=meta.IDENTIFIER)
    return bytes(builder.Output())


def _input(builder: flatbuffers.Builder, spec: ModelSpec) -> int:
    height, width = spec.preprocess.size
    mean, std = _applied_outside(spec)
    image = _table(builder, {}, bytes_={meta.IMAGE_COLOUR_SPACE: _colours(spec)})
    normalization = _table(
        builder,
        {
            meta.NORMALIZATION_MEAN: _floats(builder, mean),
            meta.NORMALIZATION_STD: _floats(builder, std),
        },
    )
    unit = _table(
        builder,
        {meta.UNIT_VALUE: normalization},
        bytes_={meta.UNIT_KIND: meta.UNIT_NORMALIZATION},
    )
    content = _table(
        builder,
        {meta.CONTENT_VALUE: image},
        bytes_={meta.CONTENT_KIND: meta.CONTENT_IMAGE},
    )
    black, white = ((pixel - np.array(mean)) / np.array(std) for pixel in (0.0, 255.0))
    ends = np.minimum(black, white).tolist(), np.maximum(black, white).tolist()
    return _tensor(
        builder,
        name="image",
        description=_INPUT_DESCRIPTION.format(height=height, width=width),
        fields={
            meta.TENSOR_CONTENT: content,
            meta.TENSOR_UNITS: _vector(builder, [unit]),
            meta.TENSOR_STATS: _stats(builder, *ends),
        },
    )


def _output(builder: flatbuffers.Builder, task: Task) -> int:
    labels = _table(
        builder,
        {
            meta.FILE_NAME: builder.CreateString(LABELS_FILE),
            meta.FILE_DESCRIPTION: builder.CreateString("One label a line."),
        },
        bytes_={meta.FILE_KIND: meta.FILE_KIND_AXIS_LABELS},
    )
    fields = {meta.TENSOR_FILES: _vector(builder, [labels])}
    is_probability = task.scores == "probabilities"
    if is_probability:
        fields[meta.TENSOR_STATS] = _stats(builder, [0.0], [1.0])
    return _tensor(
        builder,
        name="probability" if is_probability else "logit",
        description=_OUTPUT_DESCRIPTIONS[task.scores],
        fields=fields,
    )


def _applied_outside(
    spec: ModelSpec,
) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Return the mean and std that whoever feeds the model must apply."""
    if spec.preprocess.normalization == "graph":
        return (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    return spec.preprocess.mean, spec.preprocess.std


def _colours(spec: ModelSpec) -> int:
    # The schema has no BGR: "unknown" keeps a reader from feeding RGB on its word.
    is_rgb = spec.preprocess.colour_order == "rgb"
    return meta.IMAGE_COLOUR_SPACE_RGB if is_rgb else 0


def _tensor(
    builder: flatbuffers.Builder, *, name: str, description: str, fields: dict[int, int]
) -> int:
    texts = {
        meta.TENSOR_NAME: builder.CreateString(name),
        meta.TENSOR_DESCRIPTION: builder.CreateString(description),
    }
    return _table(builder, {**texts, **fields})


def _stats(
    builder: flatbuffers.Builder, lowest: Sequence[float], highest: Sequence[float]
) -> int:
    ends = {meta.STATS_MIN: lowest, meta.STATS_MAX: highest}
    return _table(
        builder, {field: _floats(builder, values) for field, values in ends.items()}
    )


def _table(
    builder: flatbuffers.Builder,
    offsets: dict[int, int],
    *,
    bytes_: dict[int, int] | None = None,
) -> int:
    """Write a table of offsets and one-byte numbers, and return where it is."""
    small = bytes_ or {}
    builder.StartObject(max([*offsets, *small], default=-1) + 1)
    for field, offset in offsets.items():
        builder.PrependUOffsetTRelativeSlot(field, offset, 0)
    for field, value in small.items():
        builder.PrependUint8Slot(field, value, 0)
    return int(builder.EndObject())


def _vector(builder: flatbuffers.Builder, offsets: Sequence[int]) -> int:
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())


def _floats(builder: flatbuffers.Builder, values: Sequence[float]) -> int:
    return int(builder.CreateNumpyVector(np.asarray(values, dtype=np.float32)))
