"""Smoothed scores of all frames at once, with the bits that the loop would get."""

from collections.abc import Iterator, Sequence

import numpy as np

from edgeclf.tuning.material import Booleans, Floats, Integers, Material
from edgeclf.watch import Smoothing, left_after

__all__ = ["smoothed"]

Curves = Iterator[tuple[Smoothing, Floats]]


def smoothed(
    material: Material, smoothings: Sequence[Smoothing], firsts: Booleans
) -> Curves:
    """Yield each smoothing with its scores, shape (frames, labels).

    Args:
        material: The frames.
        smoothings: How to smooth.
        firsts: At which frames smoothing starts anew.
    """
    averages = [each for each in smoothings if each.kind == "ewma"]
    for smoothing in smoothings:
        if smoothing.kind == "none":
            yield smoothing, material.scores
        elif smoothing.kind == "majority":
            yield smoothing, _votes(material, smoothing.frames, firsts)
    if averages:
        together = _averages(
            material, [each.time_constant_ms for each in averages], firsts
        )
        for number, smoothing in enumerate(averages):
            yield smoothing, together[:, number]


def _votes(material: Material, frames: int, firsts: Booleans) -> Floats:
    """Return the share of the last frames that had each label as their best."""
    begins = np.maximum.accumulate(np.where(firsts, np.arange(len(firsts)), 0))
    since = np.maximum(begins, np.arange(len(firsts)) - frames + 1)
    curves = np.empty_like(material.scores)
    for column, place in enumerate(material.places):
        counts = np.concatenate([[0], np.cumsum(material.best == place)])
        curves[:, column] = (counts[1:] - counts[since]) / frames
    return curves


def _averages(
    material: Material, time_constants_ms: Sequence[int], firsts: Booleans
) -> Floats:
    """Return moving averages, shape (frames, time constants, labels)."""
    shares = np.stack(
        [_shares(material.moments_ns, each * 1_000_000) for each in time_constants_ms],
        axis=1,
    )[:, :, None]
    averages = np.empty((len(firsts), len(time_constants_ms), len(material.labels)))
    average = averages[0]
    for number, (scores, share, is_first) in enumerate(
        zip(material.scores, shares, firsts.tolist(), strict=True)
    ):
        if is_first:
            averages[number] = scores
        else:
            averages[number] = average + share * (scores - average)
        average = averages[number]
    return averages


def _shares(moments_ns: Integers, time_constant_ns: int) -> Floats:
    """Return how much each frame counts beside all before it."""
    if not time_constant_ns:
        return np.ones(len(moments_ns))
    elapsed_ns = np.diff(moments_ns, prepend=moments_ns[0])
    return 1.0 - left_after(elapsed_ns / time_constant_ns)
