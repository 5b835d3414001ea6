"""Statistics of a float file: kept as they were measured, and by what they are of."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgeclf.errors import CalibrationError
from tests.convert.workshop import after, recipe, workpiece

if TYPE_CHECKING:
    from converters.quantize.statistics import Statistics
    from converters.recipe import Target
    from converters.workpiece import Workpiece

pytestmark = pytest.mark.convert

statistics: Any = pytest.importorskip("converters.quantize.statistics")
calibration: Any = pytest.importorskip("converters.calibration")


def exported(target: "Target", folder: Path) -> "Workpiece":
    folder.mkdir()
    return after(workpiece(folder, recipe(target, "int8")), "export")


def model_of(work: "Workpiece") -> bytes:
    from converters.quantize.tflite_calibrated import calibrated_file

    assert work.exported is not None
    if work.recipe.target == "tflite":
        return calibrated_file(work)
    return work.exported.read_bytes()


def measure(
    work: "Workpiece", model: bytes, pictures: Iterable[NDArray[np.float32]]
) -> "Statistics[Any]":
    from converters.quantize import onnx_statistics, tflite_statistics

    modules: Any = {"tflite": tflite_statistics, "onnx": onnx_statistics}
    found: Statistics[Any] = modules[work.recipe.target].measured_statistics(
        model, pictures
    )
    return found


def numbers(found: "Statistics[Any]") -> dict[Any, bytes]:
    """Return all that statistics hold, as bytes."""
    ranges = {
        (name, key): values.tobytes()
        for name, observer in found.ranges.items()
        for key, values in observer.state().items()
    }
    moments = {
        name: each.mean.tobytes() + each.covariance.tobytes()
        for name, each in found.moments.items()
    }
    return {**ranges, **moments}


def kept(
    work: "Workpiece", model: bytes, measure: Any, *, version: str = "engine 1"
) -> "Statistics[Any]":
    found: Statistics[Any] = statistics.kept_statistics(
        work, model, measure, versions=[version]
    )
    return found


def fail(_: Iterable[NDArray[np.float32]]) -> Any:
    raise LookupError("measured again")


@pytest.mark.parametrize("target", ["tflite", "onnx"])
def test_what_is_read_again_is_what_was_measured_bit_for_bit(
    target: "Target", tmp_path: Path
) -> None:
    work = exported(target, tmp_path / "one")
    model = model_of(work)
    measured = measure(work, model, calibration.calibration_tensors(work))
    kept(work, model, lambda pictures: measure(work, model, pictures))

    again = kept(work, model, fail)

    assert again.ranges.keys() == measured.ranges.keys()
    assert numbers(again) == numbers(measured)


@pytest.mark.parametrize("target", ["tflite", "onnx"])
def test_with_and_without_what_another_process_kept_a_file_has_the_same_bytes(
    target: "Target", tmp_path: Path
) -> None:
    corrected = {"ranges": "mse", "rounding": "output", "bias_correction": True}
    common = tmp_path / "common"
    common.mkdir()
    # One model: another's layers would have other names.
    work, made = workpiece(tmp_path, recipe(target, "int8", quantize=corrected)), []
    for name, shared in (("first", common), ("second", common), ("alone", None)):
        folder = tmp_path / name
        folder.mkdir()
        one = replace(work, folder=folder, common=shared)
        made.append(after(one, "export", "quantize").quantized)

    assert len(list(common.iterdir())) == 1
    assert made[0] == made[1] == made[2]


def test_another_model_other_photos_and_another_engine_are_measured(
    tmp_path: Path,
) -> None:
    work = exported("onnx", tmp_path / "one")
    model = model_of(work)
    kept(work, model, lambda pictures: measure(work, model, pictures))
    photos = work.calibration
    assert photos is not None
    others = replace(photos, pixels=photos.pixels[1:])

    for arguments in (
        (work, model + b" ", fail),
        (replace(work, calibration=others), model, fail),
    ):
        with pytest.raises(LookupError, match="measured again"):
            kept(*arguments)
    with pytest.raises(LookupError, match="measured again"):
        kept(work, model, fail, version="engine 2")


def test_without_photos_nothing_is_measured(tmp_path: Path) -> None:
    work = replace(exported("onnx", tmp_path / "one"), calibration=None)

    with pytest.raises(CalibrationError, match="give --calibrate DIR"):
        kept(work, b"model", fail)
