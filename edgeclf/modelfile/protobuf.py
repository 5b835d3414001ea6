"""Reading and writing protobuf messages by field number, without their schema.

Source:
    https://protobuf.dev/programming-guides/encoding/.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeclf.modelfile.damage import DamagedError

__all__ = ["Message", "field_bytes", "spans"]

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class Message:
    """One message, its fields found on the first look.

    Numbers are kept as integers or four or eight bytes; texts and messages as views of
    the file's own bytes.
    """

    __slots__ = ("_fields",)

    def __init__(self, data: memoryview) -> None:
        self._fields: dict[int, list[int | memoryview]] = {}
        for field, value, _, _ in spans(data):
            self._fields.setdefault(field, []).append(value)

    def has(self, field: int) -> bool:
        """Return whether the field is stored."""
        return field in self._fields

    def views(self, field: int) -> list[memoryview]:
        """Return the bytes of every value of a field."""
        values = self._fields.get(field, ())
        found = [value for value in values if isinstance(value, memoryview)]
        if len(found) != len(values):
            raise DamagedError(f"field {field} holds a number where bytes belong")
        return found

    def view(self, field: int) -> memoryview | None:
        """Return the bytes of the last value of a field, which counts."""
        found = self.views(field)
        return found[-1] if found else None

    def message(self, field: int) -> "Message | None":
        """Return a message inside this one."""
        view = self.view(field)
        return None if view is None else Message(view)

    def messages(self, field: int) -> list["Message"]:
        """Return every message of a repeated field."""
        return [Message(view) for view in self.views(field)]

    def text(self, field: int) -> str:
        """Return a text; empty without the field."""
        return _text(self.view(field) or memoryview(b""))

    def texts(self, field: int) -> list[str]:
        """Return every text of a repeated field."""
        return [_text(view) for view in self.views(field)]

    def integer(self, field: int, default: int = 0) -> int:
        """Return a signed integer."""
        values = self._fields.get(field)
        if not values:
            return default
        if isinstance(values[-1], memoryview):
            raise DamagedError(f"field {field} holds bytes where a number belongs")
        return _signed(values[-1])

    def integers(self, field: int) -> list[int]:
        """Return every signed integer of a repeated field, packed or not."""
        numbers: list[int] = []
        for value in self._fields.get(field, ()):
            if isinstance(value, memoryview):
                numbers.extend(_packed(value))
            else:
                numbers.append(_signed(value))
        return numbers

    def numbers(self, field: int, dtype: str) -> NDArray[Any]:
        """Return every fixed-width number of a repeated field, packed or not."""
        parts = [bytes(view) for view in self.views(field)]
        content = b"".join(parts)
        kind = np.dtype(dtype)
        if len(content) % kind.itemsize:
            raise DamagedError(f"field {field} ends inside a number")
        return np.frombuffer(content, dtype=kind)


def spans(data: memoryview) -> Iterator[tuple[int, int | memoryview, int, int]]:
    """Yield (field number, value, start, end) of each field of a message.

    Varints come as unsigned integers, all else as views.

    Raises:
        DamagedError: The bytes are no message.
    """
    position, size = 0, len(data)
    while position < size:
        start = position
        tag, position = _varint(data, position)
        field, kind = tag >> 3, tag & 7
        value: int | memoryview
        if kind == _VARINT:
            value, position = _varint(data, position)
        else:
            length, position = _length(data, position, kind)
            value, position = data[position : position + length], position + length
        if not field or position > size:
            raise DamagedError(f"a field at byte {start} reaches out of its message")
        yield field, value, start, position


def field_bytes(field: int, content: bytes) -> bytes:
    """Return a field that holds bytes, a text or a message, as it is stored."""
    return _encoded(field << 3 | _BYTES) + _encoded(len(content)) + content


def _length(data: memoryview, position: int, kind: int) -> tuple[int, int]:
    if kind == _BYTES:
        return _varint(data, position)
    if kind in {_FIXED32, _FIXED64}:
        return (4 if kind == _FIXED32 else 8), position
    raise DamagedError(f"a field of the unknown kind {kind} at byte {position}")


def _varint(data: memoryview, position: int) -> tuple[int, int]:
    value = shift = 0
    try:
        while True:
            byte = data[position]
            position += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value, position
            shift += 7
            if shift > 63:
                raise DamagedError(f"a number without end at byte {position}")
    except IndexError:
        raise DamagedError("it ends inside a number") from None


def _encoded(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _packed(view: memoryview) -> Iterator[int]:
    position = 0
    while position < len(view):
        value, position = _varint(view, position)
        yield _signed(value)


def _signed(value: int) -> int:
    value &= (1 << 64) - 1
    return value - (1 << 64) if value >> 63 else value


def _text(view: memoryview) -> str:
    return bytes(view).decode(errors="replace")
