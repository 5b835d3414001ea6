"""Layers and operations that move numbers and change none."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from converters.graph.channels import Channels
from converters.graph.rule import Rule, Situation

__all__ = ["RULES"]


def _reshaped(situation: Situation) -> Channels:
    """Flatten, Reshape and the like: numbers keep their order.

    Raises:
        ConversionError: What was one channel does not end in the same places of the
            last axis everywhere.
    """
    situation.require_channels_last()
    before = situation.step.inputs[0].picture
    after = situation.step.output.picture
    if None in situation.step.output.shape[1:]:
        raise situation.refusal("its shape is open")
    planes = int(np.prod(before[:-1], dtype=np.intp))
    places = np.tile(np.arange(before[-1]), planes).reshape(-1, after[-1])
    if (places != places[0]).any():
        raise situation.refusal(f"{before} to {after} mixes channels with places")
    return situation.channels.take(places[0])


def _transposed(situation: Situation) -> Channels:
    axes = getattr(situation.layer, "dims", None)  # of Permute: without the batch
    order = (0, *axes) if axes is not None else situation.layer.axes
    rank = len(situation.step.output.shape)
    if order is None or order[0] != 0 or order[-1] % rank != rank - 1:
        raise situation.refusal("it moves the channels from the last axis")
    return situation.channels


def _averaged(situation: Situation) -> Channels:
    """Mean, sum or maximum over places, not over channels."""
    axis = situation.layer.axis
    rank = len(situation.step.inputs[0].shape)
    axes = range(rank) if axis is None else np.atleast_1d(np.asarray(axis)) % rank
    if rank - 1 in axes or 0 in axes:
        raise situation.refusal("it runs over the channels")
    return situation.channels


def _sliced(situation: Situation) -> Channels:
    """``x[:, 1:, :]``: places go; channels too where they are fixed by it."""
    key = situation.step.args[1]
    rank = len(situation.step.inputs[0].shape)
    index = _last_index(key if isinstance(key, tuple) else (key,), rank)
    if len(situation.step.output.shape) != rank or not isinstance(index, slice):
        raise situation.refusal("it changes the number of axes")
    channels = situation.channels
    if index == slice(None):
        return channels
    situation.ledger.fix(channels, f"layer {situation.step.name!r} picks among them")
    return channels.take(np.arange(len(channels))[index])


def _last_index(key: tuple[Any, ...], rank: int) -> Any:
    if Ellipsis in key:
        return key[-1] if key[-1] is not Ellipsis else slice(None)
    return key[-1] if len(key) == rank else slice(None)


RULES: Mapping[str, Rule] = {
    **dict.fromkeys(("ExpandDims", "Flatten", "Reshape", "Squeeze"), _reshaped),
    **dict.fromkeys(("Amax", "Max", "Mean"), _averaged),
    **dict.fromkeys(("Permute", "Transpose"), _transposed),
    "GetItem": _sliced,
}
"""Rules by the class of the layer or operation."""
