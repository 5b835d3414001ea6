"""Which decisions and events a sink takes; asked by the loop's own thread."""

from collections.abc import Collection
from typing import Protocol, get_args

from edgeclf.sinks.record import Record, Recorder, RecordKind
from edgeclf.stream import Decision, Event, LoopReport

__all__ = ["PickKinds", "Picker", "parse_kinds"]


class Picker(Protocol):
    """Makes records of what a sink takes; quick, as the loop waits for it."""

    def decision(self, decision: Decision) -> Record | None:
        """Return the record of a decision, or ``None`` to leave it out."""
        ...

    def event(self, event: Event) -> Record | None:
        """Likewise of an event."""
        ...

    def report(self, report: LoopReport) -> Record | None:
        """Likewise of the report."""
        ...


class PickKinds:
    """Takes kinds of records, and not every decision.

    Args:
        kinds: What is taken.
        every_ns: Least time between two decisions that are taken; 0 takes all.
    """

    def __init__(self, kinds: Collection[RecordKind], *, every_ns: int = 0) -> None:
        self._kinds = frozenset(kinds)
        self._every_ns = every_ns
        self._next_ns: int | None = None
        self._recorder = Recorder()

    def decision(self, decision: Decision) -> Record | None:
        """Return its record when its time has come."""
        if "decision" not in self._kinds or not self._is_time(decision):
            return None
        return self._recorder.make("decision", decision.to_dict())

    def event(self, event: Event) -> Record | None:
        """Return its record when events are taken."""
        if "event" not in self._kinds:
            return None
        return self._recorder.make("event", event.to_dict())

    def report(self, report: LoopReport) -> Record | None:
        """Return its record when the report is taken."""
        if "report" not in self._kinds:
            return None
        return self._recorder.make("report", report.to_dict())

    def _is_time(self, decision: Decision) -> bool:
        if not self._every_ns:
            return True
        now_ns = decision.prediction.decided_ns
        if self._next_ns is not None and now_ns < self._next_ns:
            return False
        self._next_ns = now_ns + self._every_ns
        return True


def parse_kinds(text: str) -> frozenset[RecordKind]:
    """Read ``what=``: ``decisions``, ``events``, ``report``, with commas between.

    Raises:
        ValueError: It names something else, or nothing.
    """
    plurals: dict[str, RecordKind] = {
        "report" if kind == "report" else f"{kind}s": kind
        for kind in get_args(RecordKind)
    }
    try:
        return frozenset(plurals[each.strip()] for each in text.split(","))
    except KeyError:
        raise ValueError(
            f"must be some of {', '.join(plurals)} with commas between"
        ) from None
