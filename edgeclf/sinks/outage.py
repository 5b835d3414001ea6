"""What is said when a sink stops working and when it works again: once each."""

import contextlib
import time
from collections.abc import Callable

from edgeclf.sources import Notify

__all__ = ["OutageNotes"]


class OutageNotes:
    """Says what befell a sink, and never the same for every record.

    Args:
        name: The sink's, fit to be shown.
        size: Records that its buffer holds.
        notify: Called with one line.
        clock: Nanoseconds that never run backwards.
    """

    def __init__(
        self,
        name: str,
        size: int,
        *,
        notify: Notify,
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._name = name
        self._size = size
        self._notify = notify
        self._clock = clock
        self._began_ns: int | None = None
        self._lost_before = 0
        self._said_refused = False
        self._said_slow = False

    def failed(self, reason: str, *, lost: int) -> None:
        """Say that it does not work, unless that was said."""
        if self._began_ns is not None:
            return
        self._began_ns = self._clock()
        self._lost_before = lost
        self._say(f"{reason}; up to {_records(self._size)} wait until it works again")

    def worked(self, *, lost: int) -> None:
        """Say that it works again, or that it is too slow."""
        if self._began_ns is not None:
            seconds = (self._clock() - self._began_ns) / 1e9
            missed = lost - self._lost_before
            self._began_ns = None
            self._say(f"works again after {seconds:.1f} s; {_records(missed)} lost")
        elif lost > self._lost_before and not self._said_slow:
            self._said_slow = True
            self._say("takes fewer records than there are; the oldest are lost")
        self._lost_before = lost

    def refused(self, reason: str) -> None:
        """Say that a record was refused, once a run."""
        self._lost_before += 1
        if not self._said_refused:
            self._said_refused = True
            self._say(f"{reason}; such records are lost, and counted")

    def ended(self, abandoned: int) -> None:
        """Say how many records were still waiting at the end."""
        if abandoned:
            self._say(f"{_records(abandoned)} could not be delivered before the end")

    def _say(self, text: str) -> None:
        # A message that nobody can read any more must not end the deliveries.
        with contextlib.suppress(OSError, ValueError):  # ValueError: it is closed
            self._notify(f"{self._name}: {text}")


def _records(count: int) -> str:
    return "1 record" if count == 1 else f"{count} records"
