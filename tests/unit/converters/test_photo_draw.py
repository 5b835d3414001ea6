"""Which photos calibrate and which are kept back for the comparison."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from converters.crops import crops
from converters.photo_draw import draw_pictures
from converters.photos import PhotoSet
from converters.recipe import Recipe
from converters.recipe_document import recipe_from_dict, shipped_recipe
from edgeclf.preprocess import preset

SOURCE: Any = SimpleNamespace(
    preprocess=preset("keras", size=(32, 32)), labels=("a", "b"), synsets=()
)


def recipe() -> Recipe:
    made = recipe_from_dict(shipped_recipe("tflite", "int8"), name="test")
    return replace(made, allow_small_calibration=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    data = pytest.importorskip("skimage.data")
    photos = [data.cat()[::4, ::4], data.coffee()[::4, ::4], data.rocket()[::4, ::4]]
    for number, crop in enumerate(crops(photos, 100, seed=0)):
        Image.fromarray(crop).save(tmp_path / f"{number:03}.png")
    return tmp_path


@pytest.mark.parametrize("part", [0, 1], ids=["kept back", "calibrating"])
def test_a_damaged_photo_is_left_out_and_noted_once(part: int, folder: Path) -> None:
    parts = PhotoSet.scan(folder).split(recipe().calibration.holdout, seed=0)
    damaged = parts[part].photos[3].path
    damaged.write_bytes(damaged.read_bytes()[:200])

    drawn = draw_pictures(recipe(), SOURCE, calibrate=folder, evaluate=None)

    assert drawn.calibration is not None
    assert len(drawn.calibration) + len(drawn.evaluation) == 99
    (note,) = drawn.notes
    assert f"such as {damaged.name}" in note


def test_photos_that_calibrate_are_not_compared_on(folder: Path) -> None:
    drawn = draw_pictures(recipe(), SOURCE, calibrate=folder, evaluate=None)

    assert drawn.calibration is not None
    assert (len(drawn.calibration), len(drawn.evaluation)) == (50, 50)
    assert drawn.evaluation.origin == "calibration-holdout"
