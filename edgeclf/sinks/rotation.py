"""A file of lines that begins anew when it is full, and keeps its last few selves."""

import contextlib
import fcntl
import os
import stat
from pathlib import Path
from typing import Final

from edgeclf.errors import SinkError

__all__ = ["RotatingFile"]

_BLOCK: Final = 1 << 16


class RotatingFile:
    """``PATH``, and ``PATH.1`` (the newest) to ``PATH.N`` that were full before it.

    At every moment the files hold whole lines, one behind the other. Only a process
    that is killed in the middle of a write leaves a torn last line, which is cut off
    when the file is opened again.
    """

    def __init__(
        self, path: Path, *, max_size: int, keep: int, begins_with: bytes
    ) -> None:
        """Open the file, or make it.

        Args:
            path: Its folder must be there.
            max_size: Most bytes a file.
            keep: How many files, the current one included: together they never take
                more than ``keep * max_size`` bytes.
            begins_with: Bytes that a file of ours begins with; another is left alone.

        Raises:
            SinkError: It is not ours, somebody else writes it, or it cannot be opened.
        """
        self.path = path
        self.max_size = max_size
        self.keep = keep
        self.cut = 0
        """Bytes of a torn last line that were cut off on opening."""
        self._begins_with = begins_with
        try:
            self._file = self._open()
        except OSError as error:
            raise SinkError(f"cannot write {path}: {_reason(error)}") from error
        try:
            self.cut = self._repair()
            self._size = os.fstat(self._file).st_size
            self._drop_old()
        except OSError as error:
            os.close(self._file)
            raise SinkError(f"cannot write {path}: {_reason(error)}") from error
        except SinkError:
            os.close(self._file)
            raise

    @property
    def room(self) -> int:
        """Bytes that the current file still has room for."""
        return max(0, self.max_size - self._size)

    def write(self, lines: bytes) -> None:
        """Write whole lines, all of them or none.

        Args:
            lines: Each ends with a line feed.

        Raises:
            OSError: The disk is full, or the like; the file is as it was.
        """
        if self._size and self._size + len(lines) > self.max_size:
            self.rotate()
        written = 0
        try:
            while written < len(lines):
                written += os.write(self._file, lines[written:])
        except OSError:
            os.ftruncate(self._file, self._size)
            raise
        self._size += written

    def rotate(self) -> None:
        """Put the full file away, and begin a new one.

        Raises:
            OSError: The new one cannot be made; the full one is still in use, and its
                name is free to be taken again.
        """
        os.fdatasync(self._file)
        if self.path.exists():  # else it was put away, and no new one could be made
            self._shift()
        full, self._file = self._file, self._open()
        os.close(full)
        self._size = 0
        self._drop_old()

    def sync(self) -> None:
        """Have the disk hold what was written, whatever happens to the power."""
        os.fdatasync(self._file)

    def close(self) -> None:
        """Sync and let go."""
        with contextlib.suppress(OSError):  # nobody is left to be told
            os.fdatasync(self._file)
        os.close(self._file)

    def _shift(self) -> None:
        for number in range(self.keep - 1, 0, -1):
            older = self._numbered(number - 1)
            if older.exists():
                older.replace(self._numbered(number))
        if self.keep == 1:
            self.path.unlink()

    def _numbered(self, number: int) -> Path:
        return (
            self.path.with_name(f"{self.path.name}.{number}") if number else self.path
        )

    def _open(self) -> int:
        # Without O_NONBLOCK, opening a named pipe would wait for a reader for ever.
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
        file = os.open(self.path, flags, 0o666)
        try:
            self._claim(file)
        except (OSError, SinkError):
            os.close(file)
            raise
        return file

    def _claim(self, file: int) -> None:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise SinkError(f"cannot write {self.path}: it is not a regular file")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise SinkError(
                f"cannot write {self.path}: another process does; name another file"
            ) from error

    def _repair(self) -> int:
        """Cut off what follows the last line feed, and return how many bytes it was."""
        size = os.fstat(self._file).st_size
        start = os.pread(self._file, len(self._begins_with), 0)
        if not self._begins_with.startswith(start):
            raise SinkError(
                f"cannot write {self.path}: it holds something else; name another file"
            )
        whole = self._end_of_lines(size)
        if whole < size:
            os.ftruncate(self._file, whole)
        return size - whole

    def _end_of_lines(self, size: int) -> int:
        end = size
        while end:
            begin = max(0, end - _BLOCK)
            found = os.pread(self._file, end - begin, begin).rfind(b"\n")
            if found >= 0:
                return begin + found + 1
            end = begin
        return 0

    def _drop_old(self) -> None:
        """Remove numbered files beyond the number, or the bytes, that are allowed."""
        allowed = self.max_size * (self.keep - 1)
        for number, path in sorted(self._old_files()):
            allowed -= path.stat().st_size
            if number >= self.keep or allowed < 0:
                path.unlink(missing_ok=True)

    def _old_files(self) -> list[tuple[int, Path]]:
        prefix = f"{self.path.name}."
        found = []
        for path in self.path.parent.iterdir():
            number = path.name.removeprefix(prefix)
            if path.name.startswith(prefix) and number.isascii() and number.isdigit():
                found.append((int(number), path))
        return found


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
