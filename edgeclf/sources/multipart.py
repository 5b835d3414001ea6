"""The parts of a ``multipart/x-mixed-replace`` stream, out of bytes as they come."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from edgeclf.errors import SourceError

__all__ = ["MAX_PART_BYTES", "MultipartReader", "Part", "boundary_of"]

MAX_PART_BYTES = 32 * 1024 * 1024
"""A larger part ends the stream."""

_MAX_HEADER_BYTES = 8 * 1024
_MAX_BETWEEN_BYTES = 64 * 1024  # of what is neither a header nor a part
_MOST_DASHES = 64

_Step: TypeAlias = Callable[[int], bool]

_BOUNDARY = re.compile(r';\s*boundary\s*=\s*(?:"([^"]+)"|([^\s;"]+))', re.IGNORECASE)
_END_OF_HEADER = re.compile(rb"\r?\n[ \t]*\r?\n")
_LENGTH = re.compile(
    rb"^content-length[ \t]*:[ \t]*([0-9]{1,12})[ \t]*\r?$",
    re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part, without its header.

    Attributes:
        data: Its bytes.
        arrived_ns: When the first of them came in.
    """

    data: bytes = field(repr=False)
    arrived_ns: int


def boundary_of(content_type: str) -> str | None:
    """Return the boundary that a ``Content-Type`` names, or ``None``.

    >>> boundary_of('multipart/x-mixed-replace; boundary="my frame"')
    'my frame'
    """
    match = _BOUNDARY.search(content_type)
    return None if match is None else match[1] or match[2]


class MultipartReader:
    """Takes bytes in pieces of any size and gives the parts that they complete.

    What cameras do is read as it is meant: dashes that belong to the boundary or not,
    line ends of one character or none at all before it, a part without a length, and
    anything at all between a part and the next boundary. A part without a length is
    complete when the boundary after it is there.

    Args:
        boundary: As the ``Content-Type`` of the stream names it.

    Source:
        RFC 2046 section 5.1.1.
    """

    def __init__(self, boundary: str) -> None:
        name = boundary.strip("-") or boundary
        self._boundary = b"--" + name.encode("latin-1", "replace")
        self._buffer = bytearray()
        self._step: _Step = self._find_boundary
        self._looked_at = 0
        self._length: int | None = None
        self._arrived_ns: int | None = None
        self._parts: list[Part] = []

    def feed(self, data: bytes, now_ns: int) -> list[Part]:
        """Return the parts that are complete now.

        Args:
            data: What came in.
            now_ns: When it did.

        Raises:
            SourceError: A header, a part or the bytes between them are longer than
                any camera's, or the stream says that it is over.
        """
        self._buffer += data
        while self._step(now_ns):
            pass
        parts, self._parts = self._parts, []
        return parts

    def _find_boundary(self, _: int) -> bool:
        """Drop everything up to the next boundary."""
        place = self._buffer.find(self._boundary)
        if (len(self._buffer) if place < 0 else place) > _MAX_BETWEEN_BYTES:
            raise SourceError(
                f"no boundary in {_MAX_BETWEEN_BYTES // 1024} KiB of the stream"
            )
        if place < 0:
            return False
        del self._buffer[: place + len(self._boundary)]
        self._step = self._read_header
        return True

    def _read_header(self, _: int) -> bool:
        if self._buffer.startswith(b"--"):
            raise SourceError("the server ended the stream")
        match = _END_OF_HEADER.search(self._buffer)
        if (match.end() if match else len(self._buffer)) > _MAX_HEADER_BYTES:
            raise SourceError(
                f"the header of a part is over {_MAX_HEADER_BYTES // 1024} KiB"
            )
        if match is None:
            return False
        length = _LENGTH.search(self._buffer, 0, match.end())
        self._length = int(length[1]) if length else None
        del self._buffer[: match.end()]
        self._looked_at = 0
        self._arrived_ns = None
        self._step = self._read_part
        return True

    def _read_part(self, now_ns: int) -> bool:
        if self._buffer and self._arrived_ns is None:
            self._arrived_ns = now_ns
        end = self._length if self._length is not None else self._next_boundary()
        if (len(self._buffer) if end is None else end) > MAX_PART_BYTES:
            raise SourceError(f"a part is over {MAX_PART_BYTES // 1024 // 1024} MiB")
        if end is None or end > len(self._buffer):
            return False
        arrived_ns = now_ns if self._arrived_ns is None else self._arrived_ns
        self._parts.append(Part(data=bytes(self._buffer[:end]), arrived_ns=arrived_ns))
        del self._buffer[:end]
        self._step = self._find_boundary
        return True

    def _next_boundary(self) -> int | None:
        """Return where the next boundary begins, its dashes and line end included."""
        place = self._buffer.find(self._boundary, self._looked_at)
        if place < 0:
            self._looked_at = max(0, len(self._buffer) - len(self._boundary))
            return None
        before = bytes(self._buffer[max(0, place - _MOST_DASHES) : place])
        data = before.rstrip(b"-").removesuffix(b"\n").removesuffix(b"\r")
        return place - len(before) + len(data)
