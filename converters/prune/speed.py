"""Latency before and after, measured side by side on the engine."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeclf.backends import Backend

__all__ = ["Speedup", "compare_speed", "shortest_ms"]

_ROUNDS = 31
_ROUND_NS = 20_000_000
_MOST_RUNS = 200
_WARM_UP = 3
_RESAMPLES = 2000

_Nanoseconds = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Speedup:
    """How much faster one model file is than another on this machine.

    Attributes:
        before_ms: Median of one run of the first file.
        after_ms: Of the second.
        ratio: Median over the rounds of ``before / after``; above 1 is faster.
        low: Lower end of its 95 % interval.
        high: Upper end.
        rounds: How many.
    """

    before_ms: float
    after_ms: float
    ratio: float
    low: float
    high: float
    rounds: int

    @property
    def words(self) -> str:
        """One line for people."""
        return (
            f"{self.before_ms:.3g} ms to {self.after_ms:.3g} ms, {self.ratio:.2f} times "
            f"as fast (95 % interval {self.low:.2f} to {self.high:.2f})"
        )


def compare_speed(
    before: Backend,
    after: Backend,
    *,
    rounds: int = _ROUNDS,
    clock: Callable[[], int] = time.perf_counter_ns,
    seed: int = 0,
) -> Speedup:
    """Run two loaded models in turns, and return the ratio of their times.

    A round is some runs of the one and as many of the other, which begins taking turns;
    a model's time in a round is the shortest of its runs, which other programs disturb
    least. What slows the machine for longer than a round slows both.

    Args:
        before: Left open.
        after: Left open.
        rounds: How many.
        clock: In nanoseconds.
        seed: Of the interval's draws.

    Source:
        The interval is the percentile bootstrap over rounds; Efron and Tibshirani 1993,
        section 13.3.
    """
    models = (before, after)
    tensors = [np.zeros(one.input.shape, one.input.dtype) for one in models]

    def timed(which: int) -> int:
        start = clock()
        models[which].run(tensors[which])
        return clock() - start

    slowest = max(timed(which) for _ in range(_WARM_UP) for which in (0, 1))
    runs = int(np.clip(_ROUND_NS // max(1, slowest), 1, _MOST_RUNS))
    times: _Nanoseconds = np.zeros((rounds, 2), np.int64)
    for number in range(rounds):
        for which in (0, 1) if number % 2 else (1, 0):
            times[number, which] = min(timed(which) for _ in range(runs))
    return _speedup(np.maximum(times, 1), seed)


def shortest_ms(
    backend: Backend, *, clock: Callable[[], int] = time.perf_counter_ns
) -> float:
    """Return the median over some rounds of the shortest run, in milliseconds.

    Args:
        backend: Left open.
        clock: In nanoseconds.
    """
    return compare_speed(backend, backend, rounds=11, clock=clock).before_ms


def _speedup(times: _Nanoseconds, seed: int) -> Speedup:
    ratios = times[:, 0] / times[:, 1]
    drawn = np.random.default_rng(seed).integers(
        len(ratios), size=(_RESAMPLES, len(ratios))
    )
    low, high = np.percentile(np.median(ratios[drawn], axis=1), [2.5, 97.5])
    before, after = np.median(times, axis=0) / 1e6
    return Speedup(
        before_ms=float(before),
        after_ms=float(after),
        ratio=float(np.median(ratios)),
        low=float(low),
        high=float(high),
        rounds=len(times),
    )
