"""Batch norms go into the layers before them, and nothing else changes."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.convert.graph_models import (
    branchy,
    nested,
    operations,
    scores,
    sequential,
    shared,
    varied,
)
from tests.convert.workshop import tiny_keras

pytestmark = pytest.mark.convert
keras: Any = pytest.importorskip("keras")
folding: Any = pytest.importorskip("converters.graph.folding")
layers = keras.layers


def application(name: str, **options: Any) -> Callable[[], Any]:
    def build() -> Any:
        make = getattr(keras.applications, name)
        size = {"weights": None, "input_shape": (32, 32, 3), "classes": 4}
        keras.utils.set_random_seed(0)
        model = make(**size, classifier_activation=None, **options)
        # Small, so that untrained layers do not blow up what they are given: rounding
        # would grow with it.
        for layer in model.layers:
            if isinstance(layer, layers.BatchNormalization):
                count = layer.gamma.shape[0]
                layer.beta.assign(np.linspace(-0.1, 0.1, count))
                layer.moving_mean.assign(np.linspace(0.1, -0.1, count))
                layer.moving_variance.assign(np.linspace(0.8, 1.3, count))
        return model

    return build


def norms(model: Any) -> list[str]:
    kind = layers.BatchNormalization
    return [layer.name for layer in model.layers if isinstance(layer, kind)]


@pytest.mark.parametrize(
    "build",
    [
        pytest.param(tiny_keras, id="inverted residual"),
        pytest.param(branchy, id="every kind of layer"),
        pytest.param(operations, id="operations"),
        pytest.param(nested, id="nested MobileNetV3"),
        pytest.param(sequential, id="Sequential MobileNetV2"),
        pytest.param(application("EfficientNetV2B0"), id="EfficientNetV2"),
    ],
)
def test_a_folded_model_is_the_same_function_without_batch_norms(
    build: Callable[[], Any],
) -> None:
    model = build()
    before = model.get_weights()

    folded = folding.fold_batch_norms(model)

    assert norms(folded) == []
    expected, found = scores(model), scores(folded)
    # Of float32's 6e-8: some hundred layers, one after the other.
    assert np.abs(found - expected).max() <= 1e-4 * np.abs(expected).max()
    assert all(map(np.array_equal, before, model.get_weights()))


def test_a_layer_called_twice_is_left_as_it_is() -> None:
    model = shared()

    assert np.allclose(scores(folding.fold_batch_norms(model)), scores(model))


def after_relu(x: Any) -> Any:
    return layers.BatchNormalization(name="norm")(layers.ReLU()(x))


def after_its_own_activation(x: Any) -> Any:
    x = layers.Conv2D(4, 1, activation="relu")(x)
    return layers.BatchNormalization(name="norm")(x)


def where_another_layer_takes_the_convolution(x: Any) -> Any:
    x = layers.Conv2D(4, 1)(x)
    return layers.Add()([x, layers.BatchNormalization(name="norm")(x)])


def called_as_in_training(x: Any) -> Any:
    return layers.BatchNormalization(name="norm")(layers.Conv2D(4, 1)(x), training=True)


def called_twice(x: Any) -> Any:
    norm = layers.BatchNormalization(name="norm")
    return norm(layers.Conv2D(4, 1)(norm(layers.Conv2D(4, 1)(x))))


@pytest.mark.parametrize(
    "body",
    [
        after_relu,
        after_its_own_activation,
        where_another_layer_takes_the_convolution,
        called_as_in_training,
        called_twice,
    ],
)
def test_a_batch_norm_that_is_not_the_convolutions_alone_stays(
    body: Callable[[Any], Any],
) -> None:
    inputs = keras.Input((6, 6, 3))
    x = layers.GlobalAveragePooling2D()(body(layers.Conv2D(4, 3)(inputs)))
    model = varied(keras.Model(inputs, layers.Dense(2)(x)))

    folded = folding.fold_batch_norms(model)

    assert norms(folded) == ["norm"]
    assert np.allclose(scores(folded), scores(model), rtol=1e-4, atol=1e-5)


def test_a_depthwise_kernel_takes_the_factor_of_each_of_its_outputs() -> None:
    inputs = keras.Input((5, 5, 3))
    x = layers.DepthwiseConv2D(3, depth_multiplier=2, use_bias=False, name="deep")(
        inputs
    )
    x = layers.BatchNormalization(epsilon=0.0)(x)
    model = keras.Model(inputs, x)
    gamma = np.arange(1.0, 7.0, dtype=np.float32)
    beta, zeros, ones = np.full(6, 0.5), np.zeros(6), np.ones(6)
    model.layers[-1].set_weights([gamma, beta, zeros, ones])
    kernel = model.get_layer("deep").get_weights()[0]

    folded = folding.fold_batch_norms(model).get_layer("deep")

    expected = kernel * np.array([[1, 2], [3, 4], [5, 6]])
    assert np.allclose(folded.get_weights()[0], expected)
    assert np.allclose(folded.get_weights()[1], 0.5)
