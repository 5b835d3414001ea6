"""Which photos calibrate and which judge, and what is said about them."""

from pathlib import Path

import numpy as np
import pytest

from converters.photo_draw import draw_pictures
from edgeclf.errors import CalibrationError
from tests.convert.workshop import SIZE, recipe, tiny_source, write_photos

pytestmark = pytest.mark.convert


def test_a_half_is_kept_from_calibration_when_nothing_else_is_given(
    tmp_path: Path,
) -> None:
    photos = write_photos(tmp_path / "photos", 130)

    drawn = draw_pictures(
        recipe("tflite", "int8"), tiny_source(), calibrate=photos, evaluate=None
    )

    assert drawn.calibration is not None
    assert (len(drawn.calibration), len(drawn.evaluation)) == (65, 65)
    assert drawn.evaluation.origin == "calibration-holdout"
    seen = {pixels.tobytes() for pixels in drawn.calibration.pixels}
    assert not any(pixels.tobytes() in seen for pixels in drawn.evaluation.pixels)


def test_fewer_than_128_photos_are_refused(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 120)

    with pytest.raises(CalibrationError, match="--allow-small-calibration"):
        draw_pictures(
            recipe("tflite", "int8"), tiny_source(), calibrate=photos, evaluate=None
        )


def test_photos_that_calibrate_never_judge(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 130)

    with pytest.raises(CalibrationError, match=r"130 of the 130 photos of --evaluate"):
        draw_pictures(
            recipe("tflite", "int8"), tiny_source(), calibrate=photos, evaluate=photos
        )


def test_a_float_model_without_photos_is_compared_on_synthetic_pictures() -> None:
    drawn = draw_pictures(
        recipe("tflite", "fp32"), tiny_source(), calibrate=None, evaluate=None
    )

    assert drawn.calibration is None
    assert not drawn.evaluation.are_photos
    assert len(drawn.evaluation) == 32
    assert {np.shape(pixels) for pixels in drawn.evaluation.pixels} == {(*SIZE, 3)}
