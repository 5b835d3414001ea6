"""Where ``edgeclf bench`` shows how far it is, and writes what it found."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from edgeclf.bench import Progress
from edgeclf.commands.console import SCHEMA_VERSIONS
from edgeclf.files import write_atomically

__all__ = ["progress_line", "write_html", "write_junit", "write_report"]


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


def write_junit(path: Path, payload: Mapping[str, Any]) -> None:
    """Write what a CI server reads, in one step.

    Raises:
        OutputFileError: It cannot be written; what was there before is untouched.
    """
    from edgeclf.bench.junit import junit_xml  # noqa: PLC0415 - on request

    write_atomically(path, junit_xml(payload))


def write_html(path: Path, payload: Mapping[str, Any]) -> None:
    """Write the page, in one step.

    Raises:
        OutputFileError: It cannot be written; what was there before is untouched.
    """
    from edgeclf.bench.page import report_page  # noqa: PLC0415 - on request

    write_atomically(path, report_page(payload))
