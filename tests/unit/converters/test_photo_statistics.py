"""What is measured of one picture."""

import numpy as np
import pytest

from converters.photo_statistics import measure, thumbnail
from edgeclf.types import Uint8Image


def noise(*shape: int) -> Uint8Image:
    pixels: Uint8Image = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    return pixels


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (3, 2)])
def test_pictures_of_any_shape_can_be_measured(shape: tuple[int, int]) -> None:
    found = measure(noise(*shape, 3))

    assert found.side == min(shape)
    assert not found.is_noise  # so small a picture tells little


def test_one_colour_is_flat_and_noise_is_noise() -> None:
    flat = np.full((60, 80, 3), 90, np.uint8)

    assert (measure(flat).is_flat, measure(flat).is_noise) == (True, False)
    assert measure(noise(60, 80, 3)).is_noise
    assert not measure(noise(60, 80, 3)).is_flat


def test_a_thumbnail_is_what_is_compared() -> None:
    pixels = noise(60, 80, 3)

    small = np.frombuffer(thumbnail(pixels), np.uint8)

    assert small.tolist() == measure(pixels).thumbnail.tolist()
