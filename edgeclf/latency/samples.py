"""Durations of one stage, in memory that does not grow with the run."""

from array import array
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edgeclf.latency.cells import SUB_BITS

__all__ = ["DEFAULT_CAPACITY", "Samples"]

DEFAULT_CAPACITY = 65_536
"""Durations a stage keeps exactly: half a MiB, or 36 minutes at 30 frames a second."""

_CELLS = (63 - SUB_BITS) << SUB_BITS


class Samples:
    """Durations in integer nanoseconds: exact at first, then in a histogram.

    The newest durations are kept as they are. When ``capacity`` of them have come,
    they move into a histogram whose cells are at most 1/256 of their value wide, and
    the exact part starts again. So a loop that runs for months takes as much memory
    as one that ran an hour (under 1 MiB a stage), the slow frames that matter are never
    sampled away as a reservoir would, and count and maximum stay exact. A percentile
    is exact until the first move; after it, it is the upper edge of its cell: never
    too low, and too high by at most 0.4 %. A move takes a few milliseconds.
    """

    __slots__ = ("_capacity", "_cells", "_moved", "_moved_max", "_newest")

    def __init__(self, capacity: int = DEFAULT_CAPACITY) -> None:
        if capacity < 1:
            raise ValueError(f"capacity must be at least 1, got {capacity}")
        self._capacity = capacity
        self._newest = array("q")
        self._cells: NDArray[np.int64] | None = None
        self._moved = 0
        self._moved_max = 0

    def add(self, duration_ns: int) -> None:
        """Take one duration in; a negative one is a clock gone wrong.

        Raises:
            ValueError: It is below 0.
        """
        if duration_ns < 0:
            raise ValueError(f"a duration cannot be negative, got {duration_ns} ns")
        newest = self._newest
        newest.append(duration_ns)
        if len(newest) >= self._capacity:
            self._move()

    @property
    def count(self) -> int:
        """How many durations came, all of them."""
        return self._moved + len(self._newest)

    @property
    def max_ns(self) -> int:
        """The longest duration, exactly; 0 when none came."""
        return max(self._moved_max, max(self._newest, default=0))

    @property
    def newest(self) -> tuple[int, ...]:
        """The durations since the last move, oldest first, as they came."""
        return tuple(self._newest)

    @property
    def is_exact(self) -> bool:
        """Whether every duration is still kept as it came."""
        return self._cells is None

    def percentiles(self, percents: Sequence[int]) -> tuple[int, ...]:
        """Return nearest-rank percentiles in nanoseconds.

        The p-th percentile is the value at rank ``ceil(p / 100 * count)``, from 1: an
        observed duration, never a mean of two.

        Args:
            percents: Whole numbers in 1…100.

        Raises:
            ValueError: No duration came.
        """
        count = self.count
        if count == 0:
            raise ValueError("no durations, so no percentiles")
        ranks = [-(-percent * count // 100) for percent in percents]
        if self._cells is None:
            ordered = sorted(self._newest)
            return tuple(ordered[rank - 1] for rank in ranks)
        below = np.cumsum(self._cells + _counted(self._newest))
        cells = np.searchsorted(below, ranks)
        longest = self.max_ns
        return tuple(min(_upper_edge(int(cell)), longest) for cell in cells)

    def _move(self) -> None:
        if self._cells is None:
            self._cells = np.zeros(_CELLS, np.int64)
        self._cells += _counted(self._newest)
        self._moved += len(self._newest)
        self._moved_max = self.max_ns
        del self._newest[:]


def _counted(durations: "array[int]") -> NDArray[np.int64]:
    """Return how many durations fall into each cell."""
    values = np.frombuffer(durations, np.int64) if durations else np.zeros(0, np.int64)
    _, bits = np.frexp(values.astype(np.float64))
    shifts = np.maximum(bits.astype(np.int64) - (SUB_BITS + 1), 0)
    cells = (shifts << SUB_BITS) + (values >> shifts)
    return np.bincount(np.minimum(cells, _CELLS - 1), minlength=_CELLS)


def _upper_edge(cell: int) -> int:
    """Return the largest duration that falls into a cell."""
    shift = max((cell >> SUB_BITS) - 1, 0)
    return ((cell - (shift << SUB_BITS) + 1) << shift) - 1
