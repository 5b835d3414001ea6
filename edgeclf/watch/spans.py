"""Events of a stream: their times, gaps in the stream, and its end."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from edgeclf.stream.decision import Decision
from edgeclf.stream.event import Event, EventKind
from edgeclf.types import Frame
from edgeclf.watch.hysteresis import Hysteresis
from edgeclf.watch.smoothing import Scores

__all__ = ["Arrival", "Spans", "moment_of"]

Detail = Callable[[int], str]


def moment_of(frame: Frame) -> int:
    """Return the time of a frame by which durations are measured, in nanoseconds.

    A recording is read faster or slower than it was made: there it is the time in the
    recording, else the time when the picture was taken.
    """
    return frame.captured_ns if frame.media_ns is None else frame.media_ns


class Arrival(NamedTuple):
    """A new frame in the time of its stream.

    Attributes:
        moment_ns: Its time; never before that of the frame before.
        is_first: Whether everything starts anew with it.
        ended: The ends of what did not outlast the gap before it.
    """

    moment_ns: int
    is_first: bool
    ended: list[Event]


def _no_detail(position: int) -> str:  # noqa: ARG001 - called with it
    return ""


class Spans:
    """Turns numbers that go on and off into events that start and end.

    A clock that jumps back stands still until it has caught up. After a gap without
    frames, what was on ends with the last frame before it.

    Args:
        kind: Of the events.
        names: One a number.
        hysteresis: Says what goes on and off.
        max_gap_ms: The longest time between two frames that is no gap.
        has_scores: Whether the numbers are probabilities, for ``Event.score``.
    """

    def __init__(
        self,
        kind: EventKind,
        names: Sequence[str],
        hysteresis: Hysteresis,
        *,
        max_gap_ms: int,
        has_scores: bool,
    ) -> None:
        self._kind = kind
        self._names = names
        self._hysteresis = hysteresis
        self._max_gap_ns = max_gap_ms * 1_000_000
        self._has_scores = has_scores
        self._moment_ns: int | None = None
        self._captured_ns = 0

    def arrive(self, decision: Decision) -> Arrival:
        """Take note of a new frame, before its ``step``."""
        frame = decision.frame
        last_ns, last_captured_ns = self._moment_ns, self._captured_ns
        self._captured_ns = max(frame.captured_ns, last_captured_ns)
        if last_ns is None:
            self._moment_ns = moment_of(frame)
            return Arrival(self._moment_ns, is_first=True, ended=[])
        self._moment_ns = max(moment_of(frame), last_ns)
        gap_ns = self._moment_ns - last_ns
        if gap_ns <= self._max_gap_ns:
            return Arrival(self._moment_ns, is_first=False, ended=[])
        ended = self._ends(
            at_ns=last_captured_ns,
            noticed_ns=decision.prediction.decided_ns,
            sequence=frame.sequence,
            detail=f"no frame for {gap_ns / 1e9:.1f} s",
        )
        return Arrival(self._moment_ns, is_first=True, ended=ended)

    def step(
        self,
        decision: Decision,
        moment_ns: int,
        scores: Scores,
        *,
        detail: Detail = _no_detail,
    ) -> list[Event]:
        """Return what starts and ends with the frame that arrived."""
        changes = self._hysteresis.step(moment_ns, scores, mark_ns=self._captured_ns)
        return [
            Event(
                kind=self._kind,
                name=self._names[position],
                phase="start" if is_start else "end",
                at_ns=mark_ns,
                noticed_ns=max(decision.prediction.decided_ns, mark_ns),
                sequence=decision.frame.sequence,
                score=self._score(scores, position),
                detail=detail(position),
            )
            for position, is_start, mark_ns in changes
        ]

    def finish(self, now_ns: int) -> list[Event]:
        """Return the ends of all that is on: with the last frame that there was."""
        return self._ends(
            at_ns=self._captured_ns,
            noticed_ns=now_ns,
            sequence=None,
            detail="the stream ended",
        )

    def _ends(
        self, *, at_ns: int, noticed_ns: int, sequence: int | None, detail: str
    ) -> list[Event]:
        ends = [
            Event(
                kind=self._kind,
                name=self._names[position],
                phase="end",
                at_ns=at_ns,
                noticed_ns=max(noticed_ns, at_ns),
                sequence=sequence,
                detail=detail,
            )
            for position in self._hysteresis.on
        ]
        self._hysteresis.reset()
        return ends

    def _score(self, scores: Scores, position: int) -> float | None:
        return min(float(scores[position]), 1.0) if self._has_scores else None
