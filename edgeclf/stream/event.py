"""What began or ended: an event, and who says so."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias

from edgeclf.stream.decision import Decision

__all__ = ["Event", "EventKind", "Phase", "Watcher"]

EventKind: TypeAlias = Literal["label", "camera", "source", "heat"]
"""``label``: what is seen. ``camera``: a picture that cannot be trusted (black, frozen,
…). ``source``: frames do not come. ``heat``: the machine is throttled or too hot."""

Phase: TypeAlias = Literal["start", "end"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that began, or that ended.

    Attributes:
        kind: What it is about.
        name: The label, or a word such as ``black`` or ``lost``.
        phase: Every ``start`` is followed by one ``end`` of the same kind and name,
            at the latest when the loop ends.
        at_ns: When it began or ended, on CLOCK_MONOTONIC: for a label and a camera,
            when the picture was taken that shows it first.
        noticed_ns: When that was decided, on the same clock; never before ``at_ns``.
        sequence: The frame that decided it; ``None`` when none did.
        score: Smoothed probability, 0 to 1, where there is one.
        detail: One line for people; may be empty.
    """

    kind: EventKind
    name: str
    phase: Phase
    at_ns: int
    noticed_ns: int
    sequence: int | None = None
    score: float | None = None
    detail: str = ""

    def __post_init__(self) -> None:
        if self.noticed_ns < self.at_ns:
            raise ValueError(
                f"an event is noticed when it is there or later, got {self.noticed_ns} "
                f"for one at {self.at_ns}"
            )

    def to_dict(self) -> dict[str, Any]:
        """Return everything, JSON-ready."""
        return {
            "kind": self.kind,
            "name": self.name,
            "phase": self.phase,
            "at_ns": self.at_ns,
            "noticed_ns": self.noticed_ns,
            "sequence": self.sequence,
            "score": self.score,
            "detail": self.detail,
        }


class Watcher(Protocol):
    """Makes events of decisions; called by one thread, in the order of the frames."""

    def watch(self, decision: Decision) -> Sequence[Event]:
        """Return what began or ended with this decision."""
        ...

    def finish(self, now_ns: int) -> Sequence[Event]:
        """Return the ends of all that is still going on; nothing follows."""
        ...
