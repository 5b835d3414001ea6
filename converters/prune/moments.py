"""What a model's readers take in on pictures: means and products of channels."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from converters.graph.flat_model import FlatModel, Step, Tensor

__all__ = ["Moments", "reader_moments"]

_Numbers: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Moments:
    """Of the channels that a layer takes in, over places and pictures.

    Attributes:
        mean: Shape (channels,).
        covariance: Shape (channels, channels).
        count: Of places.
    """

    mean: _Numbers
    covariance: _Numbers
    count: int


def reader_moments(
    flat: FlatModel, batches: Iterable[npt.NDArray[Any]]
) -> Mapping[str, Moments]:
    """Return the moments of what each layer takes in that mixes channels place by place.

    Those are dense layers and convolutions of one pixel, in one group, that are called
    once: nearly all that read a pruned group in a MobileNet or an EfficientNet.

    Args:
        flat: A model of one input.
        batches: What it takes.

    Returns:
        By layer name; nothing without batches.
    """
    names = [step.name for step in flat.steps]
    steps = [s for s in flat.steps if _mixes(s) and names.count(s.name) == 1]
    sums = [
        (np.zeros(width), np.zeros((width, width)))
        for width in (step.inputs[0].picture[-1] for step in steps)
    ]
    counts = [0] * len(steps)
    look = tf.function(
        lambda pictures: _products(flat, steps, pictures), autograph=False
    )
    for batch in batches:
        for index, (count, total, products) in enumerate(look(tf.constant(batch))):
            counts[index] += int(count)
            sums[index][0][...] += total.numpy()
            sums[index][1][...] += products.numpy()
    return {
        step.name: _moments(total, products, count)
        for step, (total, products), count in zip(steps, sums, counts, strict=True)
        if count
    }


def _mixes(step: Step) -> bool:
    layer = step.operation
    if step.kind == "Dense":
        return True
    if step.kind != "Conv2D" or layer.data_format != "channels_last":
        return False
    return tuple(layer.kernel_size) == (1, 1) and layer.groups == 1


def _moments(total: _Numbers, products: _Numbers, count: int) -> Moments:
    mean = total / count
    covariance = products / count - np.outer(mean, mean)
    return Moments(mean=mean, covariance=covariance, count=count)


def _products(
    flat: FlatModel, steps: list[Step], pictures: Any
) -> list[tuple[Any, Any, Any]]:
    known: dict[Tensor, Any] = {tensor: pictures for _, tensor in flat.inputs}
    for step in flat.steps:
        known[step.output] = step.call(known)
    found = []
    for step in steps:
        taken = known[step.inputs[0]]
        if step.kind == "Conv2D":
            down, across = step.operation.strides
            taken = taken[:, ::down, ::across]
        rows = tf.reshape(taken, (-1, step.inputs[0].picture[-1]))
        products = tf.matmul(rows, rows, transpose_a=True)
        found.append((tf.shape(rows)[0], tf.reduce_sum(rows, axis=0), products))
    return found
