"""Many views of few photos, for a demonstration that has only a few."""

from collections.abc import Iterator, Sequence

import numpy as np

from edgeclf.types import Uint8Image

__all__ = ["crops"]


def crops(
    images: Sequence[Uint8Image], count: int, *, seed: int
) -> Iterator[Uint8Image]:
    """Yield square crops of the images in turn, some of them mirrored.

    A crop's side is half of the shorter side of its image or more. Crops of one photo
    resemble each other: they are no substitute for as many photos.

    Args:
        images: uint8 RGB, at least one.
        count: How many crops.
        seed: Decides where.

    Yields:
        uint8, shape (side, side, 3), contiguous.
    """
    random = np.random.default_rng(seed)
    for number in range(count):
        image = images[number % len(images)]
        height, width = image.shape[:2]
        shorter = min(height, width)
        side = int(random.integers((shorter + 1) // 2, shorter + 1))
        top = int(random.integers(0, height - side + 1))
        left = int(random.integers(0, width - side + 1))
        crop = image[top : top + side, left : left + side]
        is_mirrored = random.random() < 0.5
        yield np.ascontiguousarray(crop[:, ::-1] if is_mirrored else crop)
