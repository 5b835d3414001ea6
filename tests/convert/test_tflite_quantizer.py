"""The int8 quantizer: nearer its source than the converter, with layers left in float."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgeclf.backends import open_backend
from edgeclf.errors import CalibrationError, ConversionError
from edgeclf.modelfile import read_model_file
from tests.convert.workshop import after, keras, recipe, tiny_source, workpiece

if TYPE_CHECKING:
    from converters.workpiece import Workpiece

pytestmark = pytest.mark.convert

BETTER: dict[str, Any] = {
    "ranges": "mse",
    "bias_correction": True,
    "rounding": "output",
}


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> "Workpiece":
    folder = tmp_path_factory.mktemp("quantizer")
    return after(workpiece(folder, recipe("tflite", "int8")), "export")


@pytest.fixture(scope="module")
def quantized(exported: "Workpiece") -> Callable[..., bytes]:
    """Return what makes files of one export; what it measures is kept."""
    from converters.pass_options import TfliteQuantizeOptions
    from converters.quantize.tflite_quantizer import TfliteQuantizer

    def make(**changes: Any) -> bytes:
        plain = {"weights": "int8", "activations": "int8", "scores": "uint8"}
        options = TfliteQuantizeOptions(**{**plain, **changes})
        return TfliteQuantizer()(exported, options)

    return make


def scores_of(data: bytes, work: "Workpiece") -> NDArray[np.float64]:
    with open_backend(data, format="tflite") as backend:
        stored = np.concatenate([backend.run(p[None]) for p in work.evaluation.pixels])
        step = backend.output.quantization
    real = stored.astype(np.float64)
    return real if step is None else (real - step.zero_point) * step.scale


def squared_error(data: bytes, work: "Workpiece") -> float:
    spec = work.source.preprocess
    pixels = np.stack(list(work.evaluation.pixels)).astype(np.float32)
    expected = work.scoring_model.predict_on_batch((pixels - spec.mean) / spec.std)
    return float(np.square(scores_of(data, work) - expected).mean())


def test_nothing_chosen_is_the_converters_own_file(
    exported: "Workpiece", quantized: Callable[..., bytes]
) -> None:
    tf = pytest.importorskip("tensorflow")
    from converters.calibration import calibration_tensors

    converter = tf.lite.TFLiteConverter.from_saved_model(str(exported.exported))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: (
        [tensor] for tensor in calibration_tensors(exported)
    )
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.uint8
    converter.inference_output_type = tf.uint8

    assert quantized() == converter.convert()


def test_corrected_biases_and_rounding_halve_the_error(
    exported: "Workpiece", quantized: Callable[..., bytes]
) -> None:
    plain = squared_error(quantized(), exported)
    corrected = squared_error(quantized(ranges="mse", bias_correction=True), exported)
    all_of_it = squared_error(quantized(**BETTER, scores="float32"), exported)

    assert corrected < plain
    assert all_of_it < 0.5 * plain


@pytest.mark.parametrize("ranges", ["percentile", "entropy"])
def test_every_way_to_set_ranges_agrees_with_the_source(
    ranges: str, exported: "Workpiece", quantized: Callable[..., bytes]
) -> None:
    data = quantized(ranges=ranges, bias_correction=True)

    assert squared_error(data, exported) < 2 * squared_error(quantized(), exported)


def test_the_range_of_the_input_stays_the_specs(
    quantized: Callable[..., bytes],
) -> None:
    described = read_model_file(quantized(**BETTER), name="x")

    assert described.input.dtype == "uint8"
    assert described.input.quantization is not None
    assert described.input.quantization.scale == pytest.approx(1 / 128, rel=1e-6)
    assert described.input.quantization.zero_point == 127


def test_the_same_settings_give_the_same_bytes(
    exported: "Workpiece", tmp_path: Path, quantized: Callable[..., bytes]
) -> None:
    from converters.pass_options import TfliteQuantizeOptions
    from converters.quantize.tflite_quantizer import TfliteQuantizer

    options = TfliteQuantizeOptions(
        weights="int8", activations="int8", scores="float32", **BETTER
    )
    elsewhere = replace(exported, folder=tmp_path)

    assert TfliteQuantizer()(elsewhere, options) == quantized(
        **BETTER, scores="float32"
    )


def test_float_scores_are_no_multiples_of_a_step_and_come_from_int8_weights(
    exported: "Workpiece", quantized: Callable[..., bytes]
) -> None:
    eight = read_model_file(quantized(**BETTER), name="x")
    real = read_model_file(quantized(**BETTER, scores="float32"), name="x")

    assert real.output.dtype == "float32"
    assert real.weights_bytes < eight.weights_bytes + 100
    found = scores_of(quantized(**BETTER, scores="float32"), exported)
    assert len(np.unique(found)) == found.size


def test_layers_are_named_as_in_keras_worst_first(exported: "Workpiece") -> None:
    from converters.pass_options import TfliteQuantizeOptions
    from converters.quantize.tflite_quantizer import TfliteQuantizer

    options = TfliteQuantizeOptions(
        weights="int8", activations="int8", scores="uint8", ranges="mse"
    )
    errors = TfliteQuantizer().layer_errors(exported, options)

    kernels = {
        layer.name
        for layer in exported.scoring_model.layers
        if any(len(weight.shape) > 1 for weight in layer.weights)
    }
    assert {each.layer for each in errors} == kernels
    found = [each.error for each in errors]
    assert found == sorted(found, reverse=True)
    assert all(0 < error < 0.1 for error in found)
    macs = {each.layer: each.macs for each in errors}
    assert max(macs.values()) == 16 * 16 * 8 * 27


def test_a_layer_in_float_is_computed_in_float(
    exported: "Workpiece", quantized: Callable[..., bytes]
) -> None:
    first = next(
        layer.name
        for layer in exported.scoring_model.layers
        if isinstance(layer, keras.layers.DepthwiseConv2D)
    )

    data = quantized(**BETTER, scores="float32", float_layers=(first,))

    plain = read_model_file(quantized(**BETTER, scores="float32"), name="x")
    described = read_model_file(data, name="x")
    assert described.weights_bytes > plain.weights_bytes
    assert squared_error(data, exported) < squared_error(quantized(), exported)


def test_a_layer_that_is_not_there_is_refused(quantized: Callable[..., bytes]) -> None:
    with pytest.raises(ConversionError, match="'head', which is no layer"):
        quantized(ranges="mse", float_layers=("head",))


def test_a_float_model_has_nothing_to_round() -> None:
    from converters.pass_options import TfliteQuantizeOptions

    with pytest.raises(ValueError, match="are of int8 models"):
        TfliteQuantizeOptions(
            weights="float16",
            activations="float32",
            scores="float32",
            rounding="output",
        )


def test_better_ranges_without_photos_are_refused(
    exported: "Workpiece", tmp_path: Path
) -> None:
    from converters.pass_options import TfliteQuantizeOptions
    from converters.quantize.tflite_quantizer import TfliteQuantizer

    options = TfliteQuantizeOptions(
        weights="int8", activations="int8", scores="uint8", ranges="mse"
    )

    with pytest.raises(CalibrationError, match="--calibrate"):
        TfliteQuantizer()(replace(exported, calibration=None, folder=tmp_path), options)


def branched() -> Any:
    """Return a classifier with hard-swish, squeeze-and-excite, and no batch norm."""
    keras.utils.set_random_seed(0)
    layers = keras.layers
    inputs = keras.Input((32, 32, 3), name="image")
    x = layers.Conv2D(8, 3, strides=2, padding="valid")(inputs)
    x = layers.Activation("hard_silu")(x)
    gate = layers.GlobalAveragePooling2D(keepdims=True)(x)
    gate = layers.Conv2D(8, 1, activation="hard_sigmoid")(gate)
    x = layers.Multiply()([x, gate])
    wide = layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same")(x)
    x = layers.Concatenate()([x, layers.ReLU()(wide)])
    x = layers.Conv2D(12, 3, groups=2, dilation_rate=2)(x)
    x = layers.Conv2D(6, 1)(layers.GlobalAveragePooling2D(keepdims=True)(x))
    return keras.Model(inputs, layers.Flatten()(x), name="branched")


def test_other_shapes_of_network_come_nearer_their_source_too(tmp_path: Path) -> None:
    source = replace(tiny_source(softmax=False), keras_model=branched())

    def error(folder: str, **changes: Any) -> float:
        (tmp_path / folder).mkdir()
        plan = recipe("tflite", "int8", quantize=changes)
        work = after(workpiece(tmp_path / folder, plan, source), "export", "quantize")
        assert work.quantized is not None
        return squared_error(work.quantized, work)

    assert error("better", **BETTER, scores="float32") < error("plain")
