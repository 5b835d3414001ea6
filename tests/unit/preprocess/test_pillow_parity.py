"""Against Pillow itself, called as torchvision, timm and Keras's load_img call it.

Sources: torchvision 0.29.2, transforms/functional.py, _compute_resized_output_size and
center_crop; timm 1.0.31, data/transforms_factory.py, transforms_imagenet_eval; keras
3.15.1, utils/image_utils.py, load_img.
"""

import math

import numpy as np
import pytest
from PIL import Image

from edgeclf.decode import decode_image
from edgeclf.preprocess import Preprocessor, preset
from edgeclf.types import DecodeSpec, Filter, PreprocessSpec, ResizeSpec, Uint8Image
from tests.pictures import PICTURE_FILES
from tests.preprocess_reference import tensor_spec

FILTERS: dict[Filter, Image.Resampling] = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos3": Image.Resampling.LANCZOS,
}
PICTURES = pytest.mark.parametrize("name", PICTURE_FILES)


def _shorter_side_then_centre(
    pixels: Uint8Image, side: int, crop: int, filter_: Image.Resampling
) -> Uint8Image:
    image = Image.fromarray(pixels)
    width, height = image.size
    short, long = (width, height) if width <= height else (height, width)
    new_short, new_long = side, int(side * long / short)
    size = (new_short, new_long) if width <= height else (new_long, new_short)
    resized = image.resize(size, filter_)
    top = round((resized.height - crop) / 2.0)
    left = round((resized.width - crop) / 2.0)
    return np.asarray(resized.crop((left, top, left + crop, top + crop)))


def _apart(name: str, spec: PreprocessSpec, expected: Uint8Image) -> int:
    ours = Preprocessor(spec, tensor_spec(spec)).resized(_pixels(name))
    return int(np.abs(ours.astype(int) - expected).max())


def _pixels(name: str) -> Uint8Image:
    return decode_image(PICTURE_FILES[name], DecodeSpec())


@PICTURES
def test_torchvision_is_within_one_step(name: str) -> None:
    for version, side in (("torchvision", 256), ("torchvision-v2", 232)):
        expected = _shorter_side_then_centre(
            _pixels(name), side, 224, Image.Resampling.BILINEAR
        )

        assert _apart(name, preset(version), expected) <= 1


@PICTURES
def test_timm_is_within_one_step(name: str) -> None:
    side = math.floor(240 / 0.875)
    expected = _shorter_side_then_centre(
        _pixels(name), side, 240, Image.Resampling.BICUBIC
    )

    assert _apart(name, preset("timm", size=(240, 240)), expected) <= 1


@PICTURES
def test_keras_load_img_is_exact(name: str) -> None:
    nearest = Image.fromarray(_pixels(name)).resize(
        (224, 224), Image.Resampling.NEAREST
    )

    spec = preset("keras-load-img")

    assert _apart(name, spec, np.asarray(nearest)) == 0


@PICTURES
@pytest.mark.parametrize("size", [(224, 224), (97, 160)], ids=str)
def test_pillows_filters_are_within_one_step(name: str, size: tuple[int, int]) -> None:
    for filter_, theirs in FILTERS.items():
        resize = ResizeSpec(
            size=size, filter=filter_, antialias=True, arithmetic="pillow"
        )
        image = Image.fromarray(_pixels(name)).resize((size[1], size[0]), theirs)

        assert _apart(name, PreprocessSpec(resize=resize), np.asarray(image)) <= 1
