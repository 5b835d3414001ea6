"""A folder of pictures with their decisions, the oldest removed when it is full."""

import contextlib
import fcntl
import os
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from edgeclf.errors import OutputFileError, SinkError
from edgeclf.files import write_atomically

__all__ = ["CaptureFolder"]

_NAME: Final = r"([0-9]{8,})-[0-9]{8}T[0-9]{6}Z\.(?:jpg|png|json)"
_OURS: Final = re.compile(_NAME)
_UNFINISHED: Final = re.compile(rf"\.{_NAME}\..*\.tmp")


@dataclass(slots=True)
class _Capture:
    """The files of one capture, and their bytes together."""

    paths: list[Path]
    size: int


class CaptureFolder:
    """``00000042-20261027T103748Z.jpg`` and ``.json``, numbered over all runs.

    The number, not the clock, tells which is the oldest: a board without a battery
    wakes up in the past. Other files in the folder are left alone.

    Args:
        path: Made when it is missing; its parent must be there.
        max_size: Most bytes of all captures together.

    Raises:
        SinkError: It cannot be written to, or another process does.
    """

    def __init__(self, path: Path, *, max_size: int) -> None:
        self._path = path
        self._max_size = max_size
        try:
            path.mkdir(exist_ok=True)
            self._lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise SinkError(f"cannot write to {path}: {_reason(error)}") from error
        try:
            self._take_over()
        except BlockingIOError as error:
            os.close(self._lock)
            raise SinkError(
                f"cannot write to {path}: another process does; name another folder"
            ) from error
        except OSError as error:
            os.close(self._lock)
            raise SinkError(f"cannot write to {path}: {_reason(error)}") from error

    def fits(self, size: int) -> bool:
        """Return whether a capture of so many bytes can be kept at all."""
        return size <= self._max_size

    def add(
        self, picture: bytes, record: bytes, *, taken: datetime, suffix: str
    ) -> None:
        """Keep a picture and its record, after making room for them.

        The record is written first: a picture that is there has its record.

        Args:
            picture: Encoded.
            record: JSON.
            taken: When, for the name.
            suffix: ``jpg`` or ``png``.

        Raises:
            OutputFileError: The disk is full, or the like; nothing is left of it.
        """
        self._make_room(len(picture) + len(record))
        stem = f"{self._next:08d}-{taken:%Y%m%dT%H%M%SZ}"
        told, shown = (self._path / f"{stem}.{end}" for end in ("json", suffix))
        write_atomically(told, record)
        try:
            write_atomically(shown, picture)
        except OutputFileError:
            with contextlib.suppress(OSError):
                told.unlink()
            raise
        size = len(picture) + len(record)
        self._captures[self._next] = _Capture([shown, told], size)
        self._size += size
        self._next += 1

    def close(self) -> None:
        """Let others have the folder."""
        os.close(self._lock)

    def _take_over(self) -> None:
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        found: dict[int, _Capture] = {}
        for path in sorted(
            self._path.iterdir(), reverse=True
        ):  # pictures, then records
            if _UNFINISHED.fullmatch(path.name):
                path.unlink()
            elif match := _OURS.fullmatch(path.name):
                capture = found.setdefault(int(match[1]), _Capture([], 0))
                capture.paths.append(path)
                capture.size += path.stat().st_size
        self._captures = dict(sorted(found.items()))
        self._size = sum(capture.size for capture in found.values())
        self._next = max(found, default=-1) + 1
        self._make_room(0)

    def _make_room(self, size: int) -> None:
        while self._captures and self._size + size > self._max_size:
            oldest = next(iter(self._captures))
            capture = self._captures.pop(oldest)
            for path in capture.paths:
                path.unlink(missing_ok=True)
            self._size -= capture.size


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
