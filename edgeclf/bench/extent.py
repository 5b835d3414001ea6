"""How long a run is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from edgeclf.stream import Decision, Event, LoopReport, Stop

__all__ = ["QUICK", "Extent", "Progress", "RunLength"]

Progress = Callable[[float], None]
"""Told about once a second which share of the run is done, 0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """When a run is long enough: after so many frames and so many seconds, both.

    Attributes:
        frames: Decisions to make at least.
        seconds: Time to take at least.
    """

    frames: int
    seconds: float

    def __post_init__(self) -> None:
        if self.frames < 1 or not 0 <= self.seconds < float("inf"):
            raise ValueError(f"a run has frames and takes time, got {self}")


QUICK: Final = Extent(frames=1024, seconds=60.0)
"""Enough frames for a p99 that means something, enough time for the heat to show."""


class RunLength:
    """A sink that ends the loop when the run is long enough.

    Args:
        extent: What is enough.
        stop: Where the end is asked for.
        progress: Told how far it is.
        clock: Nanoseconds.
    """

    def __init__(
        self, extent: Extent, stop: Stop, progress: Progress, clock: Callable[[], int]
    ) -> None:
        self._extent = extent
        self._stop = stop
        self._progress = progress
        self._clock = clock
        self._started_ns = clock()
        self._told_ns = self._started_ns
        self._decisions = 0
        self.is_done = False

    def decision(self, _: Decision) -> None:
        """Count one decision, and ask for the end when it was the last."""
        self._decisions += 1
        now_ns = self._clock()
        elapsed_s = (now_ns - self._started_ns) / 1e9
        extent = self._extent
        if self._decisions >= extent.frames and elapsed_s >= extent.seconds:
            self.is_done = True
            self._stop.request()
        elif now_ns - self._told_ns >= 1_000_000_000:
            self._told_ns = now_ns
            by_time = elapsed_s / extent.seconds if extent.seconds else 1.0
            self._progress(min(self._decisions / extent.frames, by_time))

    def event(self, _: Event) -> None:
        """Events are not measured."""

    def report(self, _: LoopReport) -> None:
        """Nothing follows the run."""
