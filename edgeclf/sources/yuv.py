"""From brightness and colour differences, as cameras and codecs store them, to RGB."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from edgeclf.types import Uint8Image

__all__ = ["YuvCoding", "YuvMatrix", "yuv_to_rgb"]

YuvMatrix: TypeAlias = Literal["Rec601", "Rec709", "Rec2020"]

_RED_AND_BLUE_WEIGHTS = {
    "Rec601": (0.299, 0.114),
    "Rec709": (0.2126, 0.0722),
    "Rec2020": (0.2627, 0.0593),
}
_FRACTION_BITS = 5  # as many as 16 bits leave room for

_Plane: TypeAlias = NDArray[np.uint8]
_Table: TypeAlias = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class YuvCoding:
    """What the numbers mean.

    Attributes:
        matrix: Which recommendation's weights.
        is_full_range: Brightness 0…255 and differences 1…255, as in a JPEG; else
            16…235 and 16…240, as in a video.
    """

    matrix: YuvMatrix = "Rec601"
    is_full_range: bool = False

    def __post_init__(self) -> None:
        if self.matrix not in get_args(YuvMatrix):
            raise ValueError(f"matrix must be one of {get_args(YuvMatrix)}")


def yuv_to_rgb(luma: _Plane, u: _Plane, v: _Plane, coding: YuvCoding) -> Uint8Image:
    """Return RGB; within one step of the formula in real numbers.

    Args:
        luma: Shape (height, width).
        u: Blue difference; each sample stands for as many pixels in a row, and as
            many rows, as it takes to fill the picture.
        v: Red difference, likewise.
        coding: What the numbers mean.

    Returns:
        Shape (height, width, 3), contiguous.

    Source:
        ITU-R BT.601-7, BT.709-6 and BT.2020-2; the ranges of section 2.5.3 of the first.
    """
    tables = _tables(coding)
    bright = tables["luma"][luma]
    height, width = luma.shape
    pixels = np.empty((height, width, 3), np.uint8)
    shares = (
        tables["red"][v],
        tables["green of u"][u] + tables["green of v"][v],
        tables["blue"][u],
    )
    for channel, share in enumerate(shares):
        total = bright + _spread(share, (height, width))
        total >>= _FRACTION_BITS
        np.clip(total, 0, 255, out=total)
        pixels[..., channel] = total
    return pixels


def _spread(samples: _Table, size: tuple[int, int]) -> _Table:
    """Return one value a pixel."""
    for axis, side in enumerate(size):
        times = -(-side // samples.shape[axis])
        if times > 1:
            samples = np.repeat(samples, times, axis)
    return samples[: size[0], : size[1]]


@lru_cache(maxsize=8)
def _tables(coding: YuvCoding) -> dict[str, _Table]:
    """Return what each value adds to a channel, in fractions of a step."""
    red, blue = _RED_AND_BLUE_WEIGHTS[coding.matrix]
    green = 1 - red - blue
    values = np.arange(256)
    if coding.is_full_range:
        luma, difference = values * 1.0, (values - 128) * 1.0
    else:
        luma, difference = (values - 16) * 255 / 219, (values - 128) * 255 / 224
    real = {
        "luma": luma + 0.5,  # so that dropping the fraction rounds
        "red": difference * 2 * (1 - red),
        "green of u": difference * -2 * (1 - blue) * blue / green,
        "green of v": difference * -2 * (1 - red) * red / green,
        "blue": difference * 2 * (1 - blue),
    }
    return {
        name: np.rint(each * (1 << _FRACTION_BITS)).astype(np.int16)
        for name, each in real.items()
    }
