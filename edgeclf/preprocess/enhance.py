"""Optional steps on the pixels before the crop: equalise the light, remove noise."""

from collections.abc import Callable, Mapping

import numpy as np

from edgeclf.types import Uint8Image

__all__ = ["ENHANCEMENTS", "denoise", "equalize"]


def equalize(pixels: Uint8Image) -> Uint8Image:
    """Spread the histogram of the luma over 0…255; colour differences stay.

    Every channel of a pixel moves by as much as its luma does, and is clipped.

    Args:
        pixels: uint8, shape (height, width, 3), RGB.

    Returns:
        Same shape; the same pixels when all have one luma.

    Source:
        Luma: ITU-R BT.601, rounded. Histogram: Gonzalez and Woods, Digital Image
        Processing, section 3.3, with the darkest level mapped to 0.
    """
    wide = pixels.astype(np.int32)
    luma = (wide @ np.array([299, 587, 114], np.int32) + 500) // 1000
    counts = np.bincount(luma.ravel(), minlength=256)
    total = np.cumsum(counts)
    darkest = counts[luma.min()]
    if darkest == luma.size:
        return pixels
    levels = np.rint((total - darkest) * 255.0 / (luma.size - darkest))
    shift = np.maximum(levels, 0).astype(np.int32)[luma] - luma
    moved: Uint8Image = np.clip(wide + shift[..., None], 0, 255).astype(np.uint8)
    return moved


def denoise(pixels: Uint8Image) -> Uint8Image:
    """Return the median of each pixel and its eight neighbours, channel by channel.

    Args:
        pixels: uint8, shape (height, width, 3), RGB; edges are repeated outwards.

    Returns:
        Same shape.
    """
    from PIL import Image, ImageFilter  # noqa: PLC0415 - costs each start 12 ms

    image = Image.fromarray(np.pad(pixels, ((1, 1), (1, 1), (0, 0)), mode="edge"))
    filtered = np.asarray(image.filter(ImageFilter.MedianFilter(3)))
    return np.ascontiguousarray(filtered[1:-1, 1:-1])


ENHANCEMENTS: Mapping[str, Callable[[Uint8Image], Uint8Image]] = {
    "equalize": equalize,
    "denoise": denoise,
}
"""By the name in ``PreprocessSpec.enhancement``."""
