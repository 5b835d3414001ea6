"""Smoothing of scores over time: none, exponential, or a vote of the last frames."""

from collections import deque
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from edgeclf.watch.decay import left_after

__all__ = ["MOST_VOTES", "Scores", "Smoother", "Smoothing", "SmoothingKind"]

Scores: TypeAlias = NDArray[np.float64]
"""One number from 0 to 1 a label, shape (labels,)."""

SmoothingKind: TypeAlias = Literal["none", "ewma", "majority"]

MOST_VOTES = 1000
"""Most frames that may vote."""

_LONGEST_MS = 3_600_000
_MAY_BE_LEFT_OUT = {"json": "left out if default"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Smoothing:
    """How scores of many frames become one.

    Frames come at uneven times: some are skipped while the processor is hot or busy.
    A share of each new frame (the usual "alpha") would smooth over half a second at
    30 frames a second and over 5 seconds at 3. So what is stated is a time, and a
    frame counts by how much time has passed.

    Attributes:
        kind: ``none``; ``ewma``, an exponentially weighted moving average; or
            ``majority``, for each label the share of the last frames that had it as
            their best.
        time_constant_ms: For ``ewma``: time after which a change of the scores has
            come through to 63 %, 0 to an hour.
        frames: For ``majority``: how many vote, 1 to 1000. What was not seen yet is
            a vote for nothing.
    """

    kind: SmoothingKind
    time_constant_ms: int = field(default=0, metadata=_MAY_BE_LEFT_OUT)
    frames: int = field(default=1, metadata=_MAY_BE_LEFT_OUT)

    def __post_init__(self) -> None:
        if self.kind not in get_args(SmoothingKind):
            raise ValueError(
                f"kind must be one of {', '.join(get_args(SmoothingKind))}, "
                f"got {self.kind!r}"
            )
        if not 0 <= self.time_constant_ms <= _LONGEST_MS:
            raise ValueError(
                f"time_constant_ms must be 0 to {_LONGEST_MS}, "
                f"got {self.time_constant_ms}"
            )
        if not 1 <= self.frames <= MOST_VOTES:
            raise ValueError(f"frames must be 1 to {MOST_VOTES}, got {self.frames}")
        if self.time_constant_ms and self.kind != "ewma":
            raise ValueError(f"time_constant_ms goes with 'ewma', not {self.kind!r}")
        if self.frames != 1 and self.kind != "majority":
            raise ValueError(f"frames goes with 'majority', not {self.kind!r}")

    def __str__(self) -> str:
        """Return it as ``--smooth`` takes it: ``none``, ``ewma:300``, ``majority:5``."""
        if self.kind == "none":
            return "none"
        amount = self.time_constant_ms if self.kind == "ewma" else self.frames
        return f"{self.kind}:{amount}"

    @classmethod
    def parse(cls, text: str) -> "Smoothing":
        """Return what ``str`` wrote.

        Raises:
            ValueError: It is written otherwise, or cannot be.
        """
        kind, colon, amount = text.partition(":")
        if text == "none":
            return cls(kind="none")
        if not (colon and amount.isdecimal() and kind in {"ewma", "majority"}):
            raise ValueError(
                f"{text!r} is no smoothing: write none, ewma:MILLISECONDS or "
                "majority:FRAMES"
            )
        if kind == "ewma":
            return cls(kind="ewma", time_constant_ms=int(amount))
        return cls(kind="majority", frames=int(amount))

    def start(self) -> "Smoother":
        """Return one that has seen nothing yet."""
        if self.kind == "ewma":
            return _Average(self.time_constant_ms * 1_000_000)
        return _Vote(self.frames) if self.kind == "majority" else _Nothing()


class Smoother(Protocol):
    """Smooths the scores of one stream, frame after frame."""

    def step(self, moment_ns: int, scores: Scores) -> Scores:
        """Return the smoothed scores, which the smoother does not change any more.

        Args:
            moment_ns: When the picture was taken; never before the last one.
            scores: Of this picture.
        """
        ...


class _Nothing:
    def step(self, moment_ns: int, scores: Scores) -> Scores:  # noqa: ARG002 - protocol
        return scores


class _Average:
    """An average that decays exactly, however uneven the frames come."""

    def __init__(self, time_constant_ns: int) -> None:
        self._time_constant_ns = time_constant_ns
        self._last_ns = 0
        self._smoothed: Scores | None = None

    def step(self, moment_ns: int, scores: Scores) -> Scores:
        if self._smoothed is None or not self._time_constant_ns:
            self._smoothed = scores
        else:
            elapsed = (moment_ns - self._last_ns) / self._time_constant_ns
            share = 1.0 - left_after(elapsed)
            self._smoothed = self._smoothed + share * (scores - self._smoothed)
        self._last_ns = moment_ns
        return self._smoothed


class _Vote:
    """Counts which label was the best of each of the last frames."""

    def __init__(self, frames: int) -> None:
        self._frames = frames
        self._best: deque[int] = deque(maxlen=frames)
        self._votes: Scores | None = None

    def step(self, moment_ns: int, scores: Scores) -> Scores:  # noqa: ARG002 - protocol
        if self._votes is None:
            self._votes = np.zeros(len(scores))
        if len(self._best) == self._frames:
            self._votes[self._best[0]] -= 1
        best = int(scores.argmax())
        self._best.append(best)
        self._votes[best] += 1
        return self._votes / self._frames
