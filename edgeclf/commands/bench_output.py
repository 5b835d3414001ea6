"""Where ``edgeclf bench`` shows how far it is, and writes what it found."""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from edgeclf.bench import Progress
from edgeclf.commands.console import SCHEMA_VERSIONS
from edgeclf.errors import OutputFileError
from edgeclf.files import write_atomically

__all__ = ["progress_line", "require_writable", "write_report"]


@contextmanager
def progress_line() -> Iterator[Progress]:
    """Show how far it is, once a second.

    A progress bar of rich redraws itself ten times a second from a thread of its own,
    and would show up in what is measured here.
    """
    if not sys.stderr.isatty():
        yield lambda share: None  # noqa: ARG005 - nobody looks
        return

    def show(share: float) -> None:
        sys.stderr.write(f"\rmeasuring: {share:4.0%} ")
        sys.stderr.flush()

    show(0.0)
    try:
        yield show
    finally:
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()


def require_writable(path: Path) -> None:
    """Refuse a place that the report cannot go to, before a minute was spent.

    Raises:
        OutputFileError: It is a directory, or in a folder that cannot be written to.
    """
    if path.is_dir():
        raise OutputFileError(f"cannot write {path}: it is a directory; name a file")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise OutputFileError(
            f"cannot write {path}: the folder {path.parent} is missing or not writable"
        )


def write_report(path: Path, payload: Mapping[str, Any]) -> None:
    """Write what ``--json`` prints to a file, in one step.

    Raises:
        OutputFileError: It cannot be written; what was there before is untouched.
    """
    document = {
        "schema": "edgeclf.bench",
        "version": SCHEMA_VERSIONS["bench"],
        **payload,
    }
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    write_atomically(path, f"{text}\n".encode())
