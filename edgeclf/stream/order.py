"""Putting results back into order, without holding many of them."""

import threading
from typing import Generic, TypeVar

__all__ = ["Order"]

Item = TypeVar("Item")


class Order(Generic[Item]):
    """Hands on what several threads put, in the order of the numbers they drew.

    A number is drawn only while fewer than ``places`` are out, so a slow thread holds
    the others up rather than let their results pile up.

    Args:
        places: How many may be out at once, above 0.
    """

    def __init__(self, places: int) -> None:
        self._slots: list[Item | None] = [None] * places
        self._drawn = 0
        self._handed_on = 0
        self._changed = threading.Condition(threading.Lock())
        self._is_closed = False

    @property
    def out(self) -> int:
        """How many numbers are drawn and not handed on."""
        return self._drawn - self._handed_on

    def draw(self) -> int | None:
        """Return the next number, once there is a place; ``None`` when it is closed."""
        with self._changed:
            while not self._is_closed and self.out >= len(self._slots):
                self._changed.wait()
            if self._is_closed:
                return None
            self._drawn += 1
            return self._drawn - 1

    def put(self, number: int, item: Item) -> None:
        """Put what became of a number that was drawn; each exactly once."""
        with self._changed:
            self._slots[number % len(self._slots)] = item
            self._changed.notify_all()

    def take(self, wait_s: float) -> Item | None:
        """Return the next item in order; ``None`` when it is not there in time."""
        with self._changed:
            place = self._handed_on % len(self._slots)
            if self._slots[place] is None:
                self._changed.wait(wait_s)
            item = self._slots[place]
            if item is not None:
                self._slots[place] = None
                self._handed_on += 1
                self._changed.notify_all()
            return item

    def close(self) -> None:
        """Let nobody draw a number any more."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
