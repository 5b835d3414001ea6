"""Frames of a live source: captured apart, watched, and got back when they are lost."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from edgeclf.errors import SourceError
from edgeclf.sources import Source
from edgeclf.stream.capture import Arrival, Capture
from edgeclf.stream.counts import Ledger
from edgeclf.stream.event import Event, Phase
from edgeclf.stream.feed import END, End
from edgeclf.stream.outage import Recovery

__all__ = ["LiveFeed"]

_STUCK_AT_MOST: Final = 4
"""Threads that may hang in a dead source before no further attempt is made."""


@dataclass(slots=True)
class _Outage:
    """No frames come.

    Attributes:
        since_ns: Since when.
        reason: What was last heard of the source.
    """

    since_ns: int
    reason: str


class LiveFeed:
    """Captures a source in a thread, and opens it again when it is lost.

    It has no thread of its own for watching: who waits for a frame watches meanwhile.

    Args:
        source: Left open without a recovery, else closed.
        ledger: Told of every frame.
        clock: Nanoseconds on CLOCK_MONOTONIC.
        every_frame: Miss none, however old they get.
        recovery: How to get it back; ``None``: its error, or its end, is the loop's.
        sleep: Waits for some seconds.
    """

    def __init__(
        self,
        source: Source,
        ledger: Ledger,
        clock: Callable[[], int],
        *,
        every_frame: bool = False,
        recovery: Recovery | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.source = source
        self.outages = 0
        self._ledger = ledger
        self._clock = clock
        self._every_frame = every_frame
        self._recovery = recovery
        self._sleep = sleep
        self._outage: _Outage | None = None
        self._failures = 0
        self._attempt_at_ns = 0
        self._start_took_ns: int | None = None
        self._delivering: Capture | None = None
        self._following = 0
        self._unreadable_before = 0
        self._stuck: list[Capture] = []
        self._capture: Capture | None = self._start(lambda: source)

    @property
    def unreadable(self) -> int:
        """How many pictures could not be read, over all openings."""
        capture = self._capture
        source = None if capture is None else capture.source
        now = 0 if source is None else source.unreadable
        return self._unreadable_before + now

    def take(self, wait_s: float) -> Arrival | Event | End | None:
        """Return the next frame, or what happened to the source; see ``Feed``."""
        capture = self._capture
        if capture is None:
            self._try_again(wait_s)
            return None
        if capture.mailbox.wait(wait_s):
            return self._found(capture) or capture.mailbox.take()
        if not capture.has_ended:
            return self._watch(capture)
        if len(capture.mailbox):  # it came while we looked
            return None
        return self._ended(capture)

    def close(self, now_ns: int) -> list[Event]:
        """Let the source go, and end an outage that is still going on."""
        if self._capture is not None:
            self._capture.let_go()
        if self._outage is None:
            return []
        return [self._outage_end(now_ns, now_ns, None, "the run ended")]

    def join(self, wait_s: float) -> None:
        """Wait for the capturing thread, but not longer than that."""
        if self._capture is not None:
            self._capture.join(wait_s)

    def _start(self, open_source: Callable[[], Source]) -> Capture:
        return Capture(
            open_source,
            ledger=self._ledger,
            clock=self._clock,
            first=self._following,
            every_frame=self._every_frame,
            is_owner=self._recovery is not None,
        )

    def _found(self, capture: Capture) -> Event | None:
        """Take note that frames come; return the end of an outage that was."""
        if self._delivering is not capture:
            self._note_start(capture)
        if self._outage is None:
            return None
        arrival = capture.mailbox.oldest()
        if arrival is None:
            return None
        lost_s = (arrival.arrived_ns - self._outage.since_ns) / 1e9
        return self._outage_end(
            arrival.arrived_ns,
            self._clock(),
            arrival.frame.sequence,
            f"frames come again after {lost_s:.1f} s",
        )

    def _note_start(self, capture: Capture) -> None:
        """Remember how long a source took to its first frame."""
        self._delivering = capture
        if capture.source is not None:
            self.source = capture.source
        if capture.first_ns is not None and capture.opened_ns is not None:
            self._start_took_ns = capture.first_ns - capture.opened_ns

    def _ended(self, capture: Capture) -> Event | End | None:
        """Say what the end of a capture means."""
        error = capture.error
        is_final = self._recovery is None or _waits(capture)
        if error is None and is_final:
            return END
        if error is not None and (is_final or not isinstance(error, SourceError)):
            raise error
        return self._lose(capture, str(error or f"{self.source.uri}: the stream ended"))

    def _watch(self, capture: Capture) -> Event | None:
        """See how long the source has been silent."""
        recovery, since_ns = self._recovery, capture.waiting_since_ns
        if recovery is None or since_ns is None or _waits(capture):
            return None
        silent_s = (self._clock() - since_ns) / 1e9
        reason = f"{self.source.uri}: nothing came for {silent_s:.1f} s"
        if silent_s >= self._patience_s(capture, recovery):
            return self._lose(capture, reason)
        self._check_limit()
        if silent_s >= recovery.stall_s and self._outage is None:
            return self._outage_start(since_ns, reason)
        return None

    def _patience_s(self, capture: Capture, recovery: Recovery) -> float:
        """Return after how long a silent source is given up."""
        if capture.first_ns is not None:
            return recovery.stall_s
        longest_s = max(recovery.start_s, recovery.stall_s)
        if capture.opened_ns is None or self._start_took_ns is None:
            return longest_s
        # Some cameras need seconds to their first picture: those need them again.
        return min(longest_s, max(recovery.stall_s, 2 * self._start_took_ns / 1e9))

    def _lose(self, capture: Capture, reason: str) -> Event | None:
        """Give a capture up and plan the next attempt."""
        assert self._recovery is not None  # noqa: S101 - else nothing is lost
        now_ns = self._clock()
        since_ns = capture.waiting_since_ns or now_ns
        capture.let_go()
        self._following = capture.following
        self._unreadable_before = self.unreadable
        self._capture = None
        self._stuck = [each for each in (*self._stuck, capture) if each.is_running]
        backoff = self._recovery.backoff
        first_ns = capture.first_ns
        if first_ns is not None and now_ns - first_ns >= backoff.longest_s * 1e9:
            self._failures = 0  # it had been well for a while
        wait_s = backoff.wait_s(self._failures)
        self._failures += 1
        self._attempt_at_ns = now_ns + round(wait_s * 1e9)
        if self._outage is None:
            return self._outage_start(since_ns, reason)
        self._outage.reason = reason
        self._check_limit()
        return None

    def _try_again(self, wait_s: float) -> None:
        """Wait for the time of the next attempt, and make it."""
        assert self._recovery is not None  # noqa: S101 - else nothing is lost
        self._check_limit()
        early_s = (self._attempt_at_ns - self._clock()) / 1e9
        self._stuck = [each for each in self._stuck if each.is_running]
        if early_s > 0 or len(self._stuck) >= _STUCK_AT_MOST:
            self._sleep(min(wait_s, early_s) if early_s > 0 else wait_s)
            return
        self._capture = self._start(self._recovery.reopen)

    def _check_limit(self) -> None:
        """Give up when the outage has lasted too long.

        Raises:
            SourceError: It has.
        """
        limit_s = None if self._recovery is None else self._recovery.max_outage_s
        if self._outage is None or limit_s is None:
            return
        lost_s = (self._clock() - self._outage.since_ns) / 1e9
        if lost_s >= limit_s:
            raise SourceError(
                f"no frame came for {lost_s:.1f} s, longer than the {limit_s:g} s "
                f"allowed; last heard: {self._outage.reason}"
            )

    def _outage_start(self, since_ns: int, reason: str) -> Event:
        self.outages += 1
        self._outage = _Outage(since_ns, reason)
        return _event("start", since_ns, self._clock(), None, reason)

    def _outage_end(
        self, at_ns: int, noticed_ns: int, sequence: int | None, detail: str
    ) -> Event:
        self._outage = None
        return _event("end", at_ns, noticed_ns, sequence, detail)


def _waits(capture: Capture) -> bool:
    """Return whether the source waits until it is asked: its end is its end."""
    return capture.source is not None and not capture.source.live


def _event(
    phase: Phase, at_ns: int, noticed_ns: int, sequence: int | None, detail: str
) -> Event:
    return Event(
        kind="source",
        name="lost",
        phase=phase,
        at_ns=at_ns,
        noticed_ns=noticed_ns,
        sequence=sequence,
        detail=detail,
    )
