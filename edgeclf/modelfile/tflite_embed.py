"""Putting TFLite Metadata into a ``.tflite`` file without touching the model.

A new root is put in front of the old bytes and leads into them::

    new root · new list of metadata · new list of buffers · new buffers │ old file │ zip

A metadata entry of ours holds the old file's length, so that embedding again begins
from the old file and gives the same bytes. See docs/adr/0003.
"""

from edgeclf.modelfile import metadata_schema as meta
from edgeclf.modelfile import tflite_schema as schema
from edgeclf.modelfile.associated import append_files, without_files
from edgeclf.modelfile.flatbuffer import root_table
from edgeclf.modelfile.metadata_writer import write_metadata
from edgeclf.modelfile.own_metadata import (
    encode_labels,
    encode_preprocess,
    encode_task,
)
from edgeclf.modelfile.tflite_inside import with_buffers_inside
from edgeclf.modelfile.tflite_metadata import (
    LABELS_FILE,
    PREPROCESS_FILE,
    TASK_FILE,
    metadata_entries,
    read_metadata,
)
from edgeclf.modelfile.tflite_prefix import PrefixBuilder
from edgeclf.modelfile.tflite_root import TfliteRoot, open_tflite
from edgeclf.types import ModelSpec, Task

__all__ = ["embed_in_tflite"]

_BASE_ENTRY = "edgeclf.base_length"
_ROOM = 4096


def embed_in_tflite(
    data: bytes, *, name: str, spec: ModelSpec, task: Task, labels: tuple[str, ...]
) -> bytes:
    """Return the file with its metadata replaced.

    Raises:
        DamagedError: The file cannot be read.
    """
    root = open_tflite(data)
    before = read_metadata(data, root)
    base = with_buffers_inside(_base(data, root))
    metadata = write_metadata(name, spec, task, before)
    return append_files(
        _prefix(base, metadata) + base,
        {
            LABELS_FILE: encode_labels(labels).encode(),
            PREPROCESS_FILE: encode_preprocess(spec.preprocess).encode(),
            TASK_FILE: encode_task(task).encode(),
        },
    )


def _base(data: bytes, root: TfliteRoot) -> bytes:
    """Return the model without packed files, and without an earlier prefix of ours."""
    bare = without_files(data)
    length = int.from_bytes(metadata_entries(root).get(_BASE_ENTRY, b""), "little")
    base = bare[len(bare) - length :] if 0 < length < len(bare) else bare
    return base if base[4:8] == schema.IDENTIFIER else bare


def _prefix(base: bytes, metadata: bytes) -> bytes:
    """Return the new root and lists, which lead into the base that follows them."""
    old = root_table(memoryview(base), schema.IDENTIFIER)
    kept = [
        entry
        for entry in old.tables(schema.MODEL_METADATA)
        if entry.string(schema.METADATA_NAME) != meta.ENTRY_NAME
    ]
    old_buffers = old.element_targets(schema.MODEL_BUFFERS)
    builder = PrefixBuilder(old, expected_bytes=len(metadata) + _ROOM)
    buffers = [*map(builder.old, old_buffers)]
    entries = [builder.old(entry.position) for entry in kept]
    length = len(base).to_bytes(8, "little")
    for entry_name, content in ((meta.ENTRY_NAME, metadata), (_BASE_ENTRY, length)):
        entries.append(builder.metadata_entry(entry_name, len(buffers)))
        buffers.append(builder.buffer(content))
    replaced = {
        schema.MODEL_BUFFERS: builder.vector(buffers),
        schema.MODEL_METADATA: builder.vector(entries),
    }
    return builder.finish(replaced)
