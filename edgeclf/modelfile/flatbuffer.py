"""Reading flatbuffers with every offset checked.

A flatbuffer is followed by offsets; a wrong one in a damaged file would make a reader
look, and a native engine jump, anywhere. Here each is checked before it is used.

Source:
    FlatBuffers internals, https://flatbuffers.dev/internals/.
"""

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeclf.modelfile.damage import DamagedError

__all__ = ["Table", "root_table"]

_U16 = struct.Struct("<H")
_U32 = struct.Struct("<I")
_I32 = struct.Struct("<i")


def root_table(data: memoryview, identifier: bytes) -> "Table":
    """Return the root table of a flatbuffer.

    Args:
        data: All its bytes, root offset first.
        identifier: The four bytes that must stand at 4.
    """
    if len(data) < 8 or bytes(data[4:8]) != identifier:
        raise DamagedError(f"no {identifier.decode()!r} at byte 4")
    return Table(data, _follow(data, 0))


class Table:
    """One table; fields are numbered from 0 in the schema's order."""

    __slots__ = ("_data", "_position", "_size", "_vtable", "_vtable_size")

    def __init__(self, data: memoryview, position: int) -> None:
        if position % 4 or not 0 < position <= len(data) - 4:
            raise DamagedError(f"a table at byte {position} of {len(data)}")
        vtable = position - _I32.unpack_from(data, position)[0]
        if vtable % 2 or not 0 < vtable <= len(data) - 4:
            raise DamagedError(f"the table at byte {position} has no field list")
        vtable_size = _U16.unpack_from(data, vtable)[0]
        size = _U16.unpack_from(data, vtable + 2)[0]
        if (
            vtable_size < 4
            or vtable_size % 2
            or vtable + vtable_size > len(data)
            or size < 4
            or position + size > len(data)
        ):
            raise DamagedError(f"the table at byte {position} reaches out of the file")
        self._data = data
        self._position = position
        self._size = size
        self._vtable = vtable
        self._vtable_size = vtable_size

    @property
    def field_count(self) -> int:
        """Number of fields the table has room for."""
        return int(self._vtable_size - 4) // 2

    @property
    def position(self) -> int:
        """Where the table begins, in bytes from the buffer's start."""
        return self._position

    def has(self, field: int) -> bool:
        """Return whether the field is stored at all."""
        return self._field(field, 1) != 0

    def scalar(self, field: int, kind: str, default: float = 0) -> Any:
        """Return a number stored in the table; ``kind`` as in :mod:`struct`."""
        position = self._field(field, struct.calcsize(kind))
        if not position:
            return default
        return struct.unpack_from(f"<{kind}", self._data, position)[0]

    def target(self, field: int) -> int | None:
        """Return where a field's offset points to, or ``None`` without the field."""
        position = self._field(field, 4)
        return _follow(self._data, position) if position else None

    def table(self, field: int) -> "Table | None":
        """Return a table that a field points to."""
        target = self.target(field)
        return None if target is None else Table(self._data, target)

    def element_targets(self, field: int) -> list[int]:
        """Return where the elements of a vector of tables begin."""
        start, count = self._vector(field, 4)
        return [_follow(self._data, start + 4 * index) for index in range(count)]

    def tables(self, field: int) -> list["Table"]:
        """Return a vector of tables; empty without the field."""
        return [Table(self._data, target) for target in self.element_targets(field)]

    def string(self, field: int) -> str | None:
        """Return a string, or ``None`` without the field."""
        if not self.has(field):
            return None
        start, count = self._vector(field, 1)
        return bytes(self._data[start : start + count]).decode(errors="replace")

    def array(self, field: int, dtype: str) -> NDArray[Any]:
        """Return a vector of numbers as an array that shares the file's bytes."""
        kind = np.dtype(dtype)
        start, count = self._vector(field, kind.itemsize)
        return np.frombuffer(self._data, dtype=kind, count=count, offset=start)

    def _field(self, field: int, width: int) -> int:
        slot = 4 + 2 * field
        if slot >= self._vtable_size:
            return 0
        offset = _U16.unpack_from(self._data, self._vtable + slot)[0]
        if not offset:
            return 0
        if offset < 4 or offset + width > self._size:
            raise DamagedError(
                f"field {field} of the table at byte {self._position} is outside it"
            )
        return int(self._position + offset)

    def _vector(self, field: int, width: int) -> tuple[int, int]:
        target = self.target(field)
        if target is None:
            return 0, 0
        if target > len(self._data) - 4:
            raise DamagedError(f"a list at byte {target} of {len(self._data)}")
        count = _U32.unpack_from(self._data, target)[0]
        if target + 4 + count * width > len(self._data):
            raise DamagedError(
                f"a list of {count} at byte {target} reaches out of the file"
            )
        return target + 4, count


def _follow(data: memoryview, position: int) -> int:
    target = position + _U32.unpack_from(data, position)[0]
    if target == position or target > len(data) - 4:
        raise DamagedError(f"the offset at byte {position} leads out of the file")
    return int(target)
