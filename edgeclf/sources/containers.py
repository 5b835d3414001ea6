"""Whether a video file is all there, as its container says: decoders do not tell."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

__all__ = ["is_text", "missing_bytes"]

_TEXT_BYTES = {*b"\t\n\r\f\b\x1b", *range(32, 256)}
_EBML = b"\x1a\x45\xdf\xa3"


def missing_bytes(path: Path) -> int:
    """Return how many bytes a video file lacks of what its container announces.

    Returns:
        0 for a whole file, and for containers that announce nothing or that are not
        MP4, MOV, AVI, Matroska or WebM.

    Raises:
        OSError: It cannot be read.

    Source:
        ISO/IEC 14496-12 section 4.2 (boxes); the RIFF chunk of AVI; RFC 8794 (EBML).
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(16)
        if start[4:8] == b"ftyp":
            ends = _box_ends(file, size)
        elif start[:4] == b"RIFF" and start[8:12] == b"AVI ":
            ends = _riff_ends(file, size)
        elif start[:4] == _EBML:
            ends = _ebml_ends(file, size)
        else:
            return 0
        return max(0, max(ends, default=size) - size)


def is_text(path: Path) -> bool:
    """Return whether a file begins like text, as no container of videos does.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        start = file.read(1024)
    is_raw_video = start.startswith(b"YUV4MPEG2")
    return not is_raw_video and not set(start) - _TEXT_BYTES


def _box_ends(file: BinaryIO, size: int) -> Iterator[int]:
    """Yield where each top-level box of an MP4 or MOV file ends."""
    position = 0
    while position + 8 <= size:
        file.seek(position)
        header = file.read(16)
        length = int.from_bytes(header[:4], "big")
        if length == 1:
            length = int.from_bytes(header[8:16], "big")
        if length < 8:  # 0: it reaches to the end of the file, wherever that is
            return
        position += length
        yield position


def _riff_ends(file: BinaryIO, size: int) -> Iterator[int]:
    """Yield where each RIFF chunk of an AVI file ends; long files have several."""
    position = 0
    while position + 8 <= size:
        file.seek(position)
        header = file.read(8)
        length = int.from_bytes(header[4:8], "little")
        if header[:4] != b"RIFF" or length in {0, 0xFFFFFFFF}:  # never completed
            return
        position += 8 + length
        yield position
        position += length % 2


def _ebml_ends(file: BinaryIO, size: int) -> Iterator[int]:
    """Yield where the header and the segment of a Matroska file end."""
    end = 0
    for _ in range(2):
        file.seek(end)
        first = file.read(1)
        if not first:
            return
        file.read(_width(first[0]) - 1)  # the element's identifier
        length = _ebml_length(file)
        if length is None:
            return
        end = file.tell() + length
        yield end
        if end > size:
            return


def _ebml_length(file: BinaryIO) -> int | None:
    """Return an element's length; all ones mean that the writer did not know."""
    first = file.read(1)
    if not first:
        return None
    width = _width(first[0])
    bits = 7 * width
    value = int.from_bytes(first + file.read(width - 1), "big") & ((1 << bits) - 1)
    return None if value == (1 << bits) - 1 else value


def _width(first: int) -> int:
    """Return how many bytes a number has, from the leading zeros of its first."""
    return 9 - max(1, first.bit_length())
