"""Holding back what an engine's native code writes to stderr."""

import contextlib
import os
import sys
import threading
from collections.abc import Iterator

__all__ = ["held_stderr"]

_ONE_AT_A_TIME = threading.Lock()


@contextlib.contextmanager
def held_stderr() -> Iterator[None]:
    """Keep file descriptor 2 from the terminal while the block runs.

    Afterwards everything but notices (``INFO: …``) is written to it, or nothing at
    all if the block raised: the exception then tells what happened. The descriptor
    is the whole process's, so keep the block short and free of anything that may
    crash: a native crash inside would take its last words with it.
    """
    with _ONE_AT_A_TIME:
        try:
            terminal = os.dup(2)
        except OSError:  # stderr is closed: nobody to keep anything from
            yield
            return
        held = os.memfd_create("held-stderr")
        try:
            if sys.stderr is not None:
                sys.stderr.flush()
            os.dup2(held, 2)
            try:
                yield
            finally:
                os.dup2(terminal, 2)
            _write_all_but_notices(held, terminal)
        finally:
            os.close(held)
            os.close(terminal)


def _write_all_but_notices(held: int, terminal: int) -> None:
    text = os.pread(held, os.fstat(held).st_size, 0)
    lines = text.splitlines(keepends=True)
    rest = b"".join(line for line in lines if not line.startswith(b"INFO: "))
    if rest:
        os.write(terminal, rest)
