"""What a conversion shows while it runs, and how it ends when it is told to."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import accumulate
from types import FrameType

from converters.child import Report
from converters.pipeline import ConversionRequest, planned_phases
from edgeclf.commands.console import progress, say

__all__ = ["leaving_nothing_on_sigterm", "reporting"]


@contextmanager
def leaving_nothing_on_sigterm() -> Iterator[None]:
    """Turn SIGTERM into an exit that removes temporary files; the code stays 143."""

    def leave(number: int, _: FrameType | None) -> None:
        sys.exit(128 + number)

    previous = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


@contextmanager
def reporting(request: ConversionRequest) -> Iterator[Report]:
    """Show phases on stderr: as a bar on a terminal, else a line each."""
    seconds = planned_phases(request)
    ends = dict(zip(seconds, accumulate(seconds.values()), strict=True))
    position = 0.0
    with progress("starting", total=sum(seconds.values())) as advance:

        def report(phase: str, done: float) -> None:
            nonlocal position
            name, _, detail = phase.partition(": ")
            if not sys.stderr.isatty() and (detail or done == 0.0):
                say(f"  tried {detail}" if detail else f"{name} ...")
            reached = position
            if name in ends:
                reached = max(position, ends[name] - seconds[name] * (1 - done))
            advance(reached - position, description=phase)
            position = reached

        yield report
