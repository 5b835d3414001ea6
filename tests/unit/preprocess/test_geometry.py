from dataclasses import replace
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeclf.preprocess import PRESETS, preset
from edgeclf.preprocess.geometry import Window, plan_resize, seen_part
from edgeclf.types import CropSpec, PreprocessSpec, ResizeSpec

SIDES = st.integers(1, 5000)
LETTERBOX = PreprocessSpec(resize=ResizeSpec(size=(100, 200), mode="letterbox"))


@pytest.mark.parametrize(
    ("size", "window"),
    [
        ((480, 640), Window(30, 110, 420, 420)),
        ((333, 517), Window(21, 113, 291, 291)),
        ((1, 300), Window(0, 150, 1, 1)),
    ],
    ids=str,
)
def test_efficientnet_lite_keeps_seven_eighths_of_the_shorter_side(
    size: tuple[int, int], window: Window
) -> None:
    assert plan_resize(size, preset("efficientnet-lite")).source == window


@pytest.mark.parametrize(
    ("rounding", "left"), [("floor", 1), ("ceil", 2), ("half-even", 2)]
)
def test_half_of_an_odd_margin_is_rounded_as_asked(
    rounding: Literal["floor", "ceil", "half-even"], left: int
) -> None:
    crop = CropSpec(kind="size", size=(4, 4), offset_rounding=rounding)
    spec = PreprocessSpec(resize=ResizeSpec(size=(4, 4)), crop=crop)

    assert plan_resize((4, 7), spec).source.left == left


@pytest.mark.parametrize(("rounding", "side"), [("floor", 7), ("half-even", 8)])
def test_a_fraction_of_a_side_is_rounded_as_asked(
    rounding: Literal["floor", "half-even"], side: int
) -> None:
    crop = CropSpec(kind="fraction", fraction=0.78, size_rounding=rounding)

    assert crop.kept((10, 12)) == (side, side)


def test_a_crop_larger_than_the_picture_keeps_the_picture() -> None:
    crop = CropSpec(kind="size", size=(400, 50))
    spec = PreprocessSpec(resize=ResizeSpec(size=(4, 4)), crop=crop)

    assert plan_resize((100, 300), spec).source == Window(0, 125, 100, 50)


def test_the_longer_side_is_truncated() -> None:
    plan = plan_resize((333, 517), preset("torchvision"))

    assert plan.scaled == (256, 397)
    assert plan.kept == Window(16, 86, 224, 224)


def test_a_letterbox_centres_the_whole_picture() -> None:
    plan = plan_resize((300, 300), LETTERBOX)

    assert plan.keeps_all
    assert plan.placed == Window(0, 50, 100, 100)


def test_a_letterbox_never_loses_a_sliver() -> None:
    plan = plan_resize((1, 3000), LETTERBOX)

    assert plan.scaled == (1, 200)
    assert plan.placed == Window(49, 0, 1, 200)


@given(height=SIDES, width=SIDES, name=st.sampled_from(sorted(PRESETS)))
def test_every_picture_fills_what_the_model_sees(
    height: int, width: int, name: str
) -> None:
    spec = preset(name)

    plan = plan_resize((height, width), spec)

    assert plan.kept.size == plan.placed.size == spec.size
    assert plan.source.top >= 0
    assert plan.source.left >= 0
    assert plan.source.top + plan.source.height <= height
    assert plan.source.left + plan.source.width <= width
    assert plan.kept.top + plan.kept.height <= plan.scaled[0]
    assert plan.kept.left + plan.kept.width <= plan.scaled[1]


@given(height=SIDES, width=SIDES)
def test_a_letterboxed_picture_lies_inside(height: int, width: int) -> None:
    placed = plan_resize((height, width), LETTERBOX).placed

    assert placed.top >= 0
    assert placed.left >= 0
    assert placed.top + placed.height <= 100
    assert placed.left + placed.width <= 200


def test_settings_that_contradict_each_other_are_refused() -> None:
    resize = ResizeSpec(size=(256, 256), mode="shorter-side")
    with pytest.raises(ValueError, match="crop after the resize"):
        PreprocessSpec(resize=resize)
    with pytest.raises(ValueError, match="crop before the resize"):
        PreprocessSpec(
            resize=replace(resize, mode="letterbox"),
            crop=CropSpec(kind="fraction", fraction=0.5, when="after-resize"),
        )
    with pytest.raises(ValueError, match="larger than the resized picture"):
        PreprocessSpec(
            resize=resize,
            crop=CropSpec(kind="size", size=(257, 200), when="after-resize"),
        )
    with pytest.raises(ValueError, match="what Pillow does"):
        ResizeSpec(size=(8, 8), arithmetic="pillow")


def test_a_fraction_kept_after_the_resize_decides_the_models_size() -> None:
    spec = PreprocessSpec(
        resize=ResizeSpec(size=(256, 256), mode="shorter-side"),
        crop=CropSpec(kind="fraction", fraction=0.875, when="after-resize"),
    )

    assert spec.size == (224, 224)
    assert plan_resize((480, 640), spec).kept == Window(16, 58, 224, 224)


@pytest.mark.parametrize(
    ("size", "name", "part"),
    [
        ((480, 640), "efficientnet-lite", (110 / 640, 30 / 480, 420 / 640, 420 / 480)),
        ((480, 640), "torchvision", (58 / 341, 16 / 256, 224 / 341, 224 / 256)),
    ],
)
def test_the_part_that_is_seen_is_the_crops_share_of_the_picture(
    size: tuple[int, int], name: str, part: tuple[float, ...]
) -> None:
    assert seen_part(size, preset(name)) == pytest.approx(part)


def test_a_letterbox_sees_all_of_the_picture() -> None:
    assert seen_part((37, 400), LETTERBOX) == pytest.approx((0, 0, 1, 1))


@given(height=SIDES, width=SIDES, name=st.sampled_from(sorted(PRESETS)))
def test_what_is_seen_lies_in_the_picture(height: int, width: int, name: str) -> None:
    left, top, seen_width, seen_height = seen_part((height, width), preset(name))

    assert min(left, top) >= 0
    assert min(seen_width, seen_height) > 0
    assert left + seen_width <= 1 + 1e-9
    assert top + seen_height <= 1 + 1e-9
