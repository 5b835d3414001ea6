"""Layers that take each number, or each channel, by itself."""

from collections.abc import Mapping
from typing import Any

import keras

from converters.graph.channels import Channels
from converters.graph.rule import Rule, Situation

__all__ = ["RULES", "activated"]

_HOMOGENEOUS = frozenset({"linear", "relu", "leaky_relu"})
"""f(s * x) = s * f(x) for every s > 0: a scale before it is the same scale behind it."""

_BENT = frozenset(
    {
        "celu",
        "elu",
        "exponential",
        "gelu",
        "hard_shrink",
        "hard_sigmoid",
        "hard_silu",
        "hard_tanh",
        "log_sigmoid",
        "mish",
        "relu6",
        "selu",
        "sigmoid",
        "silu",
        "soft_shrink",
        "softplus",
        "softsign",
        "sparse_plus",
        "sparse_sigmoid",
        "squareplus",
        "tanh",
        "tanh_shrink",
        "threshold",
    }
)
"""Each number by itself, but not in proportion."""

_MIXED = frozenset({"log_softmax", "softmax", "sparsemax"})
"""Each number depends on all channels."""


def activated(situation: Situation, channels: Channels, function: Any) -> Channels:
    """Return the channels behind an activation function.

    Args:
        situation: The layer that applies it.
        channels: Before it.
        function: As Keras holds it; ``None`` for none.

    Raises:
        ConversionError: It is not one of Keras's own.
    """
    if function is None:
        return channels
    name = _name(function)
    if name in _HOMOGENEOUS:
        return channels
    if name in _BENT:
        return situation.ledger.pinned(channels)
    if name in _MIXED:
        return _mixed(situation, channels)
    raise situation.refusal(f"its activation {name!r} is not one that is known")


def _name(function: Any) -> str:
    """Return the name of one of Keras's own functions; another's with its module."""
    name = str(getattr(function, "__name__", type(function).__name__))
    is_own = getattr(keras.activations, name, None) is function
    return name if is_own else f"{getattr(function, '__module__', '?')}.{name}"


def _mixed(situation: Situation, channels: Channels) -> Channels:
    reason = f"layer {situation.step.name!r} weighs them against each other"
    situation.ledger.fix(channels, reason)
    return channels


def _passed(situation: Situation) -> Channels:
    situation.require_channels_last()
    return situation.channels


def _bent(situation: Situation) -> Channels:
    return situation.ledger.pinned(situation.channels)


def _weighed(situation: Situation) -> Channels:
    return _mixed(situation, situation.channels)


def _activation_layer(situation: Situation) -> Channels:
    return activated(situation, situation.channels, situation.layer.activation)


def _relu(situation: Situation) -> Channels:
    layer = situation.layer
    is_homogeneous = layer.max_value is None and not layer.threshold
    return _passed(situation) if is_homogeneous else _bent(situation)


def _rescaling(situation: Situation) -> Channels:
    layer = situation.layer
    if _has_own_numbers(layer.scale) or _has_own_numbers(layer.offset):
        return _own_numbers(situation)
    return _bent(situation) if layer.offset else situation.channels


def _has_own_numbers(value: Any) -> bool:
    return bool(keras.ops.size(value) > 1)


def _own_numbers(situation: Situation) -> Channels:
    reason = f"layer {situation.step.name!r} holds a number for each"
    situation.ledger.fix(situation.channels, reason)
    return situation.channels


def _picture_layer(situation: Situation) -> Channels:
    """Augmentation and its like: what they do to colours is not looked into."""
    reason = f"layer {situation.step.name!r} takes them for colours"
    situation.ledger.fix(situation.channels, reason)
    made = situation.ledger.fresh(
        situation.step.output.picture[-1], situation.step.name
    )
    situation.ledger.fix(made, reason)
    return made


RULES: Mapping[str, Rule] = {
    "Activation": _activation_layer,
    "ReLU": _relu,
    "LeakyReLU": _passed,
    "ELU": _bent,
    "Softmax": _weighed,
    "LogSoftmax": _weighed,
    "UnitNormalization": _weighed,
    "Rescaling": _rescaling,
    "Normalization": _own_numbers,
    "Resizing": _passed,
    **dict.fromkeys(
        (
            "ActivityRegularization",
            "AlphaDropout",
            "Cast",
            "Dropout",
            "GaussianDropout",
            "GaussianNoise",
            "Identity",
            "SpatialDropout2D",
            # Each channel by itself, in proportion:
            "AdaptiveAveragePooling2D",
            "AdaptiveMaxPooling2D",
            "AveragePooling2D",
            "Cropping2D",
            "GlobalAveragePooling2D",
            "GlobalMaxPooling2D",
            "MaxPooling2D",
            "UpSampling2D",
            "ZeroPadding2D",
            # Operations of keras.ops:
            "Abs",
            "Absolute",
            "LeakyRelu",
            "Negative",
            "Relu",
        ),
        _passed,
    ),
    **dict.fromkeys(
        (
            "Celu",
            "Clip",
            "Elu",
            "Exp",
            "Gelu",
            "HardSigmoid",
            "HardSilu",
            "HardTanh",
            "LogSigmoid",
            "Mish",
            "Relu6",
            "Selu",
            "Sigmoid",
            "Silu",
            "Softplus",
            "Softsign",
            "Sqrt",
            "Square",
            "Tanh",
        ),
        _bent,
    ),
    **dict.fromkeys(
        (
            "AutoContrast",
            "CenterCrop",
            "Equalization",
            "RandAugment",
            "RandomBrightness",
            "RandomColorDegeneration",
            "RandomColorJitter",
            "RandomContrast",
            "RandomCrop",
            "RandomElasticTransform",
            "RandomErasing",
            "RandomFlip",
            "RandomGaussianBlur",
            "RandomGrayscale",
            "RandomHue",
            "RandomInvert",
            "RandomPerspective",
            "RandomPosterization",
            "RandomRotation",
            "RandomSaturation",
            "RandomSharpness",
            "RandomShear",
            "RandomTranslation",
            "RandomZoom",
            "Solarization",
        ),
        _picture_layer,
    ),
}
"""Rules by the class of the layer or operation."""
