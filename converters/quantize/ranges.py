"""Ranges of a tensor's real numbers, from what was seen of it, for 256 stored levels.

An observer takes batches of values and keeps a histogram whose bins are a power of two
wide, so that growing it merges neighbours exactly: the result does not depend on how
the values came in batches. Every range contains 0, which must be stored exactly: zero
padding and ReLU put it everywhere.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["RangeMethod", "RangeObserver", "quantization_error"]

RangeMethod: TypeAlias = Literal["min-max", "percentile", "mse", "entropy"]
"""How a range is chosen: all of it, all but a share at each end, least squared error,
or least divergence of the stored distribution."""

_Values: TypeAlias = NDArray[np.float64]
_Loss: TypeAlias = Callable[[_Values, _Values, float, float], float]

_BINS = 8192
"""At most; a stored step is then 16 bins or more."""

_ALL_BITS = 62
_SHRINKS = np.linspace(1.0, 0.1, 91)
_ROUNDS = 3
_SMALLEST = float(np.finfo(np.float32).tiny)


class RangeObserver:
    """A histogram of a tensor's values over any number of batches."""

    def __init__(self) -> None:
        self._low = self._high = 0.0
        self._exponent = -149
        self._first = 0
        self._counts = np.zeros(0, np.int64)

    def add(self, values: NDArray[np.floating]) -> None:
        """Count a batch of values.

        Args:
            values: Real numbers, any shape.

        Raises:
            ValueError: One of them is not finite.
        """
        if not values.size:
            return
        self.cover(float(values.min()), float(values.max()))
        # A power of two scales without rounding, in either precision.
        bins = np.floor(np.ldexp(values.ravel(), -self._exponent)).astype(np.int64)
        bins -= self._first
        self._counts += np.bincount(bins, minlength=len(self._counts))

    def cover(self, low: float, high: float) -> None:
        """Let the range of all that was seen reach from low to high.

        For values of which only some are added.

        Raises:
            ValueError: One of them is not finite.
        """
        if not (np.isfinite(low) and np.isfinite(high)):
            raise ValueError(f"a value is not finite: the batch is {low} to {high}")
        self._low, self._high = min(self._low, low), max(self._high, high)
        self._widen(low, high)

    @property
    def count(self) -> int:
        """How many values were seen."""
        return int(self._counts.sum())

    def range(
        self, method: RangeMethod, *, percentile: float = 99.99, levels: int = 256
    ) -> tuple[float, float]:
        """Return (low, high), low <= 0 <= high.

        Args:
            method: How to choose.
            percentile: For that method: share of values, in percent, that lie below the
                range's high; as many lie above its low.
            levels: How many values can be stored.

        Raises:
            ValueError: Nothing was seen, or the percentile is not within 50 to 100.
        """
        if not self.count:
            raise ValueError("no range without values: add some first")
        if method == "min-max":
            return self._low, self._high
        if method == "percentile":
            return self._percentile(percentile)
        values, counts = self.histogram()
        loss = _squared_loss(levels) if method == "mse" else _entropy_loss(levels)
        return _search(loss, values, counts, (self._low, self._high))

    def error(self, method: RangeMethod) -> float:
        """Return the mean squared error of storing what was seen in a range.

        Args:
            method: How the range is chosen; see ``range``.

        Raises:
            ValueError: Nothing was seen.
        """
        values, counts = self.histogram()
        return quantization_error(values, *self.range(method), counts=counts)

    def histogram(self) -> tuple[_Values, _Values]:
        """Return (values, counts), the middles of all bins that hold something."""
        (filled,) = np.nonzero(self._counts)
        middles = np.ldexp(filled + self._first + 0.5, self._exponent)
        return (
            np.clip(middles, self._low, self._high),
            self._counts[filled].astype(np.float64),
        )

    def state(self) -> dict[str, NDArray[Any]]:
        """Return all that was seen, as arrays for a file."""
        return {
            "ends": np.array([self._low, self._high]),
            "place": np.array([self._exponent, self._first], np.int64),
            "counts": self._counts,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, NDArray[Any]]) -> "RangeObserver":
        """Return the observer that ``state`` described."""
        made = cls()
        made._low, made._high = (float(end) for end in state["ends"])
        made._exponent, made._first = (int(place) for place in state["place"])
        made._counts = state["counts"].astype(np.int64)
        return made

    def _percentile(self, percentile: float) -> tuple[float, float]:
        if not 50 <= percentile <= 100:
            raise ValueError(f"percentile must be 50 to 100, got {percentile}")
        values, counts = self.histogram()
        below = np.cumsum(counts) / counts.sum()
        share = percentile / 100
        if share == 1:
            return self._low, self._high
        first, last = np.searchsorted(below, (1 - share, share))
        low = self._low if first == 0 else values[first]
        high = self._high if last == len(values) - 1 else values[last]
        return min(0.0, float(low)), max(0.0, float(high))

    def _widen(self, low: float, high: float) -> None:
        """Make bins for a batch between two values."""
        exponent = max(self._exponent, self._least_exponent())
        first, last = _bin(min(low, 0.0), exponent), _bin(max(high, 0.0), exponent)
        shift = min(exponent - self._exponent, _ALL_BITS)
        if len(self._counts):
            first = min(first, self._first >> shift)
            last = max(last, (self._first + len(self._counts) - 1) >> shift)
        before = (self._exponent, self._first, len(self._counts))
        if (exponent, first, last - first + 1) == before:
            return
        (filled,) = np.nonzero(self._counts)
        places = ((filled + self._first) >> shift) - first
        counts = np.zeros(last - first + 1, np.int64)
        np.add.at(counts, places, self._counts[filled])
        self._exponent, self._first, self._counts = exponent, first, counts

    def _least_exponent(self) -> int:
        """Return the exponent of two of the narrowest bins that are not too many."""
        width = max((self._high - self._low) / (_BINS - 2), _SMALLEST)
        return int(np.ceil(np.log2(width)))


