"""Whose turn it is: frame after frame, until a limit, the end, or a request to stop."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from edgeclf.stream.capture import Arrival
from edgeclf.stream.counts import Ledger
from edgeclf.stream.event import Event
from edgeclf.stream.feed import End, Feed
from edgeclf.stream.gate import ChangeGate
from edgeclf.stream.report import Ended
from edgeclf.stream.stop import Stop, StopWaiting

__all__ = ["LOOK_UP_S", "Intake", "Limits"]

LOOK_UP_S: Final = 0.1
"""The longest wait without a look at whether the end was asked for.

A signal handler must take no lock, so it cannot wake anybody; waits look up instead.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """When the loop ends by itself, and which frames it passes over.

    Attributes:
        frames: Most decisions to make.
        duration_s: Seconds after which no further frame is taken.
        max_age_ms: A frame that is older when its turn comes is late.
    """

    frames: int | None = None
    duration_s: float | None = None
    max_age_ms: float | None = None


class Intake:
    """Takes frames that are to be decided from a feed; one thread at a time calls it.

    Args:
        feed: Where frames come from.
        ledger: Told of the frames that are passed over.
        limits: When to end, and what is too old.
        stop: Where the end may be asked for.
        clock: Nanoseconds on the clock of ``Frame.captured_ns``.
        gate: Says which frames show something new; ``None``: all.
        alive: Called at each look for a frame, every ``LOOK_UP_S`` while none comes.

    Attributes:
        ended: Why there is nothing more; ``None`` before that.
    """

    def __init__(  # noqa: PLR0913 - all but three are keyword-only
        self,
        feed: Feed,
        ledger: Ledger,
        limits: Limits,
        *,
        stop: Stop,
        clock: Callable[[], int],
        gate: ChangeGate | None = None,
        alive: Callable[[], None] | None = None,
    ) -> None:
        self._alive = alive
        self.ended: Ended | None = None
        self._is_closed = False
        self._feed = feed
        self._ledger = ledger
        self._stop = stop
        self._clock = clock
        self._gate = gate
        self._frames_left = limits.frames
        self._max_age_ns = (
            None if limits.max_age_ms is None else round(limits.max_age_ms * 1e6)
        )
        self._deadline_ns = (
            None
            if limits.duration_s is None
            else clock() + round(limits.duration_s * 1e9)
        )

    def take(self) -> Arrival | Event | None:
        """Return the next frame to decide, or what happened to the source.

        Returns:
            ``None`` when nothing follows; ``ended`` says why.

        Raises:
            SourceError: Frames cannot be had, or contradict themselves.
        """
        while (wait_s := self._wait_s()) is not None:
            if self._alive is not None:
                self._alive()
            try:
                taken = self._feed.take(wait_s)
            except StopWaiting:
                continue  # it was asked for: the next look sees why
            if isinstance(taken, End):
                self.ended = "end-of-source"
            elif isinstance(taken, Event):
                return taken
            elif taken is not None and self._is_wanted(taken):
                if self._frames_left is not None:
                    self._frames_left -= 1
                return taken
        return None

    def close(self) -> None:
        """Take no further frame; from any thread."""
        self._is_closed = True

    def _wait_s(self) -> float | None:
        """Return how long to wait at most; ``None`` when nothing is to be taken."""
        if self.ended is None:
            self.ended = self._limit_reached()
        if self.ended is not None or self._is_closed:
            return None
        if self._deadline_ns is None:
            return LOOK_UP_S
        left_s = (self._deadline_ns - self._clock()) / 1e9
        return max(0.0, min(LOOK_UP_S, left_s))

    def _limit_reached(self) -> Ended | None:
        if self._stop.reason is not None:
            return self._stop.reason
        if self._frames_left == 0:
            return "frames"
        if self._deadline_ns is not None and self._clock() >= self._deadline_ns:
            return "duration"
        return None

    def _is_wanted(self, arrival: Arrival) -> bool:
        """Return whether a frame is to be decided; if not, count what it came to."""
        frame = arrival.frame
        if (
            self._max_age_ns is not None
            and self._clock() - frame.captured_ns > self._max_age_ns
        ):
            self._ledger.settled("late")
            return False
        if self._gate is not None and not self._gate.lets_through(frame):
            self._ledger.settled("unchanged")
            return False
        return True
