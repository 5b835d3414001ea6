"""Handing frames from the thread that captures to those that decide."""

import threading
from collections import deque
from typing import Generic, TypeVar

__all__ = ["Mailbox"]

Item = TypeVar("Item")


class Mailbox(Generic[Item]):
    """A few places between one thread that puts and those that take.

    It never holds more than its places, whichever way it is used: ``replace`` throws
    out what nobody took yet, ``put`` waits until somebody takes.

    Args:
        places: How many items it may hold, above 0.
    """

    def __init__(self, places: int) -> None:
        self._places = places
        self._items: deque[Item] = deque()
        self._changed = threading.Condition(threading.Lock())
        self._is_woken = False
        self._is_closed = False

    def __len__(self) -> int:
        return len(self._items)

    def replace(self, item: Item) -> int | None:
        """Put an item in place of all that wait.

        Returns:
            How many those were; ``None`` when the mailbox is closed: it was not put.
        """
        with self._changed:
            if self._is_closed:
                return None
            thrown_out = len(self._items)
            self._items.clear()
            self._items.append(item)
            self._changed.notify_all()
            return thrown_out

    def put(self, item: Item) -> int | None:
        """Put an item behind those that wait, once there is a place for it.

        Returns:
            0, as nothing is thrown out; ``None`` when the mailbox is closed, before or
            meanwhile: it was not put.
        """
        with self._changed:
            while len(self._items) >= self._places and not self._is_closed:
                self._changed.wait()
            if self._is_closed:
                return None
            self._items.append(item)
            self._changed.notify_all()
            return 0

    def wait(self, wait_s: float) -> bool:
        """Wait until there is an item, or ``wake`` was called, or the time is over.

        Returns:
            Whether there is an item.
        """
        with self._changed:
            if not (self._items or self._is_woken) and wait_s > 0:
                self._changed.wait(wait_s)
            self._is_woken = False
            return bool(self._items)

    def oldest(self) -> Item | None:
        """Return the oldest item that waits, and leave it there."""
        with self._changed:
            return self._items[0] if self._items else None

    def take(self) -> Item | None:
        """Return the oldest item that waits; ``None`` when there is none."""
        with self._changed:
            if not self._items:
                return None
            item = self._items.popleft()
            self._changed.notify_all()
            return item

    def wake(self) -> None:
        """End a ``wait``: the one that is under way, else the next."""
        with self._changed:
            self._is_woken = True
            self._changed.notify_all()

    def close(self) -> None:
        """Take no more items; who waits to put one is refused."""
        with self._changed:
            self._is_closed = True
            self._is_woken = True
            self._changed.notify_all()
