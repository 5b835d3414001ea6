"""How many workers with how many threads: what can be chosen, and what was."""

import os
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["Candidate", "Measured", "WorkerChoice", "candidates_for", "cores_at_hand"]


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Candidate:
    """A way to share the processor between frames and inside one.

    Attributes:
        workers: Frames that are decided at once, above 0.
        threads: Threads that each worker's engine may use, above 0.
    """

    workers: int
    threads: int

    def __post_init__(self) -> None:
        if min(self.workers, self.threads) < 1:
            raise ValueError(f"workers and threads must be above 0, got {self}")

    def __str__(self) -> str:
        return f"{self.workers} x {self.threads}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a candidate does.

    Attributes:
        candidate: Which.
        frames_per_s: The median of what it decided a second.
    """

    candidate: Candidate
    frames_per_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerChoice:
    """Which candidate was picked, and why.

    Attributes:
        measured: All that were measured, in the order of the candidates.
    """

    measured: tuple[Measured, ...]

    def __post_init__(self) -> None:
        if not self.measured:
            raise ValueError("a choice needs something to choose from")

    @property
    def picked(self) -> Candidate:
        """The fastest; of two that are as fast, the one with less going on at once."""
        best = max(each.frames_per_s for each in self.measured)
        return min(
            each.candidate for each in self.measured if each.frames_per_s == best
        )

    def __str__(self) -> str:
        """Return one line for people."""
        shown = ", ".join(
            f"{each.candidate}: {each.frames_per_s:.1f}" for each in self.measured
        )
        return f"{self.picked} (frames a second of workers x threads: {shown})"

    def to_dict(self) -> dict[str, Any]:
        """Return everything, JSON-ready."""
        return {
            "picked": asdict(self.picked),
            "measured": [
                {**asdict(each.candidate), "frames_per_s": each.frames_per_s}
                for each in self.measured
            ],
        }


def candidates_for(cores: int, *, threads: int | None = None) -> tuple[Candidate, ...]:
    """Return what is worth measuring on so many cores.

    Powers of two and the cores themselves, wherever workers times threads is at most
    the number of cores.

    Args:
        cores: Above 0.
        threads: The only number of threads to consider; by default all of them. More
            than there are cores are taken as they are, with one worker.
    """
    steps = sorted({*(2**power for power in range(cores.bit_length())), cores})
    return tuple(
        Candidate(workers=workers, threads=each)
        for workers in steps
        for each in (steps if threads is None else (threads,))
        if workers * each <= cores or (workers == 1 and threads is not None)
    )


def cores_at_hand() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0))
