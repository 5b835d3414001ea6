"""What sinks with a buffer of their own did with what they took."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

__all__ = ["CountingSink", "SinkCounts", "settle_sinks"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkCounts:
    """What became of a sink's records; at the end, ``taken = delivered + lost``.

    Attributes:
        sink: Where they go, fit to be shown.
        taken: Records that the sink took from the loop.
        delivered: Records that arrived.
        lost: Records that its buffer had no room for, that the other side refused, or
            that were still waiting at the end.
    """

    sink: str
    taken: int
    delivered: int
    lost: int


@runtime_checkable
class CountingSink(Protocol):
    """A sink that delivers in its own time, and can say what it did."""

    def hurry(self) -> None:
        """Deliver what waits without any pause."""
        ...

    def settle(self, timeout_s: float) -> SinkCounts:
        """Wait until everything is delivered, count the rest as lost, and say so."""
        ...


def settle_sinks(
    sinks: Sequence[object], *, timeout_s: float = 1.0
) -> tuple[SinkCounts, ...]:
    """Return the final counts of those sinks that count.

    Args:
        sinks: All of them.
        timeout_s: How long to wait for all together, in seconds.
    """
    deadline_ns = time.monotonic_ns() + round(timeout_s * 1e9)
    counting = [sink for sink in sinks if isinstance(sink, CountingSink)]
    for sink in counting:
        sink.hurry()
    return tuple(
        sink.settle(max(0.0, (deadline_ns - time.monotonic_ns()) / 1e9))
        for sink in counting
    )
