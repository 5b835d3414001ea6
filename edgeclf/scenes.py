"""Made-up pictures that exercise preprocessing as photos do; the same on any machine.

Each has a slow gradient, texture at several scales, and shapes with hard edges, some of
them striped or chequered finely enough to show a missing antialias or a shifted grid.
Only additions, multiplications and comparisons are used, so that every processor and
numpy gives the same pixels.
"""

import functools
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from edgeclf.types import Uint8Image

__all__ = ["golden_images"]

_Floats = NDArray[np.float64]

_SIZES = {
    "landscape": (240, 320),
    "landscape-wide": (180, 320),
    "landscape-odd": (213, 319),
    "landscape-camera": (192, 256),
    "portrait": (320, 240),
    "portrait-tall": (320, 150),
    "portrait-odd": (301, 227),
    "square": (256, 256),
    "square-224": (224, 224),
    "square-odd": (255, 255),
    "small": (96, 128),
    "small-odd": (57, 33),
    "tiny": (16, 16),
    "panorama": (48, 320),
    "column": (320, 41),
    "one-pixel-wide": (64, 1),
}
_GREY_SIZES = {"grey-landscape": (200, 300), "grey-portrait": (279, 187)}
_OCTAVES = ((3, 60.0), (9, 30.0), (40, 14.0), (160, 6.0))
"""Cells along a side, and the texture's height in grey levels."""
_SHAPES = 7


@functools.cache
def golden_images(seed: int = 0) -> tuple[tuple[str, Uint8Image], ...]:
    """Return 18 named pictures: landscape, portrait, odd, small and grey ones.

    Args:
        seed: Another seed gives other pictures of the same sizes.

    Returns:
        Name and pixels, uint8 RGB (height, width, 3), read-only, long side at most 320;
        the grey ones have three equal channels.
    """
    numbers = _Numbers(seed)
    colour = [(name, _scene(numbers, size, 3)) for name, size in _SIZES.items()]
    grey = [
        (name, np.repeat(_scene(numbers, size, 1), 3, axis=2))
        for name, size in _GREY_SIZES.items()
    ]
    for _, pixels in (*colour, *grey):
        pixels.setflags(write=False)
    return (*colour, *grey)


class _Numbers:
    """Uniform numbers in [0, 1); numpy promises that PCG64's raw stream never changes."""

    def __init__(self, seed: int) -> None:
        self._bits = np.random.PCG64(seed)

    def draw(self, *shape: int) -> _Floats:
        raw = self._bits.random_raw(int(np.prod(shape)))
        scaled: _Floats = (raw >> np.uint64(11)).astype(np.float64) * 2.0**-53
        return scaled.reshape(shape)


def _scene(numbers: _Numbers, size: tuple[int, int], channels: int) -> Uint8Image:
    height, width = size
    rows = np.linspace(0.0, 1.0, height)[:, None, None]
    columns = np.linspace(0.0, 1.0, width)[None, :, None]
    corners = numbers.draw(3, channels) * 200 + 20
    picture = corners[0] + rows * (corners[1] - corners[0])
    picture = picture + columns * (corners[2] - picture)
    for mask, paint in _shapes(numbers, size, channels):
        picture = np.where(mask[..., None], paint, picture)
    for cells, amplitude in _OCTAVES:
        picture = picture + amplitude * (_texture(numbers, size, cells) - 0.5)
    pixels: Uint8Image = np.clip(np.floor(picture + 0.5), 0, 255).astype(np.uint8)
    return pixels


def _texture(numbers: _Numbers, size: tuple[int, int], cells: int) -> _Floats:
    """Return smooth noise in [0, 1], shape (height, width, 1)."""
    grid = numbers.draw(cells + 1, cells + 1)
    for axis, side in enumerate(size):
        at = np.arange(side) * (cells / max(side, cells))
        low = np.floor(at).astype(int)
        part = (at - low).reshape((-1, 1) if axis == 0 else (1, -1))
        near, far = grid.take(low, axis), grid.take(low + 1, axis)
        grid = near + part * (far - near)
    return grid[..., None]


def _shapes(
    numbers: _Numbers, size: tuple[int, int], channels: int
) -> Iterator[tuple[NDArray[np.bool_], _Floats]]:
    """Yield masks (height, width) and what to paint there."""
    height, width = size
    rows = np.arange(height)[:, None]
    columns = np.arange(width)[None, :]
    for index in range(_SHAPES):
        row, column, tall, wide = numbers.draw(4)
        down = (rows - row * height) / ((0.1 + 0.25 * tall) * height)
        across = (columns - column * width) / ((0.1 + 0.25 * wide) * width)
        if index % 2:
            mask = down * down + across * across < 1
        else:
            mask = (abs(down) < 1) & (abs(across) < 1)
        down_bands, across_bands = rows // (1 + index), columns // (1 + index)
        bands = (down_bands, across_bands, down_bands + across_bands)[index % 3]
        stripes = np.broadcast_to(bands % 2, size)
        first, second = numbers.draw(2, channels) * 235 + 10
        paint = np.where(stripes[..., None], first, second if index > 2 else first)
        yield mask, paint
