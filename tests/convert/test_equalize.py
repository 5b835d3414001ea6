"""Channels at different scales: float does not notice, eight bits do no longer."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.sabotage import sabotage
from converters.equalize.scales import channel_scales
from converters.pass_options import EqualizeOptions
from edgeclf.errors import CalibrationError, ConversionError
from tests.convert.graph_models import scores
from tests.convert.workshop import (
    CLASSES,
    SIZE,
    after,
    recipe,
    tiny_source,
    workpiece,
)

pytestmark = pytest.mark.convert
keras: Any = pytest.importorskip("keras")
equalization: Any = pytest.importorskip("converters.equalize.equalization")
passes: Any = pytest.importorskip("converters.equalize.equalize_pass")
scoring: Any = pytest.importorskip("converters.gate.scoring")
layers = keras.layers

PLAIN = EqualizeOptions()
SCALES = st.floats(-6, 6).map(lambda power: 2.0**power)
CHANNELS = st.lists(st.tuples(SCALES, SCALES, SCALES), min_size=2, max_size=12)


def tiny(seed: int = 0) -> Any:
    """Return a classifier with a linear bottleneck between its blocks."""
    keras.utils.set_random_seed(seed)
    image = keras.Input((*SIZE, 3), name="image")
    x = clamped(layers.Conv2D(12, 3, strides=2, use_bias=False)(image))
    shortcut = x = normed(layers.Conv2D(8, 1, use_bias=False)(x))
    x = clamped(layers.Conv2D(16, 1, use_bias=False)(x))
    x = clamped(layers.DepthwiseConv2D(3, padding="same", use_bias=False)(x))
    x = normed(layers.Conv2D(8, 1, use_bias=False)(x))
    x = layers.Add()([shortcut, x])
    x = clamped(layers.Conv2D(24, 1, use_bias=False, name="read")(x))
    scores = layers.Dense(CLASSES)(layers.GlobalAveragePooling2D()(x))
    return keras.Model(image, scores, name="tiny")


def normed(x: Any) -> Any:
    norm = layers.BatchNormalization()
    x = norm(x)
    norm.moving_variance.assign(np.linspace(0.1, 0.4, x.shape[-1]))
    norm.beta.assign(np.linspace(0.8, -0.2, x.shape[-1]))
    return x


def clamped(x: Any) -> Any:
    return layers.ReLU(6.0)(normed(x))


def inputs(count: int = 8) -> Any:
    numbers = np.random.default_rng(3).normal(0, 1, (count, 32, 32, 3))
    return numbers.astype(np.float32)


def bottleneck(model: Any) -> Any:
    """Return the kernel that reads the linear channels last: (channels, filters)."""
    return model.get_layer("read").get_weights()[0][0, 0]


@given(CHANNELS)
def test_factors_undo_what_channels_were_multiplied_by(
    channels: list[tuple[float, float, float]],
) -> None:
    reach, weight, scale = (np.array(each) for each in zip(*channels, strict=True))

    clean = channel_scales(reach, weight)
    sabotaged = channel_scales(reach * scale, weight)

    together = sabotaged * scale / clean
    assert np.allclose(together, together[0])


@given(CHANNELS)
def test_a_share_of_0_makes_all_channels_reach_as_far_as_the_widest(
    channels: list[tuple[float, float, float]],
) -> None:
    reach, weight, _ = (np.array(each) for each in zip(*channels, strict=True))

    factors = channel_scales(reach, weight, share=0.0)

    assert np.allclose(reach * factors, reach.max())


def test_channels_that_nothing_reads_or_that_hold_nothing_are_left_alone() -> None:
    reach, weight = np.array([4.0, 2.0, 0.0, 1.0]), np.array([1.0, 1.0, 0.5, 0.0])

    assert channel_scales(reach, weight).tolist() == [1.0, 2.0, 1.0, 1.0]
    assert channel_scales(reach * 0, weight).tolist() == [1.0] * 4


def test_float_does_not_notice_the_sabotage() -> None:
    model = tiny()

    sabotaged = sabotage(model, seed=1)

    assert np.allclose(scores(sabotaged), scores(model), rtol=1e-4, atol=1e-4)
    ratio = np.abs(bottleneck(sabotaged) / bottleneck(model))
    assert ratio.max() / ratio.min() > 4


def test_a_sabotaged_model_comes_out_as_the_clean_one() -> None:
    model, batches = tiny(), [inputs()]
    clean = equalization.equalize(model, batches)

    done = equalization.equalize(sabotage(model, seed=1), batches)

    assert done.groups == clean.groups != ()
    assert done.spread > 2 * clean.spread
    assert np.allclose(scores(done.model), scores(model), rtol=1e-4, atol=1e-4)
    ratio = bottleneck(done.model) / bottleneck(clean.model)
    assert np.allclose(ratio, ratio[0, 0], rtol=1e-3)


def test_relu_channels_are_scaled_and_relu6_channels_are_not() -> None:
    image = keras.Input((8, 8, 3))
    x = layers.Conv2D(6, 3, activation="relu", name="straight")(image)
    x = layers.Conv2D(6, 3, activation="relu6", name="bent")(x)
    x = layers.GlobalAveragePooling2D()(x)
    model = keras.Model(image, layers.Dense(2)(x))

    done = equalization.equalize(model, [inputs(2)[:, :8, :8]])

    assert done.groups == ("straight",)


def test_weights_that_read_a_silent_channel_set_no_filters_step() -> None:
    image = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 1, activation="relu", name="made")(image)
    x = layers.GlobalAveragePooling2D()(x)
    model = keras.Model(image, layers.Dense(2, name="read")(x))
    made, read = model.get_layer("made"), model.get_layer("read")
    made.set_weights([made.get_weights()[0], np.array([0, 0, 0, -1e3])])
    kernel = np.array([[1, 1], [1, 1], [1, 1], [500, 500]], np.float32)
    read.set_weights([kernel, np.zeros(2)])

    done = equalization.equalize(model, [inputs(4)[:, :8, :8]]).model

    sizes = np.abs(done.get_layer("read").get_weights()[0]).max(axis=1)
    assert sizes[3] <= 2 * sizes[:3].max()


def test_without_pictures_nothing_is_equalised(tmp_path: Path) -> None:
    work = replace(workpiece(tmp_path, recipe("onnx", "int8")), calibration=None)

    with pytest.raises(CalibrationError, match="give --calibrate DIR"):
        passes.EqualizeModel(PLAIN).requires(work)
    with pytest.raises(ValueError, match="give some batches"):
        equalization.equalize(tiny(), [])


def test_another_function_is_refused() -> None:
    model, other = tiny(), tiny(seed=1)

    passes._require_same_function(model, sabotage(model), inputs(2), name="tiny")
    with pytest.raises(ConversionError, match="another model of tiny: scores differ"):
        passes._require_same_function(model, other, inputs(2), name="tiny")


def test_weights_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    work = workpiece(tmp_path, recipe("onnx", "int8"))
    broken = tiny()
    broken.layers[-1].bias.assign(np.full(CLASSES, np.nan))

    with pytest.raises(ConversionError, match="equalising broke"):
        passes.EqualizeModel(PLAIN).ensures(replace(work, scoring_model=broken))


def error(work: Any) -> float:
    """Return the share of the scores' power that int8 loses."""
    work = after(work, "export", "quantize", "compile")
    expected = scoring.reference_scores(work, work.evaluation)
    found = scoring.artefact_scores(work.artefact, work.evaluation, engine=None)
    return float(np.square(found - expected).mean() / expected.var())


@pytest.mark.parametrize("target", ["tflite", "onnx"])
def test_in_int8_a_sabotaged_model_loses_much_and_an_equalised_one_little(
    target: Any, tmp_path: Path
) -> None:
    source = replace(tiny_source(softmax=False), keras_model=tiny())
    work = workpiece(tmp_path, recipe(target, "int8"), source)
    sabotaged = replace(work, scoring_model=sabotage(work.scoring_model, seed=1))
    sabotaged = replace(sabotaged, folder=tmp_path / "sabotaged", common=tmp_path)
    one = passes.EqualizeModel(PLAIN)
    equalised = one.call(replace(sabotaged, folder=tmp_path / "equalised"))
    one.ensures(equalised)
    for each in (sabotaged, equalised):
        each.folder.mkdir()

    assert error(equalised) < error(sabotaged) / 3
