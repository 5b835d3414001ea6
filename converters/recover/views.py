"""Variants of photos to learn from: cropped a little, mirrored, always the same."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converters.pictures import after_resize, real_input
from edgeclf.preprocess import Preprocessor
from edgeclf.types import CropSpec, PreprocessSpec, Uint8Image

__all__ = ["View", "ViewMaker"]

_Indices = Sequence[int] | NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Which variant of every photo.

    Attributes:
        number: Decides the draws, with the seed; 0 is the photo itself.
        zoom: Smallest side of a crop, as a share of the photo's.
        flip: Whether to mirror one in two.
    """

    number: int = 0
    zoom: float = 1.0
    flip: bool = False


class ViewMaker:
    """Turns photos into what the model takes, by way of a variant's pixels.

    A variant is uint8 pixels of the model's size, resized as the spec resizes, so that
    the model learns from such pixels as it will see. A photo's variant depends on the
    seed, the variant's number and the photo's index only.

    Args:
        pixels: Of each photo after crop and resize: uint8, (height, width, 3).
        spec: The model's preprocessing.
        seed: Of every draw.
    """

    def __init__(
        self, pixels: Sequence[Uint8Image], spec: PreprocessSpec, *, seed: int
    ) -> None:
        self._pixels = pixels
        self._seed = seed
        squash = replace(spec.resize, mode="squash")
        zoomed = replace(spec, resize=squash, crop=CropSpec(), enhancement="none")
        self._zoomed = Preprocessor(zoomed, real_input(spec))
        self._to_real = after_resize(spec, real_input(spec))
        self._size = spec.size

    def __len__(self) -> int:
        return len(self._pixels)

    def batch(self, indices: _Indices, view: View = View()) -> NDArray[np.float32]:
        """Return inputs of the model, shape (photos, height, width, 3)."""
        made: NDArray[np.float32] = np.empty((len(indices), *self._size, 3), np.float32)
        for row, index in enumerate(indices):
            made[row] = self._to_real(self.pixels(int(index), view))[0]
        return made

    def batches(
        self, indices: _Indices, size: int, view: View = View()
    ) -> Iterator[NDArray[np.float32]]:
        """Yield inputs in batches of ``size``; the last one may be smaller."""
        for start in range(0, len(indices), size):
            yield self.batch(indices[start : start + size], view)

    def pixels(self, index: int, view: View) -> Uint8Image:
        """Return a photo's pixels in a variant: uint8, (height, width, 3)."""
        pixels: Any = self._pixels[index]
        if view.number == 0:
            return np.asarray(pixels)
        random = np.random.default_rng([self._seed, view.number, index])
        sides = [_side(side, view.zoom, random) for side in self._size]
        if view.flip and random.random() < 0.5:
            pixels = pixels[:, ::-1]
        (top, height), (left, width) = sides
        return self._zoomed.resized(pixels[top : top + height, left : left + width])


def _side(side: int, zoom: float, random: np.random.Generator) -> tuple[int, int]:
    """Draw where a crop begins along one side, and its length."""
    length = max(1, round(side * random.uniform(zoom, 1)))
    return int(random.integers(0, side - length + 1)), length
