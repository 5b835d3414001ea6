"""The one sink that stands between the loop and everything that may fail or wait."""

import random
import threading
from dataclasses import dataclass

from edgeclf.sinks.buffer import RecordBuffer
from edgeclf.sinks.outage import OutageNotes
from edgeclf.sinks.outlet import Outlet, OutletDownError, RecordRefusedError
from edgeclf.sinks.picking import Picker
from edgeclf.sinks.record import Record
from edgeclf.sources import Notify
from edgeclf.stream import Decision, Event, LoopReport, SinkCounts

__all__ = ["Backoff", "BufferedSink"]

_IDLE_S = 1.0
"""How often an outlet is asked to be ready while nothing is to be delivered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Pauses between tries: twice as long each time, and half of it by chance.

    Attributes:
        first_s: The first pause, in seconds, above 0.
        most_s: The longest, unless the other side asks for more.
    """

    first_s: float = 0.5
    most_s: float = 5.0

    def pause_s(self, failures: int, chance: float) -> float:
        """Return the pause after so many failures in a row.

        Args:
            failures: At least 1.
            chance: 0 to 1: many devices must not come back at the same moment.
        """
        doubled = self.first_s * 2.0 ** min(failures - 1, 30)
        return min(doubled, self.most_s) * (0.5 + 0.5 * chance)


class BufferedSink:
    """Takes records from the loop and has a thread of its own deliver them.

    The loop never waits for it: a record costs its dictionary and a lock that nobody
    holds for long. What cannot be delivered waits, up to the buffer's size, and is
    delivered in order; the oldest beyond that are lost, and counted.

    Attributes:
        name: Where the records go, fit to be shown.
    """

    def __init__(
        self,
        outlet: Outlet,
        picker: Picker,
        *,
        name: str,
        notify: Notify,
        size: int = 1000,
        backoff: Backoff | None = None,
    ) -> None:
        """Begin to deliver.

        Args:
            outlet: Where the records go; only the sink's thread uses it.
            picker: Says which decisions and events are taken.
            name: Must hold no secret.
            notify: Called with one line when the outlet fails, and when it recovers.
            size: Records that may wait, at least 1.
            backoff: Pauses between tries.
        """
        self.name = name
        self._outlet = outlet
        self._picker = picker
        self._backoff = backoff or Backoff()
        self._buffer = RecordBuffer(size)
        self._notes = OutageNotes(name, size, notify=notify)
        self._failures = 0
        self._chance = random.SystemRandom().random
        self._thread = threading.Thread(
            target=self._work, name=f"sink {name}", daemon=True
        )
        self._thread.start()

    def decision(self, decision: Decision) -> None:
        """Take a decision, if the sink's picker wants it."""
        self._put(self._picker.decision(decision))

    def event(self, event: Event) -> None:
        """Likewise an event."""
        self._put(self._picker.event(event))

    def report(self, report: LoopReport) -> None:
        """Likewise the report."""
        self._put(self._picker.report(report))

    def counts(self) -> SinkCounts:
        """Return what became of the records so far."""
        taken, delivered, lost = self._buffer.counts()
        return SinkCounts(sink=self.name, taken=taken, delivered=delivered, lost=lost)

    def hurry(self) -> None:
        """Deliver what waits without any pause; what fails now is lost."""
        self._buffer.hurry()

    def settle(self, timeout_s: float) -> SinkCounts:
        """Wait until everything is delivered, and count what is not as lost.

        Returns:
            Counts that add up: ``taken`` is ``delivered + lost``.
        """
        self.hurry()
        if not self._buffer.wait_until_empty(timeout_s):
            self._notes.ended(self._buffer.abandon())
        return self.counts()

    def end(self) -> None:
        """Ask the thread to end when nothing is left; ``close`` waits for it."""
        self._buffer.close()

    def close(self, timeout_s: float = 2.0) -> None:
        """Deliver what waits, within a time, and let go; a second call does nothing.

        Args:
            timeout_s: In seconds; a thread that is stuck for longer is left alone, and
                ends with the process.
        """
        self.end()
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            self._notes.ended(self._buffer.abandon())

    def _put(self, record: Record | None) -> None:
        if record is not None:
            self._buffer.put(record)

    def _work(self) -> None:
        timeout_s = 0.0  # be ready before the first record comes
        try:
            while not self._buffer.is_done:
                self._turn(timeout_s)
                timeout_s = _IDLE_S
        finally:
            self._notes.ended(self._buffer.abandon())
            self._outlet.close()

    def _turn(self, timeout_s: float) -> None:
        """Deliver what waits, or see after the outlet when nothing does."""
        hurried = self._buffer.is_hurried
        records = self._buffer.take(self._outlet.batch, timeout_s=timeout_s)
        try:
            self._outlet.ready()
            if records:
                self._buffer.confirm(self._outlet.deliver(records))
        except RecordRefusedError as error:
            self._buffer.refuse()
            self._notes.refused(str(error))
        except OutletDownError as error:
            self._fail(error, is_last_try=hurried)
        else:
            self._failures = 0
            self._notes.worked(lost=self._buffer.counts()[2])

    def _fail(self, error: OutletDownError, *, is_last_try: bool) -> None:
        self._notes.failed(str(error), lost=self._buffer.counts()[2])
        self._buffer.give_back()
        if is_last_try:
            self._notes.ended(self._buffer.abandon())
            return
        self._failures += 1
        pause_s = self._backoff.pause_s(self._failures, self._chance())
        self._buffer.pause(max(pause_s, error.retry_after_s or 0.0))
