"""Better int8 ONNX: closer to the float model, in int8 where it says, float where asked."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from converters.pass_options import OnnxQuantizeOptions
from edgeclf.errors import CalibrationError, ConversionError
from edgeclf.preprocess import preset
from tests.convert.workshop import (
    SIZE,
    after,
    photo_pixels,
    recipe,
    tiny_source,
    workpiece,
)

onnx: Any = pytest.importorskip("onnx")
onnxruntime: Any = pytest.importorskip("onnxruntime")
keras: Any = pytest.importorskip("keras")
int8: Any = pytest.importorskip("converters.quantize.onnx_int8")
quantizer: Any = pytest.importorskip("converters.quantize.onnx_quantizer")
calibration: Any = pytest.importorskip("converters.calibration")
models: Any = pytest.importorskip("converters.onnx_model")
macs: Any = pytest.importorskip("converters.graph.macs")

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from converters.workpiece import Workpiece

pytestmark = pytest.mark.convert

PLAIN = OnnxQuantizeOptions(
    weights="int8", activations="uint8", per_channel=True, reduce_range=False
)
BEST = replace(
    PLAIN, ranges="mse", bias_correction=True, rounding="output", float_scores=True
)
UNSEEN = 24


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> "Workpiece":
    return exported(tmp_path_factory.mktemp("onnx"))


def exported(folder: Path, source: Any = None) -> "Workpiece":
    pictures = photo_pixels(40 + UNSEEN)
    made = workpiece(folder, recipe("onnx", "int8"), source, pictures=pictures)
    assert made.calibration is not None
    seen = replace(made.calibration, pixels=made.calibration.pixels[:40])
    unseen = replace(made.evaluation, pixels=made.evaluation.pixels[40:])
    return after(replace(made, calibration=seen, evaluation=unseen), "export")


def session(data: bytes, *, optimized: Path | None = None) -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    if optimized is not None:
        options.optimized_model_filepath = str(optimized)
    return onnxruntime.InferenceSession(
        data, options, providers=["CPUExecutionProvider"]
    )


def kernels(data: bytes, folder: Path) -> "Counter[str]":
    """Return what ONNX Runtime really computes with."""
    path = folder / "optimized.onnx"
    session(data, optimized=path)
    return Counter(node.op_type for node in onnx.load(path).graph.node)


def scores(data: bytes, work: "Workpiece") -> "NDArray[np.float32]":
    engine = session(data)
    unseen = replace(work, calibration=work.evaluation)
    name = engine.get_inputs()[0].name
    tensors = list(calibration.calibration_tensors(unseen))
    return np.concatenate([engine.run(None, {name: one})[0] for one in tensors])


def lost(work: "Workpiece", options: OnnxQuantizeOptions) -> float:
    """Return the share of the scores' power that quantization loses."""
    assert work.exported is not None
    expected = scores(work.exported.read_bytes(), work)
    found = scores(quantizer.OnnxQuantizer()(work, options), work)
    return float(np.square(found - expected).mean() / expected.var())


def test_with_nothing_chosen_the_file_is_onnx_runtimes_own(
    work: "Workpiece", tmp_path: Path
) -> None:
    from onnxruntime import quantization

    assert work.exported is not None
    target = tmp_path / "own.onnx"
    quantization.quantize_static(
        work.exported,
        target,
        int8.Photos("image", calibration.calibration_tensors(work)),
        per_channel=True,
        activation_type=quantization.QuantType.QUInt8,
    )

    signed = replace(PLAIN, unsigned_weights=False)
    made = quantizer.OnnxQuantizer()(work, signed)
    assert onnx.load_from_string(made) == onnx.load(target)


def test_each_improvement_brings_the_scores_closer(work: "Workpiece") -> None:
    corrected = replace(PLAIN, bias_correction=True)
    together = replace(corrected, rounding="output")

    losses = [lost(work, each) for each in (PLAIN, corrected, together, BEST)]

    assert losses[1] < losses[0]
    assert losses[2] < losses[1]
    assert losses[3] < 0.5 * losses[0]


@pytest.mark.parametrize("ranges", ["min-max", "percentile", "mse"])
@pytest.mark.parametrize("activations", ["uint8", "int8"])
def test_every_choice_of_ranges_computes(
    work: "Workpiece", ranges: Any, activations: Any
) -> None:
    options = replace(BEST, ranges=ranges, activations=activations)

    assert lost(work, options) < 0.05


def test_the_same_options_give_the_same_bytes_and_look_at_photos_once(
    tmp_path: Path,
) -> None:
    work = exported(tmp_path)
    first = quantizer.OnnxQuantizer()(work, BEST)

    blind = replace(work, calibration=None)
    other = tmp_path / "other"
    other.mkdir()
    again = quantizer.OnnxQuantizer()(exported(other), BEST)

    assert again == first
    with pytest.raises(CalibrationError):
        quantizer.OnnxQuantizer()(blind, PLAIN)


