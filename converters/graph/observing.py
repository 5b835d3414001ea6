"""What a model's tensors hold, channel by channel, on pictures."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from converters.graph.flat_model import FlatModel, Tensor

__all__ = ["ChannelRange", "observe_channels"]

_Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ChannelRange:
    """Ends of what each channel of a tensor was seen to hold, shape (channels,)."""

    low: _Numbers
    high: _Numbers

    @property
    def reach(self) -> _Numbers:
        """The largest distance from 0, same shape."""
        return np.maximum(np.abs(self.low), np.abs(self.high))


def observe_channels(
    flat: FlatModel,
    tensors: Iterable[Tensor],
    batches: Iterable[NDArray[np.float32]],
) -> Mapping[Tensor, ChannelRange]:
    """Return the range of each channel of some tensors.

    Args:
        flat: A model of one input.
        tensors: Of it; the last axis is the channels.
        batches: What the model takes, each of shape (pictures, ...).

    Raises:
        ValueError: There are no batches.
    """
    wanted = tuple(tensors)
    seen: list[tuple[_Numbers, _Numbers]] | None = None
    look = tf.function(lambda inputs: _ends(flat, inputs, wanted), autograph=False)
    for batch in batches:
        found = [
            (low.numpy().astype(np.float64), high.numpy().astype(np.float64))
            for low, high in look(tf.constant(batch))
        ]
        seen = (
            found
            if seen is None
            else [_joined(*pair) for pair in zip(seen, found, strict=True)]
        )
    if seen is None:
        raise ValueError("no ranges without pictures: give some batches")
    return {
        tensor: ChannelRange(low=low, high=high)
        for tensor, (low, high) in zip(wanted, seen, strict=True)
    }


def _joined(
    one: tuple[_Numbers, _Numbers], other: tuple[_Numbers, _Numbers]
) -> tuple[_Numbers, _Numbers]:
    return np.minimum(one[0], other[0]), np.maximum(one[1], other[1])


def _ends(flat: FlatModel, inputs: Any, wanted: tuple[Tensor, ...]) -> Any:
    values = _values(flat, inputs)
    return [
        (
            tf.reduce_min(values[tensor], axis=tuple(range(len(tensor.shape) - 1))),
            tf.reduce_max(values[tensor], axis=tuple(range(len(tensor.shape) - 1))),
        )
        for tensor in wanted
    ]


def _values(flat: FlatModel, inputs: Any) -> Mapping[Tensor, Any]:
    ((_, first),) = flat.inputs
    known = {first: inputs}
    for step in flat.steps:
        args, kwargs = keras.tree.map_structure(
            lambda leaf: known[leaf] if isinstance(leaf, Tensor) else leaf,
            (step.args, dict(step.kwargs)),
        )
        known[step.output] = step.operation(*args, **kwargs)
    return known
