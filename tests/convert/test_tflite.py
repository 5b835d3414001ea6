"""Keras to TensorFlow Lite: what the file takes, gives, stores, and when it is refused."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edgeclf.backends import open_backend
from edgeclf.errors import CalibrationError, ConversionError
from edgeclf.modelfile import read_model_file
from edgeclf.preprocess import preset
from edgeclf.types import QuantParams
from tests.convert.workshop import (
    LABELS,
    SIZE,
    after,
    photo_pixels,
    recipe,
    tiny_source,
    workpiece,
)
from tests.models import tiny_tflite

if TYPE_CHECKING:
    from converters.recipe import Precision
    from converters.workpiece import Workpiece

pytestmark = pytest.mark.convert

ALL = ("export", "quantize", "compile", "verify")


@pytest.fixture(scope="module")
def int8(tmp_path_factory: pytest.TempPathFactory) -> "Workpiece":
    folder = tmp_path_factory.mktemp("int8")
    # Photos without black and white: the input's range must not come from them.
    pale = [image // 2 + 60 for image in photo_pixels(40)]
    work = workpiece(folder, recipe("tflite", "int8"), pictures=pale)
    return after(work, *ALL)


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_a_float_file_takes_raw_pixels_and_agrees_with_its_source(
    precision: "Precision", tmp_path: Path
) -> None:
    work = after(workpiece(tmp_path, recipe("tflite", precision)), *ALL)

    assert work.artefact is not None
    assert work.artefact.spec.input.dtype == "uint8"
    assert work.artefact.spec.input.quantization is None
    assert work.artefact.spec.preprocess.normalization == "graph"
    assert work.quality is not None
    assert work.quality.agreement is not None
    assert work.quality.agreement.value > 0.95


def test_fp16_stores_each_weight_in_two_bytes(tmp_path: Path) -> None:
    work = workpiece(tmp_path, recipe("tflite", "fp16"))

    data = after(work, "export", "quantize").quantized

    assert data is not None
    described = read_model_file(data, name="x")
    assert described.weights_bytes < 2.5 * described.parameters


def test_the_range_of_an_int8_input_is_the_specs_whatever_the_photos(
    int8: "Workpiece",
) -> None:
    assert int8.artefact is not None
    tensor = int8.artefact.spec.input

    assert tensor.dtype == "uint8"
    assert tensor.quantization == QuantParams(scale=1 / 128, zero_point=127)
    assert int8.artefact.spec.preprocess.normalization == "device"


def test_int8_computes_in_int8_and_gives_uint8_logits(int8: "Workpiece") -> None:
    assert int8.artefact is not None
    described = read_model_file(int8.artefact.data, name="x")

    assert described.weights_bytes < 2 * described.parameters
    assert {"CONV_2D", "DEPTHWISE_CONV_2D"} <= {
        item.name for item in described.operators
    }
    assert int8.artefact.spec.output.dtype == "uint8"
    assert int8.artefact.task.scores == "logits"


def test_int8_agrees_with_its_source_on_most_photos(int8: "Workpiece") -> None:
    assert int8.quality is not None
    assert int8.quality.agreement is not None

    assert int8.quality.agreement.value >= 0.85


def test_the_file_carries_its_labels(int8: "Workpiece") -> None:
    assert int8.artefact is not None

    assert read_model_file(int8.artefact.data, name="x").metadata.labels == LABELS


@pytest.mark.parametrize(
    ("name", "scale", "zero_point", "normalization"),
    [
        pytest.param("keras", 1 / 127.5, 127, "graph", id="half-a-step-mean"),
        pytest.param("keras-raw", 1.0, 0, "device", id="raw-pixels"),
        pytest.param("keras-torch", 1.0, 0, "graph", id="channels-differ"),
    ],
)
def test_int8_takes_raw_pixels_for_every_trainers_mean_and_std(
    name: str, scale: float, zero_point: int, normalization: str, tmp_path: Path
) -> None:
    source = tiny_source(preset(name, size=SIZE))

    work = after(workpiece(tmp_path, recipe("tflite", "int8"), source), *ALL)

    assert work.artefact is not None
    spec = work.artefact.spec
    assert spec.input.quantization is not None
    assert spec.input.quantization.scale == pytest.approx(scale, rel=1e-6)
    assert abs(spec.input.quantization.zero_point - zero_point) <= 1
    assert spec.preprocess.normalization == normalization
    assert work.quality is not None
    assert work.quality.agreement is not None
    assert work.quality.agreement.value >= 0.8


def test_int8_without_photos_is_refused(tmp_path: Path) -> None:
    work = replace(workpiece(tmp_path, recipe("tflite", "int8")), calibration=None)

    with pytest.raises(CalibrationError, match="--calibrate"):
        after(work, "quantize")


def test_a_file_without_the_sources_weights_is_refused(tmp_path: Path) -> None:
    plan = recipe("tflite", "fp32")
    work = workpiece(tmp_path, plan)
    other = replace(work, quantized=tiny_tflite("float32", classes=2))

    from converters.tflite import QuantizeTflite

    with pytest.raises(ConversionError, match="lost some"):
        QuantizeTflite(plan.step_options(plan.passes[1])).ensures(other)


def test_an_input_with_another_range_than_the_specs_is_refused(
    int8: "Workpiece",
) -> None:
    from converters.finishing import require_raw_pixels

    assert int8.artefact is not None
    shifted = replace(
        int8.artefact.spec.input,
        quantization=QuantParams(scale=0.94 / 128, zero_point=127),
    )

    with pytest.raises(ConversionError, match="not the pixels themselves"):
        require_raw_pixels(int8, shifted)


def test_an_artefact_of_another_shape_is_refused(tmp_path: Path) -> None:
    work = replace(
        workpiece(tmp_path, recipe("tflite", "fp32")),
        quantized=tiny_tflite("float32", size=(16, 16)),
    )

    with pytest.raises(ConversionError, match="does not fit tiny"):
        after(work, "compile")


def test_a_bundle_of_it_opens_on_the_engine(int8: "Workpiece") -> None:
    assert int8.artefact is not None

    with open_backend(int8.artefact.data, format="tflite") as backend:
        scores = backend.run(np.zeros((1, *SIZE, 3), np.uint8))

    assert scores.shape == (1, len(LABELS))
