"""The JPEG that people see."""

import io

import numpy as np
import pytest
from PIL import Image

from edgeclf.page.picture import encode_picture
from tests.pictures import pattern


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        ((1, 1), (1, 1)),
        ((480, 640), (480, 640)),
        ((720, 1280), (720, 1280)),
        ((1080, 1920), (540, 960)),
        ((3040, 4056), (760, 1014)),
        ((4000, 3), (1000, 1)),
    ],
)
def test_a_picture_is_no_larger_than_a_page_needs(
    size: tuple[int, int], shown: tuple[int, int]
) -> None:
    data = encode_picture(np.zeros((*size, 3), np.uint8))

    with Image.open(io.BytesIO(data)) as image:
        assert image.format == "JPEG"
        assert image.size[::-1] == shown


@pytest.mark.parametrize("size", [(120, 160), (1100, 1930)])
def test_it_shows_the_frame_in_its_colours(size: tuple[int, int]) -> None:
    pixels = np.zeros((*size, 3), np.uint8)
    pixels[: size[0] // 2] = (200, 40, 10)
    pixels[size[0] // 2 :] = (20, 90, 180)

    with Image.open(io.BytesIO(encode_picture(pixels))) as image:
        shown = np.asarray(image, np.int16)

    height, width = shown.shape[:2]
    assert np.abs(shown[height // 4, width // 2] - (200, 40, 10)).max() <= 4
    assert np.abs(shown[3 * height // 4, width // 2] - (20, 90, 180)).max() <= 4


def test_a_part_of_a_larger_buffer_is_encoded_as_it_is() -> None:
    pixels = pattern(60, 80)

    assert encode_picture(pixels[10:50, 5:45]) == encode_picture(
        pixels[10:50, 5:45].copy()
    )
