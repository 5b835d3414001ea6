"""What tells a photo from flat colour and noise, measured of one picture.

The limits were set on 500 ImageNet sample photos, the pictures that scikit-image ships
(textures among them) and synthetic fakes, with room on both sides; measured figures
stand beside each.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgeclf.types import Uint8Image

__all__ = ["MIN_SIDE", "PhotoStatistics", "measure", "thumbnail"]

Grey = NDArray[np.float32]
"""Brightness 0…255, shape (height, width)."""

MIN_SIDE = 16
"""In pixels; below it a picture tells little by itself."""

_MIN_SPREAD = 2.5  # photos: 10 and more
_MIN_CORRELATION = 0.3  # photos and textures: 0.6 and more; noise: below 0.1
_BRIGHTNESS = (np.float32(0.299), np.float32(0.587), np.float32(0.114))


@dataclass(frozen=True, slots=True)
class PhotoStatistics:
    """What tells a photo from a fake, of one picture.

    Attributes:
        side: The shorter one, in pixels.
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
        return is_uncorrelated and self.side >= MIN_SIDE and not self.is_flat


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
