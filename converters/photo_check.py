"""Tell photos that can calibrate from pictures that cannot.

Quantization ranges that were measured on noise, on flat colour or on one picture over
and over are wrong for photos, and nothing fails: the model is just worse. The limits
were set as those of ``photo_statistics``.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from converters.photo_statistics import MIN_SIDE, PhotoStatistics, measure
from edgeclf.errors import CalibrationError
from edgeclf.types import Uint8Image

__all__ = ["CalibrationCheck", "check_calibration"]

_MINIMUM = 128
_MAX_FAKES = 0.05
_MIN_KURTOSIS = 3.8  # photos 6 and more, textures 5; smooth noise 2.6 to 3.6
_MIN_CHANNELS = 0.25  # photos: 0.9 in the median; noise a channel: 0
_SAME = 8.0  # different photos: 72 and more; one photo saved or resized again: 4


@dataclass(frozen=True, slots=True)
class CalibrationCheck:
    """What was found in a set that may calibrate.

    Attributes:
        images: How many were looked at.
        different: How many of them differ from each other and are no fakes.
        notes: What the bundle must say, such as ``allow-small-calibration``.
    """

    images: int
    different: int
    notes: tuple[str, ...] = ()


def check_calibration(
    images: Iterable[Uint8Image], *, minimum: int = _MINIMUM, allow_small: bool = False
) -> CalibrationCheck:
    """Return what was found, if the images are photos and enough of them.

    Args:
        images: Decoded pictures; looked at one after the other.
        minimum: How many different photos are enough.
        allow_small: Accept fewer, and say so in the notes.

    Raises:
        CalibrationError: There are none or too few, or they are flat, noise or the
            same again; the message says how many were seen.
    """
    seen = [measure(pixels) for pixels in images]
    if not seen:
        raise CalibrationError(
            "no photos to calibrate with: give a folder that has some"
        )
    _refuse_fakes(seen)
    different = _count_different([s for s in seen if not s.is_flat and not s.is_noise])
    if different >= minimum:
        return CalibrationCheck(len(seen), different)
    if different < len(seen) / 2:
        raise CalibrationError(
            f"of {len(seen)} calibration images only {different} differ from the "
            "others; give different photos"
        )
    if not allow_small:
        raise CalibrationError(
            f"{different} different photos cannot calibrate, {minimum} can: give more, "
            "or accept a worse model with --allow-small-calibration"
        )
    return CalibrationCheck(len(seen), different, ("allow-small-calibration",))


def _refuse_fakes(seen: Sequence[PhotoStatistics]) -> None:
    flat = sum(s.is_flat for s in seen)
    noise = sum(s.is_noise for s in seen)
    for count, fault in ((flat, "of one flat colour"), (noise, "noise")):
        if count > _MAX_FAKES * len(seen):
            raise CalibrationError(
                f"{count} of {len(seen)} calibration images are {fault}; "
                "give photos such as the camera will see"
            )
    # One photo may look like this; the half of a set does not.
    likeness = {
        "pixels unlike their neighbours": _median(seen, "correlation") < 0.25,
        "no edges": _median(seen, "kurtosis") < _MIN_KURTOSIS
        and _median(seen, "side") >= MIN_SIDE,
        "unrelated colour channels": _median(seen, "channels") < _MIN_CHANNELS,
    }
    for trait, is_there in likeness.items():
        if is_there:
            raise CalibrationError(
                f"the {len(seen)} calibration images have {trait}, as noise has; "
                "give photos such as the camera will see"
            )


def _median(seen: Sequence[PhotoStatistics], name: str) -> float:
    return float(np.median([getattr(statistics, name) for statistics in seen]))


def _count_different(seen: Sequence[PhotoStatistics]) -> int:
    """Return how many are unlike all others that are counted."""
    if not seen:
        return 0
    thumbnails = np.stack([s.thumbnail for s in seen])
    # Pictures that are alike have means that are: compare only those.
    order = np.argsort(thumbnails.mean(axis=1), kind="stable")
    thumbnails = thumbnails[order]
    means = thumbnails.mean(axis=1)
    is_copy = np.zeros(len(seen), bool)
    for number in range(len(seen)):
        if is_copy[number]:
            continue
        end = int(np.searchsorted(means, means[number] + _SAME, side="right"))
        later = thumbnails[number + 1 : end]
        step = np.abs(later - thumbnails[number]).max(axis=1, initial=0)
        is_copy[number + 1 : end] |= step <= _SAME
    return int(np.sum(~is_copy))
