"""Pictures as a source model takes them, a few at a time."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from converters.pictures import PictureSet, after_resize, real_input
from edgeclf.types import PreprocessSpec

__all__ = ["picture_batches"]

_BATCH = 8
_MOST = 256


def picture_batches(
    pictures: PictureSet, spec: PreprocessSpec, *, most: int = _MOST
) -> Iterator[NDArray[np.float32]]:
    """Yield what a source model takes, shape (pictures, height, width, 3).

    Args:
        pictures: After crop and resize.
        spec: The source model's.
        most: Pictures; where there are more, they are taken evenly from all of them.
    """
    to_real = after_resize(spec, real_input(spec))
    count = min(len(pictures), most)
    chosen = np.linspace(0, len(pictures) - 1, count).round().astype(int)
    for start in range(0, count, _BATCH):
        yield np.concatenate(
            [
                np.array(to_real(pictures.pixels[index]), dtype=np.float32)
                for index in chosen[start : start + _BATCH].tolist()
            ]
        )