def quantization_error(
    values: NDArray[np.floating],
    low: float,
    high: float,
    *,
    levels: int = 256,
    counts: NDArray[np.floating] | None = None,
) -> float:
    """Return the mean squared error of storing values in a range.

    Args:
        values: Real numbers, any shape.
        low: Of the range, 0 or below.
        high: Of the range, 0 or above.
        levels: How many values can be stored.
        counts: How often each value occurs; once if left out.

    Source:
        Jacob et al. 2018, arXiv:1712.05877, section 3: the range is moved so that 0 is
        one of the levels.
    """
    step = max((high - low) / (levels - 1), _SMALLEST)
    zero = np.clip(np.round(-low / step), 0, levels - 1)
    stored = np.clip(np.round(values / step) + zero, 0, levels - 1)
    errors = np.square((stored - zero) * step - values)
    return float(np.average(errors, weights=counts))


def _bin(value: float, exponent: int) -> int:
    return int(np.floor(np.ldexp(value, -exponent)))


def _squared_loss(levels: int) -> _Loss:
    def loss(values: _Values, counts: _Values, low: float, high: float) -> float:
        return quantization_error(values, low, high, levels=levels, counts=counts)

    return loss


def _entropy_loss(levels: int) -> _Loss:
    """Return the divergence of what is stored from what was seen.

    Values outside the range count at its ends. What a level stores is spread evenly
    over the bins that it stands for. The bin at 0 is left out: 0 is stored exactly, and
    the many zeros of a ReLU would seem to be lost by spreading them.

    Source:
        Migacz 2017, "8-bit inference with TensorRT", GTC, slides 28 to 39.
    """

    def loss(values: _Values, counts: _Values, low: float, high: float) -> float:
        step = max((high - low) / (levels - 1), _SMALLEST)
        inside = (values >= low) & (values <= high)
        inside[np.argmin(np.abs(values))] = False
        if not inside.any():
            return np.inf
        seen = counts[inside].copy()
        seen[0] += counts[values < low].sum()
        seen[-1] += counts[values > high].sum()
        level = np.round((values[inside] - low) / step).astype(np.int64)
        mass = np.bincount(level, counts[inside])
        bins = np.bincount(level)
        spread = mass[level] / bins[level]
        spread *= seen.sum() / spread.sum()
        return float(np.sum(seen * np.log(seen / spread)) / seen.sum())

    return loss


def _search(
    loss: _Loss, values: _Values, counts: _Values, ends: tuple[float, float]
) -> tuple[float, float]:
    """Return the range of least loss: each end in turn, never worse than ``ends``."""
    low, high = ends
    best = loss(values, counts, low, high)
    for _ in range(_ROUNDS):
        before = best
        for shrink in _SHRINKS:
            for candidate in ((ends[0] * shrink, high), (low, ends[1] * shrink)):
                found = loss(values, counts, *candidate)
                if found < best:
                    best, (low, high) = found, candidate
        if best == before:
            break
    return float(low), float(high)
