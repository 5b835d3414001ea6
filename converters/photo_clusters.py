"""Photos that show the same thing: they count as one, and never stand on both sides.

Three things tell: a ``group`` column in ``labels.csv``; a name that says that it is a
view of another picture (``IMG_1-crop2.jpg``, ``cat_flip.png``, ``sun (1).jpg``); and
pixels that are nearly the same, as in a burst or in one photo saved twice.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Thumbnails", "cluster_of_name", "clusters", "look_alike"]

Thumbnails = NDArray[np.uint8]
"""RGB levels of 16 x 16 areas, shape (photos, 768)."""

_SAME = 8
"""Largest difference of an area. Different photos differ by 72 and more in at least
one; one photo saved or resized again by 4; see ``photo_check``."""

_VIEW = re.compile(
    r"[ _.-]*(?:\(\d+\)|(?:crop|view|patch|tile|aug|copy|flip|flipped|mirror|rot)"
    r"[ _.-]?\d*)$",
    re.IGNORECASE,
)


def cluster_of_name(name: str) -> str:
    """Return the name of the picture that a file is a view of; else its own.

    Args:
        name: Path below the set's folder, with forward slashes.
    """
    folder, slash, file = name.rpartition("/")
    stem, dot, suffix = file.rpartition(".")
    base, count = _VIEW.subn("", stem if dot else suffix)
    return f"{folder}{slash}{base}" if count and base else name


def clusters(names: Sequence[str], thumbnails: Thumbnails) -> NDArray[np.intp]:
    """Return a number for each photo; the same one for photos of one cluster.

    Args:
        names: What a table or the photos' names say of their clusters.
        thumbnails: Of the photos.
    """
    parents = list(range(len(names)))

    def root(number: int) -> int:
        while parents[number] != number:
            parents[number] = parents[parents[number]]
            number = parents[number]
        return number

    first: dict[str, int] = {}
    for number, name in enumerate(names):
        parents[root(number)] = root(first.setdefault(name, number))
    for one, other in _alike(thumbnails, thumbnails):
        parents[root(one)] = root(other)
    return np.array([root(number) for number in range(len(names))], np.intp)


def look_alike(thumbnails: Thumbnails, others: Thumbnails) -> NDArray[np.bool_]:
    """Return whether each photo looks like one of the others.

    Args:
        thumbnails: Of the photos.
        others: Of those that they shall not repeat.
    """
    found = np.zeros(len(thumbnails), np.bool_)
    for one, _ in _alike(thumbnails, others):
        found[one] = True
    return found


def _alike(thumbnails: Thumbnails, others: Thumbnails) -> Iterator[tuple[int, int]]:
    """Yield the pairs that look the same; those with themselves among them."""
    if not len(thumbnails) or not len(others):
        return
    coarse, their_coarse = _coarse(thumbnails), _coarse(others)
    # Pictures that are alike have means that are: compare only those.
    order = np.argsort(their_coarse[:, 0], kind="stable")
    means = their_coarse[order, 0]
    begins = np.searchsorted(means, coarse[:, 0] - _SAME, side="left")
    ends = np.searchsorted(means, coarse[:, 0] + _SAME, side="right")
    for number, (begin, end) in enumerate(zip(begins, ends, strict=True)):
        near = order[begin:end]
        near = near[_is_same(their_coarse[near], coarse[number])]
        fine = others[near].astype(np.int16)
        for other in near[_is_same(fine, thumbnails[number])]:
            yield number, int(other)


def _is_same(
    values: NDArray[np.floating] | NDArray[np.int16], value: NDArray[Any]
) -> NDArray[np.bool_]:
    is_same: NDArray[np.bool_] = np.abs(values - value).max(axis=1, initial=0) <= _SAME
    return is_same


def _coarse(thumbnails: Thumbnails) -> NDArray[np.float32]:
    """Return the mean of each thumbnail, then those of its quarters a channel."""
    sides = thumbnails.reshape(-1, 2, 8, 2, 8, 3).mean(axis=(2, 4), dtype=np.float32)
    quarters = sides.reshape(len(thumbnails), -1)
    return np.concatenate([quarters.mean(axis=1, keepdims=True), quarters], axis=1)
