"""How many photos an undecided gate wants, and of what."""

import math
from collections.abc import Callable
from typing import TypeAlias

from converters.gate.paired import (
    Paired,
    deviate,
    difference_interval,
    share_interval,
)
from edgeclf.gate_record import Measure

__all__ = ["FEWEST_THINGS", "MOST_PHOTOS", "Bounds", "fewest_to_pass", "more_to_decide"]

MOST_PHOTOS = 1_000_000
"""Beyond this many more photos nobody is told to go and take them."""

FEWEST_THINGS = 10
"""With photos of fewer different things, what was measured says little of the next
thing, and no number of photos can be told from it."""

Bounds: TypeAlias = Callable[[float], tuple[float, float]]
"""Interval of what is measured, after so many times the photos."""


def more_to_decide(bounds: Bounds, bar: float, counted: float) -> int | None:
    """Return about how many more photos, each of another thing, would decide.

    Args:
        bounds: Of an undecided measurement.
        bar: Largest value that passes.
        counted: How many photos of different things those measured count for.

    Returns:
        ``None`` when no practical number would.
    """
    few, many = 1.0, 1.0 + MOST_PHOTOS / counted
    if not _decides(bounds(many), bar):
        return None
    while (many - few) * counted > 1:
        middle = (few + many) / 2
        few, many = (few, middle) if _decides(bounds(middle), bar) else (middle, many)
    return _two_digits((many - 1) * counted)


def fewest_to_pass(measure: Measure, bar: float) -> int | None:
    """Return how many photos of different things pass if no decision differs.

    Args:
        measure: What the gate judges by.
        bar: Of the record: largest drop, or least agreement.

    Returns:
        ``None`` when no practical number does.
    """
    few, many = 0, MOST_PHOTOS
    if not _passes_without_a_difference(measure, bar, many):
        return None
    while many - few > 1:
        middle = (few + many) // 2
        passes = _passes_without_a_difference(measure, bar, middle)
        few, many = (few, middle) if passes else (middle, many)
    return many


def _passes_without_a_difference(measure: Measure, bar: float, photos: int) -> bool:
    if measure == "agreement":
        return share_interval(0, photos, deviate())[1] <= 1 - bar
    none = Paired(photos=photos, lost=0, won=0)
    return difference_interval(none, deviate())[1] <= bar


def _decides(interval: tuple[float, float], bar: float) -> bool:
    low, high = interval
    return high <= bar or low > bar


def _two_digits(count: float) -> int:
    """Return a count rounded up to what an estimate is worth."""
    step = int(10 ** max(0, math.floor(math.log10(max(count, 1))) - 1))
    return math.ceil(count / step) * step
