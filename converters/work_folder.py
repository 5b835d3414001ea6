"""The folder that a conversion works in: gone when it ends, however it ends.

A run that is killed with SIGKILL cannot remove its folder. A shell that waits for the
run's end does: it reads from a pipe that the kernel closes with the run. Where that is
killed too, or the power fails, the next run removes what is left: each folder is locked
while its run lives, and the kernel lets go of a dead one's lock.
"""

import contextlib
import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from edgeclf.errors import OutputFileError

__all__ = ["work_folder"]

_PREFIX = "edgeclf-"
_LOCK = "lock"

# What dies with the run may still write for a moment.
_REMOVE_AT_END = 'read -r _; for _ in 1 2 3; do rm -rf -- "$1" && exit; sleep 1; done'


@contextlib.contextmanager
def work_folder() -> Iterator[Path]:
    """Make a folder for a run's files, and remove it afterwards.

    Folders that killed runs of this user left behind are removed first.

    Raises:
        OutputFileError: There is no place for it.
    """
    _remove_orphans(Path(tempfile.gettempdir()))
    try:
        folder, lock = _make()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise OutputFileError(
            f"no temporary folder to work in ({reason}): set TMPDIR to one with space"
        ) from error
    watcher = _watch(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)
        watcher.communicate()


def _watch(folder: Path) -> subprocess.Popen[bytes]:
    """Start what removes the folder when this process has ended."""
    return subprocess.Popen(  # noqa: S603 - our own words
        ["/bin/sh", "-c", _REMOVE_AT_END, "sh", folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,  # what ends the run's group leaves it alone
    )


def _make() -> tuple[Path, int]:
    """Return a new folder and its lock; it has its name only once it is locked."""
    new = Path(tempfile.mkdtemp(prefix=".edgeclf-"))
    lock = os.open(new / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    folder = new.with_name(_PREFIX + new.name.removeprefix(".edgeclf-"))
    new.rename(folder)
    return folder, lock


def _remove_orphans(parent: Path) -> None:
    with contextlib.suppress(OSError):
        for folder in parent.glob(f"{_PREFIX}*"):
            with contextlib.suppress(OSError):
                _remove_if_orphan(folder)


def _remove_if_orphan(folder: Path) -> None:
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        return
    lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)