def test_seven_bit_weights_stay_within_seven_bits(work: "Workpiece") -> None:
    options = replace(BEST, reduce_range=True, unsigned_weights=False)
    data = quantizer.OnnxQuantizer()(work, options)

    stored = [
        onnx.numpy_helper.to_array(each)
        for each in onnx.load_from_string(data).graph.initializer
        if each.data_type == onnx.TensorProto.INT8 and len(each.dims) > 1
    ]
    assert stored
    assert max(np.abs(each.astype(int)).max() for each in stored) <= 64


def test_float_scores_come_from_an_int8_kernel(
    work: "Workpiece", tmp_path: Path
) -> None:
    rounded = quantizer.OnnxQuantizer()(work, replace(BEST, float_scores=False))
    data = quantizer.OnnxQuantizer()(work, BEST)

    found = kernels(data, tmp_path)
    assert found["QGemm"] + found["MatMulIntegerToFloat"] == 1
    assert found["Gemm"] + found["MatMul"] == 0
    back = "DequantizeLinear"
    assert found[back] < kernels(rounded, tmp_path)[back]


def test_a_layer_kept_in_float_is_computed_in_float(
    work: "Workpiece", tmp_path: Path
) -> None:
    errors = quantizer.OnnxQuantizer().layer_errors(work, BEST)
    layers = [each.layer for each in errors]
    convolutions = [layer for layer in layers if "dense" not in layer]

    for layer in convolutions:
        data = quantizer.OnnxQuantizer()(work, replace(BEST, float_layers=(layer,)))
        found = kernels(data, tmp_path)
        floats = found["Conv"] + found["FusedConv"]
        assert (layer, floats, found["QLinearConv"]) == (
            layer,
            1,
            len(convolutions) - 1,
        )
    every = replace(BEST, float_layers=tuple(layers))
    assert lost(work, every) < lost(work, BEST)


def test_a_first_layer_in_float_takes_the_pixels_as_they_are(tmp_path: Path) -> None:
    layer = "conv2d"
    plan = recipe(
        "onnx", "int8", quantize={"float_layers": [layer], "rounding": "output"}
    )
    keras.backend.clear_session()

    work = after(workpiece(tmp_path, plan), "export", "quantize", "compile", "verify")

    assert work.artefact is not None
    assert work.artefact.spec.input.dtype == "uint8"
    assert work.quality is not None
    assert work.quality.agreement is not None
    assert work.quality.agreement.value >= 0.85


def test_a_float_layer_that_is_not_there_is_refused(work: "Workpiece") -> None:
    options = replace(BEST, float_layers=("conv_of_another_model",))

    with pytest.raises(ConversionError, match=r"conv_of_another_model.*it has "):
        quantizer.OnnxQuantizer()(work, options)


def test_layers_are_named_and_counted_as_the_keras_model_has_them(
    work: "Workpiece",
) -> None:
    errors = quantizer.OnnxQuantizer().layer_errors(work, BEST)

    shares = [each.error for each in errors]
    assert shares == sorted(shares, reverse=True)
    assert shares[-1] > 0
    expected = {
        name: count
        for name, count in macs.layer_macs(work.scoring_model).items()
        if count
    }
    assert {each.layer: each.macs for each in errors} == expected


def gated_keras() -> Any:
    """Return a model with hard-swish, squeeze-and-excite and bare convolutions."""
    keras.utils.set_random_seed(3)
    layers = keras.layers
    inputs = keras.Input((*SIZE, 3), name="image")
    x = layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False)(inputs)
    x = layers.Activation("hard_swish")(x)
    x = layers.DepthwiseConv2D(5, strides=2, padding="same", use_bias=False)(x)
    gate = layers.GlobalAveragePooling2D(keepdims=True)(x)
    gate = layers.Conv2D(4, 1, activation="relu")(gate)
    gate = layers.Conv2D(8, 1, activation="hard_sigmoid")(gate)
    x = layers.Multiply()([x, gate])
    x = layers.Conv2D(16, 1, use_bias=False, activation="silu")(x)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(6)(x), name="gated")


@pytest.mark.parametrize("name", ["efficientnet-lite", "keras-torch"])
def test_gates_and_layers_without_bias_get_closer_too(
    tmp_path: Path, name: Any
) -> None:
    source = tiny_source(preset(name, size=SIZE), softmax=False)
    work = exported(tmp_path, replace(source, keras_model=gated_keras()))

    assert lost(work, BEST) < lost(work, PLAIN)
