"""Every kernel, for every combination that it serves, against the definitions."""

import subprocess
import sys
from dataclasses import replace
from itertools import product
from typing import get_args

import numpy as np
import pytest

from edgeclf.decode import decode_image
from edgeclf.preprocess.geometry import plan_resize
from edgeclf.preprocess.kernels import ResizeKernel, load_opencv, open_kernel
from edgeclf.preprocess.numpy_kernel import NumpyKernel
from edgeclf.types import (
    CropSpec,
    DecodeSpec,
    Filter,
    PreprocessSpec,
    ResizeSpec,
    Uint8Image,
)
from tests.pictures import PICTURE_FILES, pattern
from tests.preprocess_reference import reference_pixels

SIZE = (56, 40)


def _combinations() -> dict[str, ResizeSpec]:
    found = {}
    for filter_, antialias, half_pixel, a in product(
        get_args(Filter),
        (False, True),
        (False, True),
        (-0.5, -0.75),
    ):
        if (antialias and not half_pixel) or (filter_ != "bicubic" and a != -0.5):
            continue
        grid = "half-pixel" if half_pixel else "old-grid"
        smooth = "antialias" if antialias else "plain"
        found[f"{filter_}{a if filter_ == 'bicubic' else ''}-{smooth}-{grid}"] = (
            ResizeSpec(
                size=SIZE,
                filter=filter_,
                antialias=antialias,
                half_pixel=half_pixel,
                cubic_a=a,
            )
        )
    return found


COMBINATIONS = _combinations()
EACH = pytest.mark.parametrize("resize", COMBINATIONS.values(), ids=COMBINATIONS.keys())


def _run(kernel: ResizeKernel, pixels: Uint8Image, spec: PreprocessSpec) -> Uint8Image:
    plan = plan_resize((pixels.shape[0], pixels.shape[1]), spec)
    out = np.empty((*plan.kept.size, 3), np.uint8)
    kernel.resize(pixels[plan.source.slices], plan, out)
    return out


def _apart(ours: Uint8Image, pixels: Uint8Image, spec: PreprocessSpec) -> int:
    expected = np.rint(reference_pixels(pixels, spec))
    return int(np.abs(ours - expected).max())


@EACH
@pytest.mark.parametrize("opencv", [True, False], ids=["opencv", "no-opencv"])
def test_the_kernel_chosen_is_within_one_step_on_every_picture(
    resize: ResizeSpec, opencv: bool
) -> None:
    spec = PreprocessSpec(resize=resize)
    kernel = open_kernel(resize, opencv=opencv)

    for data in PICTURE_FILES.values():
        pixels = decode_image(data, DecodeSpec())
        assert _apart(_run(kernel, pixels, spec), pixels, spec) <= 1


@EACH
def test_our_kernel_is_within_one_step_where_a_library_usually_serves(
    resize: ResizeSpec,
) -> None:
    spec = PreprocessSpec(resize=resize)
    pixels = pattern(131, 77)

    assert _apart(_run(NumpyKernel(resize), pixels, spec), pixels, spec) <= 1


@EACH
def test_a_crop_after_the_resize_is_a_part_of_the_whole(resize: ResizeSpec) -> None:
    wide = replace(resize, size=(60, 60), mode="shorter-side")
    crop = CropSpec(kind="size", size=(48, 50), when="after-resize")
    spec = PreprocessSpec(resize=wide, crop=crop)

    for shape in ((90, 131), (200, 61), (4, 300)):
        pixels = pattern(*shape)
        assert _apart(_run(open_kernel(wide), pixels, spec), pixels, spec) <= 1


@pytest.mark.parametrize("antialias", [False, True])
def test_a_sliver_of_a_picture_is_not_blown_up_to_be_cropped(antialias: bool) -> None:
    resize = ResizeSpec(size=(224, 224), mode="shorter-side", antialias=antialias)
    crop = CropSpec(kind="size", size=(224, 224), when="after-resize")
    spec = PreprocessSpec(resize=resize, crop=crop)
    sliver = np.full((1, 40_000, 3), 77, np.uint8)

    # Whole, the resized picture would take 6 GB.
    result = _run(open_kernel(resize), sliver, spec)

    assert np.all(result == 77)


def test_sides_beyond_sixteen_bits_are_resized() -> None:
    resize = ResizeSpec(size=(8, 8), half_pixel=False)
    long = np.full((2, 70_000, 3), 13, np.uint8)

    result = _run(open_kernel(resize), long, PreprocessSpec(resize=resize))

    assert np.all(result == 13)


@pytest.mark.parametrize(
    ("combination", "library"),
    [
        ("bilinear-plain-half-pixel", "opencv"),
        ("bilinear-antialias-half-pixel", "pillow"),
        ("bicubic-0.75-plain-half-pixel", "opencv"),
        ("bicubic-0.5-plain-half-pixel", "edgeclf"),
        ("nearest-plain-half-pixel", "edgeclf"),
        ("lanczos3-antialias-half-pixel", "edgeclf"),
    ],
)
def test_a_library_serves_only_what_is_proven(combination: str, library: str) -> None:
    if library == "opencv" and load_opencv() is None:
        pytest.skip("OpenCV is not installed")

    assert open_kernel(COMBINATIONS[combination]).name == library


def test_without_opencv_our_kernel_takes_over() -> None:
    code = (
        "import sys; sys.modules['cv2'] = None\n"
        "from edgeclf.preprocess.kernels import open_kernel\n"
        "from edgeclf.types import ResizeSpec\n"
        "print(open_kernel(ResizeSpec(size=(8, 8))).name)"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "edgeclf"


def test_importing_preprocessing_loads_no_opencv() -> None:
    code = "import sys, edgeclf.preprocess, edgeclf.decode; print('cv2' in sys.modules)"

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "False"
