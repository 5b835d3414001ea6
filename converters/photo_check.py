"""Tell photos that can calibrate from pictures that cannot.

Quantization ranges that were measured on noise, on flat colour or on one picture over
and over are wrong for photos, and nothing fails: the model is just worse. The limits
below were set on 500 ImageNet sample photos, the pictures that scikit-image ships
(textures among them) and synthetic fakes, with room on both sides; measured figures
stand beside each.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgeclf.errors import CalibrationError
from edgeclf.types import Uint8Image

__all__ = [
    "CalibrationCheck",
    "PhotoStatistics",
    "check_calibration",
    "measure",
    "thumbnail",
]

Grey = NDArray[np.float32]
"""Brightness 0…255, shape (height, width)."""

_MINIMUM = 128
_MAX_FAKES = 0.05
_MIN_SIDE = 16
_MIN_SPREAD = 2.5  # photos: 10 and more
_MIN_CORRELATION = 0.3  # photos and textures: 0.6 and more; noise: below 0.1
_MIN_KURTOSIS = 3.8  # photos 6 and more, textures 5; smooth noise 2.6 to 3.6
_MIN_CHANNELS = 0.25  # photos: 0.9 in the median; noise a channel: 0
_BRIGHTNESS = (np.float32(0.299), np.float32(0.587), np.float32(0.114))
_SAME = 8.0  # different photos: 72 and more; one photo saved or resized again: 4


@dataclass(frozen=True, slots=True)
class PhotoStatistics:
    """What tells a photo from a fake, of one picture.

    Attributes:
        side: The shorter one, in pixels; below 16 a picture tells little by itself.
        spread: Largest standard deviation of a channel, in levels of 255.
        correlation: Of neighbouring brightnesses, at the finer or the coarser scale,
            whichever is higher: 0 for noise.
        kurtosis: Of brightness steps, at the scale where it is highest: edges give
            high values, noise of any smoothness 3.
        channels: Smaller correlation of two colour channels.
        thumbnail: RGB levels of 16 x 16 areas, shape (768,).
    """

    side: int
    spread: float
    correlation: float
    kurtosis: float
    channels: float
    thumbnail: Grey

    @property
    def is_flat(self) -> bool:
        """It is one colour, or nearly."""
        return self.spread < _MIN_SPREAD

    @property
    def is_noise(self) -> bool:
        """Its pixels have nothing to do with their neighbours."""
        is_uncorrelated = self.correlation < _MIN_CORRELATION
        return is_uncorrelated and self.side >= _MIN_SIDE and not self.is_flat


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


def measure(pixels: Uint8Image) -> PhotoStatistics:
    """Return the statistics of one picture, scaled to at most 512 pixels a side."""
    image = Image.fromarray(pixels)
    if max(image.size) >= 1024:
        image = image.reduce(max(image.size) // 512)
    # Planes of one colour each: numpy sums them ten times faster.
    planes = [np.asarray(plane, np.float32) for plane in image.split()]
    weighted = (w * p for w, p in zip(_BRIGHTNESS, planes, strict=True))
    grey = np.asarray(sum(weighted), np.float32)
    halves = _halved(grey)
    return PhotoStatistics(
        side=min(pixels.shape[:2]),
        spread=max(float(plane.std()) for plane in planes),
        correlation=max(_correlation(grey), _correlation(_to_about(grey, 32))),
        kurtosis=max(_kurtosis(g) for g in (grey, halves, _halved(halves))),
        channels=_channel_correlation(planes),
        thumbnail=np.asarray(
            image.resize((16, 16), Image.Resampling.BOX), np.float32
        ).ravel(),
    )


def thumbnail(pixels: Uint8Image) -> bytes:
    """Return the RGB levels of 16 x 16 areas of a picture, as 768 bytes."""
    image = Image.fromarray(pixels)
    if max(image.size) >= 1024:
        image = image.reduce(max(image.size) // 512)
    return image.resize((16, 16), Image.Resampling.BOX).tobytes()


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
        and _median(seen, "side") >= _MIN_SIDE,
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


def _correlation(grey: Grey) -> float:
    """Return the smaller correlation of neighbours, across or down; 0 where flat."""
    centred = grey - grey.mean()
    variance = float((centred * centred).mean())
    if variance < 1e-6:
        return 0.0
    products = (centred[:, 1:] * centred[:, :-1], centred[1:] * centred[:-1])
    means = (float(product.mean()) for product in products if product.size)
    return min(means, default=0.0) / variance


def _kurtosis(grey: Grey) -> float:
    """Return the kurtosis of the steps between neighbours: 3 for a normal spread."""
    steps = np.concatenate([np.diff(grey, axis=axis).ravel() for axis in (0, 1)])
    if not steps.size:
        return 0.0
    squares = np.square(steps - steps.mean())
    variance = float(squares.mean())
    return float(np.square(squares).mean()) / variance**2 if variance > 1e-6 else 0.0


def _channel_correlation(planes: Sequence[Grey]) -> float:
    """Return the smaller correlation of two channels; 1 where one is empty."""
    if min(float(plane.std()) for plane in planes) < 1.0:
        return 1.0
    red, green, blue = ((plane - plane.mean()) / plane.std() for plane in planes)
    return min(float((red * green).mean()), float((green * blue).mean()))


def _halved(grey: Grey) -> Grey:
    return _block_means(grey, 2)


def _to_about(grey: Grey, side: int) -> Grey:
    return _block_means(grey, max(1, min(grey.shape) // side))


def _block_means(grey: Grey, block: int) -> Grey:
    height, width = (side // block * block for side in grey.shape)
    if not height or not width:
        return grey
    tiles = grey[:height, :width].reshape(height // block, block, width // block, block)
    means: Grey = tiles.mean(axis=(1, 3), dtype=np.float32)
    return means
