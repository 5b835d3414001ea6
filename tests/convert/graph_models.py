"""Small models with every way in which channels are coupled."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

pytest.importorskip("tensorflow")
keras: Any = pytest.importorskip("keras")
groups_module: Any = pytest.importorskip("converters.graph.groups")
layers_module: Any = pytest.importorskip("converters.graph.flattening")
layers = keras.layers


def branchy() -> Any:
    """Depth multiplier, squeeze-and-excite, projections on both sides, concatenation."""
    inputs = keras.Input((16, 16, 3))
    x = layers.Rescaling(1 / 127.5, offset=-1)(inputs)
    x = layers.Conv2D(6, 3, padding="same", use_bias=False, name="stem")(x)
    x = layers.ReLU(6.0)(layers.BatchNormalization(name="stem_bn")(x))
    deep = layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same", name="deep")(x)
    deep = layers.Activation("silu")(layers.BatchNormalization()(deep))
    deep = layers.Multiply()([deep, _gate(deep, 12)])
    left = layers.Conv2D(8, 1, name="left")(deep)
    right = layers.BatchNormalization()(layers.Conv2D(8, 1, name="right")(x))
    x = layers.Add()([left, right])
    wide = layers.Concatenate()([x, layers.Conv2D(5, 1, name="extra")(x)])
    wide = layers.MaxPooling2D()(layers.ZeroPadding2D(1)(wide))
    wide = layers.SeparableConv2D(7, 3, depth_multiplier=2, name="separable")(wide)
    wide = layers.PReLU(shared_axes=[1, 2], name="bend")(wide)
    wide = layers.Conv2DTranspose(4, 2, strides=2, name="grown")(wide)
    flat = layers.Flatten()(wide)
    hidden = layers.Dense(10, activation="relu", name="hidden")(
        layers.Dropout(0.2)(flat)
    )
    return varied(keras.Model(inputs, layers.Dense(3, name="scores")(hidden)))


def _gate(x: Any, channels: int) -> Any:
    small = layers.Reshape((1, 1, channels))(layers.GlobalAveragePooling2D()(x))
    small = layers.Conv2D(4, 1, activation="relu", name="squeeze")(small)
    return layers.Conv2D(channels, 1, activation="sigmoid", name="excite")(small)


def operations() -> Any:
    """Operations of ``keras.ops`` and of Python in place of layers."""
    inputs = keras.Input((12, 12, 3))
    x = layers.Conv2D(6, 3, name="stem")(inputs / 255.0 - 0.5)
    x = x * (keras.ops.relu6(x + 3.0) / 6.0)
    x = keras.ops.relu(layers.Conv2D(6, 3, padding="same", name="other")(x) + x)
    x = keras.ops.mean(x[:, 1:-1, 1:-1, :], axis=(1, 2), keepdims=True)
    x = keras.ops.reshape(x, (-1, 6))
    return varied(keras.Model(inputs, layers.Dense(3, name="scores")(x)))


def nested() -> Any:
    """A fine-tuned application: augmentation, the application as one layer, a head."""
    base = keras.applications.MobileNetV3Small(
        weights=None, include_top=False, input_shape=(None, None, 3), alpha=0.35
    )
    inputs = keras.Input((32, 32, 3))
    x = base(layers.RandomFlip("horizontal")(inputs), training=False)
    x = layers.Dropout(0.2)(layers.GlobalAveragePooling2D()(x))
    return varied(keras.Model(inputs, layers.Dense(4, name="mine")(x)))


def sequential() -> Any:
    """An application in a Sequential, with a head behind Flatten."""
    base = keras.applications.MobileNetV2(
        weights=None, include_top=False, input_shape=(32, 32, 3), alpha=0.35
    )
    head = [layers.Flatten(), layers.Dense(5, activation="tanh"), layers.Dense(3)]
    return varied(keras.Sequential([keras.Input((32, 32, 3)), base, *head]))


def shared() -> Any:
    """One convolution called twice, and two nested models with the same names."""
    inputs = keras.Input((8, 8, 3))
    twice = layers.Conv2D(6, 3, padding="same", name="twice")
    x = layers.Conv2D(6, 1, name="first")(inputs)
    x = layers.ReLU()(twice(layers.ReLU()(twice(x))))
    x = _twin("one")(_twin("two")(x))
    x = layers.GlobalMaxPooling2D()(x)
    return varied(keras.Model(inputs, layers.Dense(3, name="scores")(x)))


def _twin(name: str) -> Any:
    own = [layers.Conv2D(6, 1, name="same"), layers.ELU(name="bent")]
    return keras.Sequential([keras.Input((8, 8, 6)), *own], name=name)


def varied(model: Any, seed: int = 0) -> Any:
    """Give norms and biases numbers that matter, and keep answers of a likely size."""
    numbers = np.random.default_rng(seed)
    ranges = {
        "gamma": (0.5, 1.5),
        "beta": (-0.5, 0.5),
        "bias": (-0.5, 0.5),
        "alpha": (0.1, 0.4),
        "moving_mean": (-0.2, 0.2),
        "moving_variance": (0.2, 1.0),
    }
    for layer in layers_module.named_layers(model).values():
        for variable in getattr(layer, "weights", ()):
            if variable.name in ranges:
                variable.assign(numbers.uniform(*ranges[variable.name], variable.shape))
    return model


def pictures(model: Any, count: int = 2) -> Any:
    shape = (count, *model.input_shape[1:])
    return np.random.default_rng(1).uniform(0, 255, shape)


def scores(model: Any) -> Any:
    return np.asarray(model(pictures(model), training=False))


def some_of_each(
    groups: Sequence[Any], share: float, seed: int = 2
) -> dict[str, list[int]]:
    """Return a share of every prunable group's channels, drawn."""
    numbers = np.random.default_rng(seed)
    return {
        group.name: numbers.choice(
            group.size, int(group.size * share), replace=False
        ).tolist()
        for group in groups
        if group.prunable
    }


def silence(
    model: Any, groups: Sequence[Any], removed: Mapping[str, list[int]]
) -> None:
    """Make channels exactly zero wherever they are made or carried."""
    found = layers_module.named_layers(model)
    for group in groups:
        for slot in (*group.writers, *group.carriers):
            if slot.weight in ("moving_variance", "alpha"):
                continue
            variable = next(
                one for one in found[slot.layer].weights if one.name == slot.weight
            )
            numbers = np.moveaxis(np.array(variable), slot.axis, 0)
            numbers[np.isin(slot.members, removed.get(group.name, []))] = 0
            variable.assign(np.moveaxis(numbers, 0, slot.axis))
