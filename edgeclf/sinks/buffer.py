"""Records that wait for their delivery: bounded, the oldest dropped first, counted."""

import threading
from collections import deque
from collections.abc import Callable

from edgeclf.sinks.record import Record

__all__ = ["RecordBuffer"]


class RecordBuffer:
    """A bounded queue between the loop and the thread that delivers.

    ``taken`` is always ``delivered + lost`` and what waits or is being delivered.

    Attributes:
        taken: Records that were put.
        delivered: Records that arrived where they should.
        lost: Records that were dropped, oldest first, or refused.
        is_hurried: Whether nothing should be waited for any more.
        is_closed: Whether the delivering thread should end.
    """

    def __init__(self, size: int) -> None:
        """Make it empty.

        Args:
            size: Most records that wait; those being delivered come on top.
        """
        if size < 1:
            raise ValueError(f"a buffer holds at least 1 record, got {size}")
        self.size = size
        self.taken = 0
        self.delivered = 0
        self.lost = 0
        self.is_hurried = False
        self.is_closed = False
        self._waiting: deque[Record] = deque()
        self._in_flight: deque[Record] = deque()
        self._is_idle = False
        self._changed = threading.Condition(threading.Lock())

    def put(self, record: Record) -> None:
        """Take a record; never waits for the one who delivers."""
        with self._changed:
            self.taken += 1
            self._waiting.append(record)
            if len(self._waiting) > self.size:
                self._waiting.popleft()
                self.lost += 1
            if self._is_idle:
                self._changed.notify_all()

    def counts(self) -> tuple[int, int, int]:
        """Return taken, delivered and lost of one moment."""
        with self._changed:
            return self.taken, self.delivered, self.lost

    def take(self, most: int, *, timeout_s: float) -> list[Record]:
        """Return the oldest records, to be delivered in this order.

        Args:
            most: How many.
            timeout_s: How long to wait for the first one, in seconds.
        """
        with self._changed:
            if not self._in_flight:
                self._wait(lambda: bool(self._waiting) or self.is_closed, timeout_s)
                for _ in range(min(most, len(self._waiting))):
                    self._in_flight.append(self._waiting.popleft())
            return list(self._in_flight)

    def confirm(self, count: int) -> None:
        """Count the first ``count`` of those taken as delivered."""
        with self._changed:
            # None are left when they were abandoned meanwhile, and counted as lost.
            confirmed = min(count, len(self._in_flight))
            self.delivered += confirmed
            self._remove(confirmed)

    def refuse(self) -> None:
        """Count the first of those taken as lost."""
        with self._changed:
            refused = min(1, len(self._in_flight))
            self.lost += refused
            self._remove(refused)

    def give_back(self) -> None:
        """Let those taken wait again, in their old place, as far as there is room."""
        with self._changed:
            self._waiting.extendleft(reversed(self._in_flight))
            self._in_flight.clear()
            while len(self._waiting) > self.size:
                self._waiting.popleft()
                self.lost += 1

    def abandon(self) -> int:
        """Count all that is not delivered as lost, and return how many that are."""
        with self._changed:
            abandoned = len(self._waiting) + len(self._in_flight)
            self.lost += abandoned
            self._waiting.clear()
            self._in_flight.clear()
            self._changed.notify_all()
            return abandoned

    def hurry(self) -> None:
        """End every pause, now and from now on."""
        with self._changed:
            self.is_hurried = True
            self._changed.notify_all()

    def close(self) -> None:
        """Ask the delivering thread to end when nothing is left."""
        with self._changed:
            self.is_hurried = self.is_closed = True
            self._changed.notify_all()

    def pause(self, seconds: float) -> None:
        """Wait, unless there is a hurry; records that are put do not end it."""
        with self._changed:
            self._changed.wait_for(lambda: self.is_hurried, seconds)

    def wait_until_empty(self, timeout_s: float) -> bool:
        """Return whether nothing waits or is being delivered, within a time."""
        with self._changed:
            return self._changed.wait_for(self._is_empty, timeout_s)

    @property
    def is_done(self) -> bool:
        """Whether the delivering thread has nothing more to do."""
        with self._changed:
            return self.is_closed and self._is_empty()

    def _is_empty(self) -> bool:
        return not self._waiting and not self._in_flight

    def _wait(self, until: Callable[[], bool], timeout_s: float) -> None:
        self._is_idle = True
        try:
            self._changed.wait_for(until, timeout_s)
        finally:
            self._is_idle = False

    def _remove(self, count: int) -> None:
        for _ in range(count):
            self._in_flight.popleft()
        if self._is_empty():
            self._changed.notify_all()
