"""Putting TFLite Metadata into a ``.tflite`` file without touching the model.

Offsets in a flatbuffer only lead forward, so a new root can be put in front of the old
bytes and lead into them::

    new root · new list of metadata · new list of buffers · new buffers │ old file │ zip

The old file follows at a multiple of 64 bytes, so what was aligned stays aligned; its
own root is left where it is and no longer used. A metadata entry of ours holds the old
file's length, so that embedding again begins from the old file and gives the same
bytes. See docs/adr/0003.
"""

import flatbuffers

from edgeclf.modelfile import metadata_schema as meta
from edgeclf.modelfile import tflite_schema as schema
from edgeclf.modelfile.associated import append_files, without_files
from edgeclf.modelfile.damage import DamagedError
from edgeclf.modelfile.flatbuffer import Table, root_table
from edgeclf.modelfile.metadata_writer import write_metadata
from edgeclf.modelfile.own_metadata import (
    encode_labels,
    encode_preprocess,
    encode_task,
)
from edgeclf.modelfile.tflite_metadata import (
    LABELS_FILE,
    PREPROCESS_FILE,
    TASK_FILE,
    metadata_entries,
    read_metadata,
)
from edgeclf.types import ModelSpec, Task

__all__ = ["embed_in_tflite"]

_ALIGNMENT = 64
_BASE_ENTRY = "edgeclf.base_length"


def embed_in_tflite(
    data: bytes, *, name: str, spec: ModelSpec, task: Task, labels: tuple[str, ...]
) -> bytes:
    """Return the file with its metadata replaced.

    Raises:
        DamagedError: The file cannot be read.
    """
    model = root_table(memoryview(data), schema.IDENTIFIER)
    before = read_metadata(data, model, model.tables(schema.MODEL_BUFFERS))
    base = _base(data, model)
    metadata = write_metadata(name, spec, task, before)
    return append_files(
        _prefix(base, metadata) + base,
        {
            LABELS_FILE: encode_labels(labels).encode(),
            PREPROCESS_FILE: encode_preprocess(spec.preprocess).encode(),
            TASK_FILE: encode_task(task).encode(),
        },
    )


def _base(data: bytes, model: Table) -> bytes:
    """Return the model without packed files, and without an earlier prefix of ours."""
    bare = without_files(data)
    entries = metadata_entries(model, model.tables(schema.MODEL_BUFFERS))
    length = int.from_bytes(entries.get(_BASE_ENTRY, b""), "little")
    base = bare[len(bare) - length :] if 0 < length < len(bare) else bare
    return base if base[4:8] == schema.IDENTIFIER else bare


def _prefix(base: bytes, metadata: bytes) -> bytes:
    """Return the new root and lists, which lead into the base that follows them."""
    old = root_table(memoryview(base), schema.IDENTIFIER)
    if any(old.has(field) for field in range(schema.MODEL_FIELDS, old.field_count)):
        raise DamagedError("a newer .tflite layout than edgeclf knows")
    kept = [
        entry
        for entry in old.tables(schema.MODEL_METADATA)
        if entry.string(schema.METADATA_NAME) != meta.ENTRY_NAME
    ]
    old_buffers = old.element_targets(schema.MODEL_BUFFERS)
    builder = _ForwardBuilder(len(base))
    buffers = [*map(builder.in_base, old_buffers)]
    entries = [builder.in_base(entry.position) for entry in kept]
    length = len(base).to_bytes(8, "little")
    for entry_name, content in ((meta.ENTRY_NAME, metadata), (_BASE_ENTRY, length)):
        entries.append(builder.metadata_entry(entry_name, len(buffers)))
        buffers.append(builder.buffer(content))
    replaced = {
        schema.MODEL_BUFFERS: builder.vector(buffers),
        schema.MODEL_METADATA: builder.vector(entries),
    }
    return builder.finish(old, replaced)


class _ForwardBuilder:
    """A flatbuffer builder whose output is followed by an older file.

    The builder counts positions backwards from its own end, so a place in the older
    file, which begins there, has a position below zero.
    """

    def __init__(self, base_length: int) -> None:
        self._builder = flatbuffers.Builder(base_length // 256 + 4096)
        self._builder.Prep(_ALIGNMENT, 0)

    def in_base(self, position: int) -> int:
        return -position

    def buffer(self, content: bytes) -> int:
        self._builder.StartVector(1, len(content), 16)
        self._builder.head -= len(content)
        start = self._builder.head
        self._builder.Bytes[start : start + len(content)] = content
        data = self._builder.EndVector()
        self._builder.StartObject(1)
        self._builder.PrependUOffsetTRelativeSlot(schema.BUFFER_DATA, data, 0)
        return int(self._builder.EndObject())

    def metadata_entry(self, name: str, buffer: int) -> int:
        text = self._builder.CreateString(name)
        self._builder.StartObject(2)
        self._builder.PrependUOffsetTRelativeSlot(schema.METADATA_NAME, text, 0)
        self._builder.PrependUint32Slot(schema.METADATA_BUFFER, buffer, 0)
        return int(self._builder.EndObject())

    def vector(self, positions: list[int]) -> int:
        self._builder.StartVector(4, len(positions), 4)
        for position in reversed(positions):
            self._builder.PrependUOffsetTRelative(position)
        return int(self._builder.EndVector())

    def finish(self, old: Table, replaced: dict[int, int]) -> bytes:
        """Write a root like the old one but for the fields replaced."""
        version = old.scalar(schema.MODEL_VERSION, "I")
        targets = {
            field: self.in_base(target)
            for field in range(1, schema.MODEL_FIELDS)
            if (target := old.target(field)) is not None
        }
        self._builder.StartObject(schema.MODEL_FIELDS)
        self._builder.PrependUint32Slot(schema.MODEL_VERSION, version, 0)
        for field, target in sorted({**targets, **replaced}.items()):
            self._builder.PrependUOffsetTRelativeSlot(field, target, 0)
        root = self._builder.EndObject()
        self._builder.Finish(root, file_identifier=schema.IDENTIFIER)
        return bytes(self._builder.Output())
