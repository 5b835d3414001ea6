"""Medians, means and their ratios, with 95 % intervals from the bootstrap."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Estimate",
    "difference_over",
    "mean",
    "median_difference",
    "median_ratio",
    "ratio_of_sums",
]

_DRAWS = 2000

Samples = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A figure and the ends of its 95 % interval."""

    value: float
    low: float
    high: float

    def text(self, digits: int = 3) -> str:
        """Return ``value [low, high]``."""
        return (
            f"{self.value:.{digits}f} [{self.low:.{digits}f}, {self.high:.{digits}f}]"
        )


def median_ratio(ours: Sequence[float], theirs: Sequence[float]) -> Estimate:
    """Return median(ours) ÷ median(theirs); the two were measured in pairs."""
    return _bootstrap([ours, theirs], lambda a, b: _median(a) / _median(b))


def median_difference(ours: Sequence[int], theirs: Sequence[int]) -> Estimate:
    """Return median(ours) - median(theirs)."""
    return _bootstrap([ours, theirs], lambda a, b: _median(a) - _median(b))


def difference_over(
    ours: Sequence[int], theirs: Sequence[int], unit: Sequence[int]
) -> Estimate:
    """Return the median of the paired differences ÷ median(unit)."""
    return _bootstrap([ours, theirs, unit], lambda a, b, c: _median(a - b) / _median(c))


def ratio_of_sums(ours: Samples, theirs: Samples) -> Estimate:
    """Return sum(ours) ÷ sum(theirs), both of the same photos, drawn together.

    Args:
        ours: Shape (photos,): a count for each photo, over all views of it.
        theirs: Same shape.
    """
    return _bootstrap([ours, theirs], lambda a, b: _ratio(a.sum(-1), b.sum(-1)))


def mean(samples: Samples) -> Estimate:
    """Return the mean of one figure a photo."""
    return _bootstrap([samples], lambda a: a.mean(axis=-1))


def _bootstrap(
    columns: Sequence[Sequence[float] | Samples], figure: Callable[..., Samples]
) -> Estimate:
    """Draw rounds again, all columns of a round together."""
    table = np.array(columns, np.float64)
    rounds = table.shape[1]
    drawn = np.random.default_rng(0).integers(0, rounds, (_DRAWS, rounds))
    figures = figure(*table[:, drawn])
    low, high = np.nanpercentile(figures, [2.5, 97.5])
    value = figure(*table[:, np.newaxis, :])[0]
    return Estimate(float(value), float(low), float(high))


def _median(samples: Samples) -> Samples:
    return np.asarray(np.median(samples, axis=-1))


def _ratio(a: Samples, b: Samples) -> Samples:
    """Return a ÷ b; nothing of nothing is as much as it."""
    return np.where(a == b, 1.0, a / np.where(b == 0, np.nan, b))
