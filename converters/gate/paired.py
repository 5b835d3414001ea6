"""Two models on the same photos: how much worse one is, and how sure that is.

Both models see the same photos, so what counts are the photos on which only one of
them is right. Score intervals are used, which hold for few photos too: after no
difference on 50 photos the interval is still wide. Photos that show the same thing are
a cluster and count for less than as many different ones.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

__all__ = ["Paired", "deviate", "difference_interval", "share_interval"]

Groups = NDArray[np.intp]
"""Number of each photo's cluster, shape (photos,)."""

_FEWEST = 10
"""Photos that must differ before what clusters have in common can be measured."""

_STEPS = 60
"""Halvings of an interval of two: 2**-59 is below float64's resolution at 1."""


def deviate(level: float = 0.95, *, comparisons: int = 1) -> float:
    """Return how many standard errors an interval reaches to each side.

    Args:
        level: Of confidence.
        comparisons: How many intervals shall hold at once, by Bonferroni.
    """
    return NormalDist().inv_cdf(1 - (1 - level) / (2 * comparisons))


@dataclass(frozen=True, slots=True, kw_only=True)
class Paired:
    """What two models did on the same photos, in photos that count as different.

    Attributes:
        photos: How many, less what clusters take away; above 0.
        lost: Photos on which only the source is right, or decides as it does.
        won: Photos on which only the artefact is right.
    """

    photos: float
    lost: float
    won: float

    @property
    def drop(self) -> float:
        """Share of photos by which the artefact is worse, -1 to 1."""
        return (self.lost - self.won) / self.photos

    def scaled(self, factor: float) -> "Paired":
        """Return the same shares of more or fewer photos."""
        return replace(
            self,
            photos=self.photos * factor,
            lost=self.lost * factor,
            won=self.won * factor,
        )

    @classmethod
    def measure(
        cls, worse: NDArray[np.bool_], better: NDArray[np.bool_], groups: Groups
    ) -> "Paired":
        """Return the counts of a comparison, divided by their design effect.

        Args:
            worse: Whether only the source is right, shape (photos,).
            better: Whether only the artefact is, same shape.
            groups: Which cluster each photo is of.

        Source:
            Rao and Scott 1992, doi:10.2307/2532311: clustered counts, divided by how
            much their variance is above that of independent ones.
        """
        difference = worse.astype(np.float64) - better
        effect = _design_effect(difference, groups)
        return cls(
            photos=len(worse) / effect,
            lost=float(worse.sum()) / effect,
            won=float(better.sum()) / effect,
        )


def difference_interval(pairs: Paired, z: float) -> tuple[float, float]:
    """Return the score interval of ``pairs.drop``: what photos do not contradict.

    Args:
        pairs: Counts; they need not be whole.
        z: From ``deviate``.

    Source:
        Tango 1998, doi:10.1002/(SICI)1097-0258(19980430)17:8<891::AID-SIM780>3.0.CO;2-B
    """
    drop = pairs.drop

    def is_within(value: float) -> bool:
        return abs(_score(pairs, value)) <= z

    low = _edge(inside=drop, outside=-1.0, is_within=is_within)
    high = _edge(inside=drop, outside=1.0, is_within=is_within)
    return low, high


def share_interval(hits: float, n: float, z: float) -> tuple[float, float]:
    """Return the interval of a share.

    Args:
        hits: How many of ``n``; neither need be whole.
        n: Above 0.
        z: From ``deviate``.

    Source:
        Wilson 1927, doi:10.1080/01621459.1927.10502953.
    """
    share = hits / n
    centre = share + z**2 / (2 * n)
    half = z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    scale = 1 + z**2 / n
    low, high = (centre - half) / scale, (centre + half) / scale
    return max(0.0, min(float(low), share)), min(1.0, max(float(high), share))


def _design_effect(difference: NDArray[np.float64], groups: Groups) -> float:
    """Return how many photos count as much as one that has no like; 1 or more.

    Where hardly any photo differs, nothing tells what those of a cluster have in
    common: then they count as if they were one photo (Kish 1965).
    """
    _, numbers, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    clusters, n = len(sizes), len(groups)
    if clusters == n:
        return 1.0
    alike = float((sizes.astype(np.float64) ** 2).sum()) / n
    if clusters == 1 or np.count_nonzero(difference) < _FEWEST:
        return alike
    centred = difference - difference.mean()
    sums = np.bincount(numbers, weights=centred, minlength=clusters)
    between = clusters / (clusters - 1) * float((sums**2).sum())
    single = float((centred**2).sum())
    return max(1.0, between / single) if single > 0 else alike


def _score(pairs: Paired, drop: float) -> float:
    """Return how many standard errors the counts are from a drop, if it were true."""
    n, lost, won = pairs.photos, pairs.lost, pairs.won
    # The most likely share of photos that were won, given this drop.
    b = -lost - won + (2 * n - lost + won) * drop
    c = -won * drop * (1 - drop)
    root = np.sqrt(max(0.0, b * b - 8 * n * c))
    share = (root - b) / (4 * n)
    variance = n * (2 * share + drop * (1 - drop))
    distance = lost - won - n * drop
    if variance <= 0:
        return 0.0 if abs(distance) < 1e-12 * n else float(np.sign(distance) * np.inf)
    return float(distance / np.sqrt(variance))


def _edge(
    *, inside: float, outside: float, is_within: Callable[[float], bool]
) -> float:
    """Return where an interval ends, between a value in it and one outside."""
    if is_within(outside):
        return outside
    for _ in range(_STEPS):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if is_within(middle) else (inside, middle)
    return inside
