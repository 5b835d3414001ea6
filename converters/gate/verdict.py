"""The gate: whether an artefact is as right as its source, as far as photos tell."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from converters.gate.paired import (
    Groups,
    Paired,
    deviate,
    difference_interval,
    share_interval,
)
from converters.gate.wanted import FEWEST_THINGS, Bounds, more_to_decide
from edgeclf.gate_record import ClassDrop, GateRecord, Verdict

__all__ = ["Gate", "judge_agreement", "judge_drop"]

_FEWEST_OF_CLASS = 50
_DROP_METHOD = "Tango score interval of the paired difference, 95 %"
_AGREEMENT_METHOD = "Wilson score interval, 95 %"
_CLUSTERED = ", counts divided by the design effect of clusters"

_Classes = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What an artefact must reach.

    Attributes:
        max_drop: Allowed drop of top-1 accuracy, as a share.
        max_class_drop: Allowed drop of any class's recall, as a share.
        min_agreement: Without labels: share of decisions that must be the source's.
    """

    max_drop: float = 0.01
    max_class_drop: float = 0.02
    min_agreement: float = 0.96


def judge_drop(
    gate: Gate,
    *,
    source: _Classes,
    artefact: _Classes,
    truth: _Classes,
    groups: Groups,
    labels: Sequence[str],
) -> GateRecord:
    """Return the verdict on the drop of top-1 accuracy.

    A class fails the gate when the whole interval of its recall's drop is beyond the
    bar. It never leaves the gate undecided: with 50 photos the interval is some ten
    points wide, and thousands of each class would be needed.

    Args:
        gate: The bars.
        source: The source's top-1 for each photo.
        artefact: The artefact's.
        truth: The right class.
        groups: Which cluster each photo is of.
        labels: The classes' names.
    """
    right, own = source == truth, artefact == truth
    pairs = Paired.measure(right & ~own, own & ~right, groups)

    def bounds(factor: float) -> tuple[float, float]:
        return difference_interval(pairs.scaled(factor), deviate())

    low, high = bounds(1.0)
    verdict = _verdict(low, high, gate.max_drop)
    worst = _worst_class(gate, right, own, truth, groups, labels)
    if worst is not None and worst.low > worst.bar:
        verdict = "fail"
    return GateRecord(
        measure="accuracy",
        verdict=verdict,
        bar=gate.max_drop,
        value=_rounded(pairs.drop),
        low=_rounded(low),
        high=_rounded(high),
        photos=len(truth),
        clusters=_clusters(groups),
        method=_method(_DROP_METHOD, groups),
        more_photos=_more(verdict, bounds, gate.max_drop, pairs, groups),
        worst_class=worst,
    )


def judge_agreement(
    gate: Gate, *, source: _Classes, artefact: _Classes, groups: Groups
) -> GateRecord:
    """Return the verdict on the share of decisions that are the source's.

    Args:
        gate: The bars.
        source: The source's top-1 for each photo.
        artefact: The artefact's.
        groups: Which cluster each photo is of.
    """
    differs = source != artefact
    pairs = Paired.measure(differs, np.zeros_like(differs), groups)

    def bounds(factor: float) -> tuple[float, float]:
        more = pairs.scaled(factor)
        return share_interval(more.lost, more.photos, deviate())

    bar = 1 - gate.min_agreement
    low, high = bounds(1.0)
    verdict = _verdict(low, high, bar)
    return GateRecord(
        measure="agreement",
        verdict=verdict,
        bar=gate.min_agreement,
        value=_rounded(1 - pairs.drop),
        low=_rounded(1 - high),
        high=_rounded(1 - low),
        photos=len(source),
        clusters=_clusters(groups),
        method=_method(_AGREEMENT_METHOD, groups),
        more_photos=_more(verdict, bounds, bar, pairs, groups),
    )


def _verdict(low: float, high: float, bar: float) -> Verdict:
    if high <= bar:
        return "pass"
    return "fail" if low > bar else "undecided"


def _worst_class(
    gate: Gate,
    right: NDArray[np.bool_],
    own: NDArray[np.bool_],
    truth: _Classes,
    groups: Groups,
    labels: Sequence[str],
) -> ClassDrop | None:
    """Return the class whose interval reaches highest, of those with enough photos."""
    numbers, counts = np.unique(truth, return_counts=True)
    judged = numbers[counts >= _FEWEST_OF_CLASS]
    found = []
    for number in judged:
        of_class = truth == number
        lost, won = right[of_class] & ~own[of_class], own[of_class] & ~right[of_class]
        pairs = Paired.measure(lost, won, groups[of_class])
        low, high = difference_interval(pairs, deviate(comparisons=len(judged)))
        found.append(
            ClassDrop(
                label=labels[number],
                bar=gate.max_class_drop,
                value=_rounded(pairs.drop),
                low=_rounded(low),
                high=_rounded(high),
                photos=int(of_class.sum()),
                classes=len(judged),
            )
        )
    return max(found, key=lambda each: (each.low, each.value), default=None)


def _more(
    verdict: Verdict, bounds: Bounds, bar: float, pairs: Paired, groups: Groups
) -> int | None:
    """Return how many more photos of other things would decide."""
    if verdict != "undecided" or math.isclose(pairs.drop, bar, abs_tol=1e-12):
        return None
    clusters = _clusters(groups)
    if clusters < min(FEWEST_THINGS, len(groups)):
        return None
    return more_to_decide(bounds, bar, pairs.photos)


def _clusters(groups: Groups) -> int:
    return len(np.unique(groups))


def _method(method: str, groups: Groups) -> str:
    return method if _clusters(groups) == len(groups) else method + _CLUSTERED


def _rounded(value: float) -> float:
    """Keep what rounding of the last bits does not change."""
    return round(value, 6) + 0.0
