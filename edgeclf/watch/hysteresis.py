"""From a number that goes up and down to something that is on or off."""

from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from edgeclf.watch.smoothing import Scores

__all__ = ["Change", "Hysteresis", "Thresholds"]

_Moments: TypeAlias = NDArray[np.int64]
_NEVER = np.iinfo(np.int64).max
_LONGEST_MS = 86_400_000
_MAY_BE_LEFT_OUT = {"json": "left out if default"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """When an event starts and when it ends.

    It starts when the smoothed score was at or above ``enter`` for the minimum
    duration without a break, and ends when it was below ``exit`` for the hold time
    without a break.

    Attributes:
        enter: Above 0, at most 1.
        exit: Above 0, at most ``enter``.
        min_duration_ms: 0 to a day; 0 starts with the first such frame.
        hold_ms: 0 to a day; 0 ends with the first such frame.
    """

    enter: float = field(default=0.6, metadata=_MAY_BE_LEFT_OUT)
    exit: float = field(default=0.4, metadata=_MAY_BE_LEFT_OUT)
    min_duration_ms: int = field(default=100, metadata=_MAY_BE_LEFT_OUT)
    hold_ms: int = field(default=300, metadata=_MAY_BE_LEFT_OUT)

    def __post_init__(self) -> None:
        if not 0 < self.enter <= 1:
            raise ValueError(f"enter must be above 0 and at most 1, got {self.enter}")
        if not 0 < self.exit <= self.enter:
            raise ValueError(
                f"exit must be above 0 and at most enter ({self.enter}), got {self.exit}"
            )
        for name in ("min_duration_ms", "hold_ms"):
            value = getattr(self, name)
            if not 0 <= value <= _LONGEST_MS:
                raise ValueError(f"{name} must be 0 to {_LONGEST_MS}, got {value}")


class Change(NamedTuple):
    """What went on or off, and since when.

    Attributes:
        position: Which of the scores.
        is_start: Whether it went on.
        mark_ns: The mark of the first frame of those that made it so.
    """

    position: int
    is_start: bool
    mark_ns: int


class Hysteresis:
    """Watches many scores at once, each with thresholds of its own.

    A score that is not a number says nothing: it breaks what was about to start or to
    end, and changes nothing that is.

    Args:
        thresholds: One a score.
    """

    def __init__(self, thresholds: list[Thresholds]) -> None:
        self._enter = np.array([each.enter for each in thresholds])
        self._exit = np.array([each.exit for each in thresholds])
        starts = [each.min_duration_ms for each in thresholds]
        ends = [each.hold_ms for each in thresholds]
        self._needed_ns = np.array([starts, ends], np.int64) * 1_000_000
        self._is_on = np.zeros(len(thresholds), np.bool_)
        self._since_ns: _Moments = np.full(len(thresholds), _NEVER)
        self._marks_ns = self._since_ns.copy()

    @property
    def on(self) -> list[int]:
        """Positions of what is on."""
        found: list[int] = self._is_on.nonzero()[0].tolist()
        return found

    def step(self, moment_ns: int, scores: Scores, *, mark_ns: int) -> list[Change]:
        """Return what changes with these scores, what ends before what starts.

        Args:
            moment_ns: Their time, by which durations are measured.
            scores: Shape (labels,).
            mark_ns: Their name, which a ``Change`` gives back.
        """
        towards_change = np.where(
            self._is_on, scores < self._exit, scores >= self._enter
        )
        if not towards_change.any():
            self._since_ns.fill(_NEVER)
            return []
        begins = towards_change & (self._since_ns == _NEVER)
        self._since_ns[begins] = moment_ns
        self._marks_ns[begins] = mark_ns
        self._since_ns[~towards_change] = _NEVER
        needed_ns = np.where(self._is_on, self._needed_ns[1], self._needed_ns[0])
        changed = (moment_ns - self._since_ns >= needed_ns).nonzero()[0].tolist()
        self._is_on[changed] ^= True
        self._since_ns[changed] = _NEVER
        changes = [
            Change(position, bool(self._is_on[position]), int(self._marks_ns[position]))
            for position in changed
        ]
        return sorted(changes, key=lambda change: change.is_start)

    def reset(self) -> None:
        """Forget everything; nothing is on."""
        self._is_on.fill(False)
        self._since_ns.fill(_NEVER)
