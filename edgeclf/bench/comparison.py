"""How far two runs differ, and how sure that is."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from edgeclf.bench.blocks import DurationBlocks
from edgeclf.latency import SAMPLES_NEEDED, STAGES, Statistic, cell_width_ns

__all__ = ["COMPARED", "REPLICATES", "Difference", "compare"]

COMPARED: Final[Mapping[Statistic, int]] = {"p50": 50, "p95": 95}
"""The percentiles that are compared."""

REPLICATES: Final = 2000
"""Runs drawn for an interval."""

_CHUNK = 100  # replicates at once: a board has little memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One percentile of one stage in two runs.

    Attributes:
        stage: The stage.
        statistic: Which percentile.
        first_ms: In the run that the other is held against.
        other_ms: In the other.
        low_ms: Lower end of the 95 % interval of ``other - first``.
        high_ms: Its upper end.
    """

    stage: str
    statistic: Statistic
    first_ms: float
    other_ms: float
    low_ms: float
    high_ms: float

    @property
    def difference_ms(self) -> float:
        """``other - first``."""
        return self.other_ms - self.first_ms

    @property
    def is_clear(self) -> bool:
        """Whether the interval leaves 0 out."""
        return self.low_ms > 0 or self.high_ms < 0

    @property
    def finding(self) -> Literal["slower", "faster", "unclear"]:
        """What the other run is, as far as it can be told."""
        if not self.is_clear:
            return "unclear"
        return "slower" if self.low_ms > 0 else "faster"

    def to_dict(self) -> dict[str, Any]:
        """Return the fields, JSON-ready."""
        return {
            "stage": self.stage,
            "statistic": self.statistic,
            "first_ms": self.first_ms,
            "other_ms": self.other_ms,
            "difference_ms": self.difference_ms,
            "low_ms": self.low_ms,
            "high_ms": self.high_ms,
            "is_clear": self.is_clear,
        }


def compare(first: DurationBlocks, other: DurationBlocks) -> tuple[Difference, ...]:
    """Return how the percentiles of every stage that both runs have differ.

    Durations of neighbouring frames resemble each other, so seconds are drawn and not
    frames: of each run as many whole blocks as it has, with replacement, 2000 times;
    the interval runs from the 2.5th to the 97.5th percentile of the differences, and
    is widened by the cells that the two percentiles lie in: nobody knows where. It
    tells how unsteady each run was in itself, not what a third run would give. The
    draws are the same for the same blocks. A tail is left out where fewer durations
    are behind it than ``SAMPLES_NEEDED`` says.

    Source:
        Blocks that do not overlap: Carlstein 1986, The Annals of Statistics 14(3),
        1171-1179. Percentile interval: Efron and Tibshirani 1993, An Introduction to
        the Bootstrap, chapter 13.
    """
    known = [name for name in STAGES if name in first.stages]
    others = [name for name in first.stages if name not in STAGES]
    return tuple(
        found
        for stage in (*known, *others)
        if stage in other.stages
        for found in _stage(stage, first, other)
    )


def _stage(
    stage: str, first: DurationBlocks, other: DurationBlocks
) -> Iterator[Difference]:
    one, two = _Run(first.stages[stage]), _Run(other.stages[stage])
    count = min(one.count, two.count)
    wanted = {name: p for name, p in COMPARED.items() if count >= SAMPLES_NEEDED[name]}
    if not wanted:
        return
    percents = tuple(wanted.values())
    drawn = two.replicates(percents, f"other {stage}") - one.replicates(
        percents, f"first {stage}"
    )
    for column, (name, percent) in enumerate(wanted.items()):
        low, high = np.percentile(drawn[:, column], (2.5, 97.5))
        first_ns, other_ns = one.percentile(percent), two.percentile(percent)
        yield Difference(
            stage=stage,
            statistic=name,
            first_ms=first_ns / 1e6,
            other_ms=other_ns / 1e6,
            low_ms=(float(low) - cell_width_ns(other_ns)) / 1e6,
            high_ms=(float(high) + cell_width_ns(first_ns)) / 1e6,
        )


class _Run:
    """One stage of one run as a matrix: blocks by cells."""

    def __init__(self, blocks: Sequence[Mapping[int, int]]) -> None:
        used = [block for block in blocks if block]
        cells = sorted({ns for block in used for ns in block})
        column = {ns: index for index, ns in enumerate(cells)}
        self._edges = np.array(cells, np.int64)
        # Whole numbers as floats, which multiply ten times as fast and stay exact.
        self._counts = np.zeros((len(used), len(cells)))
        for row, block in enumerate(used):
            for ns, count in block.items():
                self._counts[row, column[ns]] = count
        self.count = int(self._counts.sum())

    def percentile(self, percent: int) -> int:
        """Return the nearest-rank percentile: the upper edge of its cell."""
        return int(self._percentiles(self._counts.sum(axis=0)[None], percent)[0])

    def replicates(self, percents: Sequence[int], name: str) -> NDArray[np.int64]:
        """Return percentiles of drawn runs, shape (REPLICATES, percents)."""
        rng = np.random.default_rng(_seed(name))
        rows = len(self._counts)
        found = []
        for _ in range(REPLICATES // _CHUNK):
            times = rng.multinomial(rows, np.full(rows, 1 / rows), size=_CHUNK)
            pooled = times @ self._counts
            found.append(np.stack([self._percentiles(pooled, p) for p in percents], 1))
        return np.concatenate(found)

    def _percentiles(
        self, pooled: NDArray[np.float64], percent: int
    ) -> NDArray[np.int64]:
        below = np.cumsum(pooled, axis=1)
        ranks = -(-percent * below[:, -1] // 100)
        cells: NDArray[np.int64] = (below < ranks[:, None]).sum(axis=1)
        edges: NDArray[np.int64] = self._edges[cells]
        return edges


def _seed(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
