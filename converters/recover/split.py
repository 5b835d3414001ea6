"""Which photos are learned from, and which choose the best epoch."""

import numpy as np
from numpy.typing import NDArray

from edgeclf.errors import CalibrationError

__all__ = ["hold_out"]

_FEWEST = 16

_Indices = NDArray[np.intp]


def hold_out(
    count: int, share: float, *, truth: NDArray[np.intp] | None, seed: int
) -> tuple[_Indices, _Indices]:
    """Return the indices to learn from and those held out, each sorted.

    Args:
        count: Of photos.
        share: That is held out, at least one; with labels, in proportion from every
            class.
        truth: The class of each, or ``None``.
        seed: Decides which.

    Raises:
        CalibrationError: There are too few to do both.
    """
    if count < _FEWEST:
        raise CalibrationError(
            f"recovery needs photos to learn from: {count} given, {_FEWEST} or more "
            "are needed, some hundred are better"
        )
    order = np.random.default_rng([seed, count]).permutation(count)
    if truth is not None:
        order = _mixed_by_class(order, truth)
    wanted = max(1, round(share * count))
    places = np.linspace(0, count - 1, wanted).round().astype(np.intp)
    held = np.sort(order[places])
    return np.setdiff1d(np.arange(count, dtype=np.intp), held), held


def _mixed_by_class(order: _Indices, truth: NDArray[np.intp]) -> _Indices:
    """Return the order sorted by class: evenly spaced places then are proportional."""
    return order[np.argsort(truth[order], kind="stable")]
