"""What a few thousand samples tell of a picture: light, clipping, detail, change.

How much two samples differ grows with the distance between them, as far as the picture
has structure of that size. Noise adds the same to every distance, so that differences
of such figures are free of it: they tell a dark noisy scene from a covered lens, and a
blurred picture from a dim one.
"""

import math
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from edgeclf.types import Uint8Image

__all__ = [
    "BRIGHT",
    "DARK",
    "SMALLEST_SIDE",
    "Grid",
    "Plane",
    "Structure",
    "clipped_share",
    "dark_share",
    "structure",
    "unchanged_share",
]

Plane: TypeAlias = NDArray[np.uint8]
"""One colour channel, shape (rows, columns)."""

DARK = 10
"""Largest mean of a dark patch. A sensor under a cap gives 0 to 7 with noise of 8 steps
on it (full gain); a room lit by one lamp has patches far above."""

BRIGHT = 250
"""Smallest value that counts as clipped: some cameras end a little below 255."""

SMALLEST_SIDE = 64
"""Shortest side of a picture that can be judged, in pixels."""

_ROWS, _COLUMNS = 60, 80
_SHORTEST_STEP = 4
_PATCH = 4
_MID = (5, 250)
_LEAST_MID = 0.05


class Grid(NamedTuple):
    """Where a picture is sampled: about 60 x 80 places, and their neighbours.

    Attributes:
        step: Pixels between two samples (down, across), 4 or more.
        shape: Number of samples (down, across), each a multiple of 4.
    """

    step: tuple[int, int]
    shape: tuple[int, int]

    @classmethod
    def of(cls, height: int, width: int) -> "Grid":
        """Return the grid for pictures of a size, both sides 64 or more."""
        down = max(_SHORTEST_STEP, height // _ROWS)
        across = max(_SHORTEST_STEP, width // _COLUMNS)
        # One step of margin for the neighbours below and to the right.
        rows = (height // down - 1) // _PATCH * _PATCH
        columns = (width // across - 1) // _PATCH * _PATCH
        return cls((down, across), (rows, columns))

    def take(
        self, pixels: Uint8Image, channel: int, *, down: int = 0, across: int = 0
    ) -> Plane:
        """Return one channel at every place, moved by some pixels."""
        height, width = self.shape[0] * self.step[0], self.shape[1] * self.step[1]
        taken: Plane = pixels[
            down : down + height : self.step[0],
            across : across + width : self.step[1],
            channel,
        ].copy()
        return taken


class Structure(NamedTuple):
    """How bright a picture is, and how much it differs over short distances.

    Attributes:
        level: Mean of green, 0 to 255.
        near: Half the mean squared difference over a quarter of the grid's step: 2
            pixels of 640 x 480. Noise is in it.
        middle: Likewise over half a step, 4 pixels.
        far: Likewise over a whole step, 8 pixels.
    """

    level: float
    near: float
    middle: float
    far: float


def structure(pixels: Uint8Image, grid: Grid, green: Plane) -> Structure:
    """Return light and detail; ``green`` is the grid's green channel."""
    level = green.astype(np.float32)
    down, across = grid.step
    near, middle = (
        _energy(grid.take(pixels, 1, across=across // part).astype(np.float32) - level)
        + _energy(grid.take(pixels, 1, down=down // part).astype(np.float32) - level)
        for part in (4, 2)
    )
    far = _energy(level[:, 1:] - level[:, :-1]) + _energy(level[1:] - level[:-1])
    return Structure(level=float(level.mean()), near=near, middle=middle, far=far)


def _energy(differences: NDArray[np.float32]) -> float:
    """Return a quarter of the mean square: half of what one direction gives."""
    flat = differences.ravel()
    return float(flat.dot(flat)) / (4 * flat.size)


def dark_share(pixels: Uint8Image, grid: Grid, green: Plane) -> float:
    """Return the share of patches that are dark in every colour, 0 to 1.

    A patch is 16 samples, so that noise averages out. Of a picture that is too bright
    for a share of 0.9, it is not counted and 0.
    """
    if green.mean() > 0.9 * DARK + 0.1 * 255:
        return 0.0
    dark = _patches(green) <= DARK
    for channel in (0, 2):
        dark &= _patches(grid.take(pixels, channel)) <= DARK
    return float(dark.mean())


def _patches(plane: Plane) -> NDArray[np.float64]:
    rows, columns = plane.shape
    tall = plane.reshape(rows // _PATCH, _PATCH, columns).sum(axis=1, dtype=np.uint16)
    sums = tall.reshape(len(tall), columns // _PATCH, _PATCH).sum(axis=2)
    means: NDArray[np.float64] = sums / _PATCH**2
    return means


def clipped_share(pixels: Uint8Image, grid: Grid, green: Plane) -> float:
    """Return the share of samples that are at their brightest in every colour."""
    clipped = green >= BRIGHT
    if not clipped.any():
        return 0.0
    for channel in (0, 2):
        clipped &= grid.take(pixels, channel) >= BRIGHT
    return float(clipped.mean())


def unchanged_share(green: Plane, previous: Plane) -> float:
    """Return the share of samples that are what they were in the frame before.

    Only samples that noise would move are counted: what is black or clipped stays the
    same in the best of cameras.

    Returns:
        NaN when there are too few of them.
    """
    can_move = (previous > _MID[0]) & (previous < _MID[1])
    counted = int(np.count_nonzero(can_move))
    if counted < _LEAST_MID * green.size:
        return math.nan
    return int(np.count_nonzero((green == previous) & can_move)) / counted
