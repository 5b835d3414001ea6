"""Reading and writing whole files so that nothing is lost and errors are clear."""

import contextlib
import errno
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from edgeclf.errors import InputFileError, OutputFileError

__all__ = ["check_output", "open_file", "read_file", "write_atomically"]


@contextlib.contextmanager
def open_file(path: Path, *, what: str, limit: int) -> Iterator[BinaryIO]:
    """Open a regular file of at most ``limit`` bytes for reading.

    Args:
        path: The file.
        what: What it should be, for the message: ``"a bundle"``.
        limit: Largest size accepted, in bytes.

    Raises:
        InputFileError: It is missing, not a regular file, empty or larger, or cannot
            be opened, or be read in the block.
    """
    try:
        # Without O_NONBLOCK, opening a named pipe would wait for a writer for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            _check_status(path, os.fstat(descriptor), what=what, limit=limit)
            yield file
    except FileNotFoundError:
        raise InputFileError(f"{path}: no such file; expected {what}") from None
    except IsADirectoryError:
        raise InputFileError(f"{path}: is a directory; expected {what}") from None
    except OSError as error:
        raise InputFileError(f"{path}: {_reason(error)}; expected {what}") from error


def _check_status(path: Path, status: os.stat_result, *, what: str, limit: int) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise InputFileError(f"{path}: not a regular file; expected {what}")
    if status.st_size == 0:
        raise InputFileError(f"{path}: the file is empty; expected {what}")
    if status.st_size > limit:
        raise InputFileError(
            f"{path}: {status.st_size} bytes, over the limit of {limit} for {what}"
        )


def read_file(path: Path, *, what: str, limit: int) -> bytes:
    """Return the bytes of a regular file; see ``open_file``."""
    with open_file(path, what=what, limit=limit) as file:
        return file.read()


def check_output(path: Path, *, inputs: Iterable[Path | None] = ()) -> None:
    """Refuse an output that cannot be written, before any work is spent on it.

    Args:
        path: Where the result shall go.
        inputs: Files that the result is made from; those not given are ``None``.

    Raises:
        OutputFileError: It is a directory, a device or one of the inputs, or in a
            folder that cannot be written to.
    """
    target = _target(path)
    for given in inputs:
        if given is not None and _is_same_file(target, given):
            raise OutputFileError(
                f"cannot write {path}: it is what the result is made from; name "
                "another file"
            )
    folder = target.parent
    if not folder.is_dir():
        raise OutputFileError(
            f"cannot write {path}: there is no folder {folder}; make it first"
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputFileError(
            f"cannot write {path}: the folder {folder} is not writable"
        )


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that readers see the old one or the whole new one.

    The bytes go to a temporary file beside ``path``, reach the disk, and take the name
    in one step. A kill at any moment leaves the old file as it was. A symbolic link is
    followed, so that it stays a link.

    Raises:
        OutputFileError: The disk is full, the folder is missing or not writable, or
            something that is not a regular file has the name.
    """
    import tempfile  # noqa: PLC0415 - 5 ms that reading does not need

    target = _target(path)
    temporary: str | None = None
    try:
        descriptor, temporary = tempfile.mkstemp(
            dir=target.parent, prefix=f".{target.name}.", suffix=".tmp"
        )
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o666 & ~_umask())
        Path(temporary).replace(target)
        temporary = None
        _sync_folder(target.parent)
    except OSError as error:
        raise OutputFileError(f"cannot write {path}: {_reason(error)}") from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()


def _target(path: Path) -> Path:
    """Return the regular file that ``path`` is or will be.

    Without this, a device such as /dev/null would be replaced by a file.
    """
    target = Path(os.path.realpath(path))
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        return target
    except OSError as error:
        raise OutputFileError(f"cannot write {path}: {_reason(error)}") from error
    if stat.S_ISDIR(mode):
        raise OutputFileError(
            f"cannot write {path}: it is a directory; name a file in it"
        )
    if not stat.S_ISREG(mode):
        raise OutputFileError(
            f"cannot write {path}: it is not a regular file; name one that is, or "
            "that does not exist yet"
        )
    return target


def _is_same_file(target: Path, given: Path) -> bool:
    try:
        return target.samefile(given)
    except OSError:  # one of them does not exist, which its reader will say
        return False


def _umask() -> int:
    # There is no way to read it but to set it.
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network file systems cannot sync a folder; the file itself is safe.
        if error.errno not in {errno.EINVAL, errno.ENOTSUP}:
            raise
    finally:
        os.close(descriptor)


def _reason(error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return "the disk is full: free some space and run it again"
    return (error.strerror or str(error)).lower()
