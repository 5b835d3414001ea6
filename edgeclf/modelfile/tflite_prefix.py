"""A new root for a ``.tflite`` file, written in front of the old bytes.

Offsets in a flatbuffer only lead forward, so a new root and new lists can be put before
an old flatbuffer and lead into it. The old one then begins at a multiple of 64 bytes,
so that what was aligned stays aligned; its own root is no longer used.
"""

from collections.abc import Mapping

import flatbuffers

from edgeclf.modelfile import tflite_schema as schema
from edgeclf.modelfile.damage import DamagedError
from edgeclf.modelfile.flatbuffer import Table

__all__ = ["PrefixBuilder"]

_ALIGNMENT = 64


class PrefixBuilder:
    """A flatbuffer builder whose output is followed by an older flatbuffer.

    The builder counts positions backwards from its own end, so a place in the older
    one, which begins there, has a position below zero.

    Args:
        old: The older flatbuffer's root, read from its first byte.
        expected_bytes: About how much will be written.
    """

    def __init__(self, old: Table, *, expected_bytes: int) -> None:
        if any(old.has(field) for field in range(schema.MODEL_FIELDS, old.field_count)):
            raise DamagedError("a newer .tflite layout than edgeclf knows")
        self._old = old
        self._builder = flatbuffers.Builder(expected_bytes)
        self._builder.Prep(_ALIGNMENT, 0)

    def old(self, position: int) -> int:
        """Return a place in the old flatbuffer as the methods here take it."""
        return -position

    def buffer(self, content: bytes | memoryview) -> int:
        """Write a buffer that holds its bytes."""
        self._builder.StartVector(1, len(content), 16)
        self._builder.head -= len(content)
        start = self._builder.head
        self._builder.Bytes[start : start + len(content)] = content
        data = self._builder.EndVector()
        self._builder.StartObject(1)
        self._builder.PrependUOffsetTRelativeSlot(schema.BUFFER_DATA, data, 0)
        return int(self._builder.EndObject())

    def metadata_entry(self, name: str, buffer: int) -> int:
        """Write the name of a buffer's content."""
        text = self._builder.CreateString(name)
        self._builder.StartObject(2)
        self._builder.PrependUOffsetTRelativeSlot(schema.METADATA_NAME, text, 0)
        self._builder.PrependUint32Slot(schema.METADATA_BUFFER, buffer, 0)
        return int(self._builder.EndObject())

    def vector(self, positions: list[int]) -> int:
        """Write a list of tables."""
        self._builder.StartVector(4, len(positions), 4)
        for position in reversed(positions):
            self._builder.PrependUOffsetTRelative(position)
        return int(self._builder.EndVector())

    def finish(self, replaced: Mapping[int, int]) -> bytes:
        """Write a root like the old one but for the fields replaced."""
        version = self._old.scalar(schema.MODEL_VERSION, "I")
        targets = {
            field: self.old(target)
            for field in range(1, schema.MODEL_FIELDS)
            if (target := self._old.target(field)) is not None
        }
        self._builder.StartObject(schema.MODEL_FIELDS)
        self._builder.PrependUint32Slot(schema.MODEL_VERSION, version, 0)
        for field, target in sorted({**targets, **replaced}.items()):
            self._builder.PrependUOffsetTRelativeSlot(field, target, 0)
        root = self._builder.EndObject()
        self._builder.Finish(root, file_identifier=schema.IDENTIFIER)
        return bytes(self._builder.Output())
