"""Layers with weights: what writes channels, carries them and reads them."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from converters.graph.channels import Channels
from converters.graph.elementwise import activated
from converters.graph.rule import Rule, Situation

__all__ = ["RULES"]

_WRITING = frozenset({"Conv2D", "Conv2DTranspose", "Dense", "SeparableConv2D"})


def _convolution(situation: Situation) -> Channels:
    """Conv2D's kernel: (height, width, in, out)."""
    situation.require_channels_last()
    if situation.layer.groups > 1:
        return _grouped(situation)
    _read(situation, situation.channels, "kernel", axis=2)
    return _written(situation, "kernel", axis=3)


def _grouped(situation: Situation) -> Channels:
    reason = f"layer {situation.step.name!r} is a convolution in groups"
    ledger = situation.ledger
    ledger.fix(situation.channels, reason)
    made = ledger.fresh(situation.layer.filters, situation.step.name, writes=True)
    ledger.fix(made, reason)
    _write(situation, made, "kernel", axis=3)
    return activated(situation, made, situation.layer.activation)


def _transposed(situation: Situation) -> Channels:
    """Conv2DTranspose's kernel: (height, width, out, in)."""
    situation.require_channels_last()
    _read(situation, situation.channels, "kernel", axis=3)
    return _written(situation, "kernel", axis=2)


def _dense(situation: Situation) -> Channels:
    """Dense's kernel: (in, out)."""
    _read(situation, situation.channels, "kernel", axis=0)
    return _written(situation, "kernel", axis=1)


def _separable(situation: Situation) -> Channels:
    """Kernels (height, width, in, multiplier) and (1, 1, in * multiplier, out)."""
    situation.require_channels_last()
    inner = situation.channels
    _use(situation, inner, "depthwise_kernel", axis=2)
    wide = inner.take(
        np.repeat(np.arange(len(inner)), situation.layer.depth_multiplier)
    )
    _read(situation, wide, "pointwise_kernel", axis=2)
    return _written(situation, "pointwise_kernel", axis=3)


def _depthwise(situation: Situation) -> Channels:
    """DepthwiseConv2D's kernel: (height, width, in, multiplier)."""
    situation.require_channels_last()
    layer, channels = situation.layer, situation.channels
    _use(situation, channels, "kernel", axis=2)
    made = channels.take(np.repeat(np.arange(len(channels)), layer.depth_multiplier))
    if layer.use_bias:
        _use(situation, made, "bias", axis=0, power=1)
    return activated(situation, made, layer.activation)


def _batch_norm(situation: Situation) -> Channels:
    """Scale and shift each channel.

    Straight after the layer that makes the channels, gamma and beta set their scale.
    Elsewhere a scale comes in, and mean and beta follow it; gamma and variance stay, so
    that ε weighs the same.
    """
    layer, channels = situation.layer, situation.channels
    if layer.axis not in (-1, len(situation.step.output.shape) - 1):
        raise situation.refusal(f"it normalises axis {layer.axis}, not the last")
    if _is_straight_after_a_writer(situation) and layer.scale:
        return _norm_that_writes(situation)
    for weight, power in _norm_weights(layer, beta=1, gamma=0, mean=1):
        _use(situation, channels, weight, axis=0, power=power)
    return channels


def _norm_that_writes(situation: Situation) -> Channels:
    ledger, name = situation.ledger, situation.step.name
    ledger.pin(situation.channels)
    before = situation.channels
    made = ledger.rescaled(
        Channels(ids=before.ids, scales=before.scales, writers=before.writers | {name})
    )
    for weight, power in _norm_weights(situation.layer, beta=1, gamma=1, mean=0):
        _write(situation, made, weight, axis=0, power=power)
    return made


def _norm_weights(
    layer: Any, *, beta: int, gamma: int, mean: int
) -> list[tuple[str, int]]:
    found = [("moving_mean", mean), ("moving_variance", 0)]
    found += [("gamma", gamma)] if layer.scale else []
    return found + ([("beta", beta)] if layer.center else [])


def _is_straight_after_a_writer(situation: Situation) -> bool:
    """Return whether the norm alone takes what a layer that makes channels gives."""
    model, (tensor,) = situation.model, situation.step.inputs
    before = model.maker(tensor)
    if before is None or before.kind not in _WRITING or model.takers(tensor) > 1:
        return False
    return getattr(before.operation.activation, "__name__", "linear") == "linear"


def _prelu(situation: Situation) -> Channels:
    """PReLU's alpha: the shape of a picture, or 1 along the axes that share it."""
    channels, alpha = situation.channels, situation.layer.alpha
    axis = len(alpha.shape) - 1
    if alpha.shape[axis] == len(channels):
        _use(situation, channels, "alpha", axis=axis)
    return channels


def _normalised_together(situation: Situation) -> Channels:
    reason = f"layer {situation.step.name!r} normalises them together"
    situation.ledger.fix(situation.channels, reason)
    return situation.channels


def _read(situation: Situation, channels: Channels, weight: str, *, axis: int) -> None:
    place = (situation.step.name, weight, axis)
    situation.ledger.use(place, channels, role="reader", power=-1)


def _use(
    situation: Situation, channels: Channels, weight: str, *, axis: int, power: int = 0
) -> None:
    place = (situation.step.name, weight, axis)
    situation.ledger.use(place, channels, role="carrier", power=power)


def _write(
    situation: Situation, channels: Channels, weight: str, *, axis: int, power: int = 1
) -> None:
    place = (situation.step.name, weight, axis)
    situation.ledger.use(place, channels, role="writer", power=power)


def _written(situation: Situation, kernel: str, *, axis: int) -> Channels:
    """Return the channels that a layer makes, behind its bias and activation."""
    layer, name = situation.layer, situation.step.name
    count = situation.step.output.shape[-1]
    made = situation.ledger.fresh(int(count or 0), name, writes=True)
    _write(situation, made, kernel, axis=axis)
    if layer.use_bias:
        _write(situation, made, "bias", axis=0)
    return activated(situation, made, layer.activation)


RULES: Mapping[str, Rule] = {
    "BatchNormalization": _batch_norm,
    "Conv2D": _convolution,
    "Conv2DTranspose": _transposed,
    "Dense": _dense,
    "DepthwiseConv2D": _depthwise,
    "GroupNormalization": _normalised_together,
    "LayerNormalization": _normalised_together,
    "PReLU": _prelu,
    "RMSNormalization": _normalised_together,
    "SeparableConv2D": _separable,
}
"""Rules by the class of the layer."""
