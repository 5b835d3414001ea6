"""Layers and operations that bring tensors, or tensors and numbers, together."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from converters.graph.channels import Channels
from converters.graph.flat_model import Tensor
from converters.graph.rule import Rule, Situation

__all__ = ["RULES"]


def _added(situation: Situation) -> Channels:
    """``a + b`` and its like: in proportion when both sides are scaled alike."""
    numbers = _numbers(situation)
    channels = _aligned(situation, in_proportion=True)
    if any(np.any(number) for number in numbers):
        situation.ledger.pin(channels)
    return _with_numbers(situation, channels, numbers)


def _multiplied(situation: Situation) -> Channels:
    """``a * b``: scaled as one side is when the other's scale stays 1."""
    numbers = _numbers(situation)
    if len(situation.inputs) == 1:
        return _with_numbers(situation, situation.channels, numbers)
    _note_gates(situation)
    ledger = situation.ledger
    free = [one for one in situation.inputs if not ledger.is_pinned(one)]
    channels = _aligned(situation, in_proportion=False)
    if len(free) > 1 or any(len(one) != len(channels) for one in free):
        for one in free:
            ledger.pin(one)
    scales = free[0].scales if len(free) == 1 else channels.scales
    product = Channels(
        ids=channels.ids,
        scales=scales if len(scales) == len(channels) else channels.scales,
        writers=channels.writers,
    )
    return _with_numbers(situation, product, numbers)


def _divided(situation: Situation) -> Channels:
    arguments = keras.tree.flatten((situation.step.args, situation.step.kwargs))
    numbers = _numbers(situation)
    if len(situation.inputs) == 1 and isinstance(arguments[0], Tensor):
        return _with_numbers(situation, situation.channels, numbers)
    for one in situation.inputs:
        situation.ledger.pin(one)
    channels = _aligned(situation, in_proportion=False)
    return _with_numbers(situation, channels, numbers)


def _concatenated(situation: Situation) -> Channels:
    axis = situation.layer.axis
    last = len(situation.step.output.shape) - 1
    if axis not in (-1, last):
        return _aligned(situation, in_proportion=True)
    return Channels(
        ids=np.concatenate([one.ids for one in situation.inputs]),
        scales=np.concatenate([one.scales for one in situation.inputs]),
        writers=frozenset().union(*(one.writers for one in situation.inputs)),
    )


def _numbers(situation: Situation) -> list[Any]:
    """Return the arguments that are no tensors of the graph, as arrays.

    Raises:
        ConversionError: One is no number.
    """
    arguments = keras.tree.flatten((situation.step.args, situation.step.kwargs))
    others = [one for one in arguments if not isinstance(one, Tensor | None)]
    try:
        return [np.asarray(one, dtype=np.float64) for one in others]
    except (TypeError, ValueError) as error:
        raise situation.refusal(f"it takes {type(others[0]).__name__}") from error


def _with_numbers(
    situation: Situation, channels: Channels, numbers: Sequence[Any]
) -> Channels:
    if any(number.ndim and number.shape[-1] > 1 for number in numbers):
        reason = f"layer {situation.step.name!r} holds a number for each"
        situation.ledger.fix(channels, reason)
    elif any(number.ndim > len(situation.step.inputs[0].shape) for number in numbers):
        raise situation.refusal("it adds an axis")
    return channels


def _aligned(situation: Situation, *, in_proportion: bool) -> Channels:
    """Join the channels of all inputs; return those of the widest.

    Raises:
        ConversionError: The inputs have not the same number of axes.
    """
    ranks = {len(tensor.shape) for tensor in situation.step.inputs}
    if len(ranks) != 1:
        raise situation.refusal("its inputs have different numbers of axes")
    widest = max(situation.inputs, key=len)
    for one in situation.inputs:
        if len(one) == len(widest):
            situation.ledger.join(widest, one, scales=in_proportion)
        else:
            _spread(situation, one, widest, in_proportion=in_proportion)
    return Channels(
        ids=widest.ids,
        scales=widest.scales,
        writers=frozenset().union(*(one.writers for one in situation.inputs)),
    )


def _spread(
    situation: Situation, one: Channels, widest: Channels, *, in_proportion: bool
) -> None:
    reason = f"layer {situation.step.name!r} spreads it over all channels"
    situation.ledger.fix(one, reason)
    if in_proportion:
        situation.ledger.pin(widest)


def _note_gates(situation: Situation) -> None:
    """Note what multiplies whole planes: the gate of squeeze-and-excitation."""
    planes = [tensor.picture[:-1] for tensor in situation.step.inputs]
    for channels, plane in zip(situation.inputs, planes, strict=True):
        if plane != max(planes) and set(plane) == {1}:
            situation.ledger.gates |= channels.writers


RULES: Mapping[str, Rule] = {
    **dict.fromkeys(("Add", "Average", "Maximum", "Minimum", "Subtract"), _added),
    "Concatenate": _concatenated,
    "Divide": _divided,
    "Multiply": _multiplied,
    "TrueDivide": _divided,
}
"""Rules by the class of the layer or operation."""
