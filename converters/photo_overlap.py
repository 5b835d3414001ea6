"""Photos that judge a model must not be those that calibrated it."""

import numpy as np
from numpy.typing import NDArray

from converters.photo_clusters import look_alike
from converters.photos import PhotoSet
from edgeclf.errors import CalibrationError

__all__ = ["unseen"]

_MAX_ALIKE = 0.05
"""Share of photos that may look like one of the others by chance or by a burst."""


def unseen(
    photos: PhotoSet, seen: PhotoSet, *, is_given: bool
) -> tuple[PhotoSet, list[str]]:
    """Return the photos that are not among others, nor nearly the same as one.

    Args:
        photos: To judge by, as ``readable`` returned them.
        seen: Those that calibrated, likewise.
        is_given: Whether the user gave them for that; else they were held back, and a
            folder may hold the same photo twice.

    Returns:
        The photos, and what to say of those that were left out.

    Raises:
        CalibrationError: Photos that the user gave are among the others, or many look
            like them, or none are left.
    """
    same = _same_bytes(photos, seen)
    alike = same | look_alike(photos.thumbnails(), seen.thumbnails())
    first = next((p.name for p, a in zip(photos.photos, alike, strict=True) if a), "")
    if is_given and same.any():
        raise CalibrationError(
            f"{same.sum()} of the {len(photos)} photos of --evaluate are among those "
            f"of --calibrate, such as {_name(photos, same)}: a model is not judged by "
            "what it was made with; give others, or leave out --evaluate"
        )
    if is_given and alike.sum() > _MAX_ALIKE * len(photos):
        raise CalibrationError(
            f"{alike.sum()} of the {len(photos)} photos of --evaluate are nearly the "
            f"same as one of --calibrate, such as {first}: give other photos"
        )
    if not alike.any():
        return photos, []
    rest = photos.without(alike)
    if not len(rest):
        raise CalibrationError(
            f"{photos.folder}: its photos are nearly the same: none is left to judge "
            "by; give different ones"
        )
    note = (
        f"{alike.sum()} of {len(photos)} photos to compare on are nearly the same as "
        f"one that calibrated and were left out, such as {first}"
    )
    return rest, [note]


def _same_bytes(photos: PhotoSet, seen: PhotoSet) -> NDArray[np.bool_]:
    known = set(seen.digests())
    return np.array([digest in known for digest in photos.digests()], np.bool_)


def _name(photos: PhotoSet, chosen: NDArray[np.bool_]) -> str:
    return photos.photos[int(np.flatnonzero(chosen)[0])].name
