"""From the thread that reads a device to the one that wants its pictures."""

import threading
from collections import deque
from typing import Generic, TypeVar

from edgeclf.errors import SourceError

__all__ = ["Handover"]

Item = TypeVar("Item")

_MOST_KEPT = 8  # pictures; of a 1080p camera they take 50 MB


class Handover(Generic[Item]):
    """Holds the newest item, or with ``keeps_all`` the few that wait to be taken.

    Args:
        keeps_all: Let who puts wait for room, instead of giving up what is older.
    """

    def __init__(self, *, keeps_all: bool) -> None:
        self._keeps_all = keeps_all
        self._items: deque[tuple[int, Item]] = deque()
        self._put = 0
        self._first_taken: int | None = None
        self._failure: SourceError | None = None
        self._is_closed = False
        self._changed = threading.Condition()

    @property
    def is_closed(self) -> bool:
        """Whether nobody will take anything any more."""
        return self._is_closed

    def put(self, item: Item) -> None:
        """Offer an item; of one that comes after ``close`` nothing is kept."""
        with self._changed:
            if self._keeps_all:
                self._changed.wait_for(
                    lambda: self._is_closed or len(self._items) < _MOST_KEPT
                )
            else:
                self._items.clear()
            if not self._is_closed:
                self._items.append((self._put, item))
                self._put += 1
                self._changed.notify_all()

    def take(self, timeout_s: float) -> tuple[int, Item]:
        """Wait for an item, and return its number and itself.

        The first that is taken has the number 0; from then on each that is put counts.

        Raises:
            StopIteration: It was closed.
            SourceError: What ``fail`` was told, once everything is taken.
            TimeoutError: Nothing came in time.
        """
        with self._changed:
            self._changed.wait_for(self._is_settled, timeout_s)
            if self._is_closed:
                raise StopIteration
            if self._items:
                number, item = self._items.popleft()
                if self._first_taken is None:
                    self._first_taken = number
                self._changed.notify_all()
                return number - self._first_taken, item
            if self._failure is not None:
                raise self._failure
            raise TimeoutError

    def fail(self, failure: SourceError) -> None:
        """Say that nothing more will come, and why."""
        with self._changed:
            self._failure = failure
            self._changed.notify_all()

    def close(self) -> None:
        """Drop what is held, and end every wait; a second call does nothing."""
        with self._changed:
            self._is_closed = True
            self._items.clear()
            self._changed.notify_all()

    def _is_settled(self) -> bool:
        return bool(self._items) or self._is_closed or self._failure is not None
