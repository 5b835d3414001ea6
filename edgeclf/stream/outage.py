"""How a lost source is got back, and how long that may take."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from edgeclf.errors import SourceError
from edgeclf.sources import ClosedOnExit, Source
from edgeclf.types import Frame, TimestampOrigin

__all__ = ["Backoff", "Recovery", "Unopened"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """How long to wait before the next attempt: longer each time, and never the same.

    A thousand boards that lost one server must not all come back in the same second,
    so each waits for a random share of the time ("full jitter").

    Attributes:
        first_s: The longest wait before the first attempt, above 0.
        longest_s: The longest wait there is. With the two seconds in which a silent
            connection is noticed, a server that is back is found within five.
        share: Returns what share of the longest wait to take, 0 to 1.

    Source:
        M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """

    first_s: float = 0.25
    longest_s: float = 2.0
    share: Callable[[], float] = random.random

    def __post_init__(self) -> None:
        if not 0 < self.first_s <= self.longest_s < float("inf"):
            raise ValueError(
                "waits must be above 0, the longest not below the first, got "
                f"{self.first_s} and {self.longest_s}"
            )

    def wait_s(self, failures: int) -> float:
        """Return how long to wait after so many failures in a row, from 0."""
        doublings = min(failures, 32)  # more would be no number any more
        longest = min(self.longest_s, self.first_s * 2.0**doublings)
        return longest * self.share()


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """What the loop does when a live source is lost.

    Attributes:
        reopen: Opens the source anew; what it raises as ``SourceError`` is tried again.
        stall_s: A source that gives nothing for so long is lost, even where its read
            says nothing. Above the longest time between two frames.
        start_s: How long a source may take to open, and then to its first frame.
        max_outage_s: After so long without a frame the loop gives up; ``None``: never.
        backoff: Waits between the attempts.
    """

    reopen: Callable[[], Source]
    stall_s: float = 2.0
    start_s: float = 10.0
    max_outage_s: float | None = None
    backoff: Backoff = field(default_factory=Backoff)

    def __post_init__(self) -> None:
        times = (self.stall_s, self.start_s, self.max_outage_s or 1.0)
        if not all(0 < time_s < float("inf") for time_s in times):
            raise ValueError(f"times must be finite and above 0, got {times}")


class Unopened(ClosedOnExit):
    """Stands for a live source that cannot be opened yet: its first read says so.

    Args:
        uri: What could not be opened, fit to be shown.
        error: Why.
    """

    live: Final = True
    unreadable: Final = 0
    timestamp_origin: TimestampOrigin = "arrival"

    def __init__(self, uri: str, error: SourceError) -> None:
        self.uri = uri
        self._error = error

    def __iter__(self) -> Iterator[Frame]:
        return self

    def __next__(self) -> Frame:
        raise self._error

    def close(self) -> None:
        """Nothing is open."""
