"""The program ``edgeclf``, also as ``python -m edgeclf``."""

import contextlib
import os
import sys
import threading
from pathlib import Path

__all__ = ["main"]


def main() -> None:
    """Run the command line; Ctrl-C while Python is still importing ends quietly too."""
    _open_missing_streams()
    try:
        from edgeclf.cli import main as run_command_line  # noqa: PLC0415 - takes 70 ms

        run_command_line()
    except KeyboardInterrupt:
        sys.exit(130)
    except SystemExit as end:
        if isinstance(end.code, int) and _leaves_threads_behind():
            _end_at_once(end.code)
        raise


def _open_missing_streams() -> None:
    """Send what nobody listens to nowhere: a service may start with closed streams."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115 - to the end


def _leaves_threads_behind() -> bool:
    """Return whether a thread is left that nobody waits for: one that hangs."""
    return any(
        each.daemon
        for each in threading.enumerate()
        if each is not threading.main_thread()
    )


def _end_at_once(code: int) -> None:
    """End the process without Python's own end, which such a thread may turn into a crash.

    A thread that comes back from a driver while Python is ending is ended by Python,
    before 3.14, in the middle of that library's C++, which then aborts the process.

    Source:
        Python's C API, "Cautions regarding runtime finalization".
    """
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # nobody listens any more
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
