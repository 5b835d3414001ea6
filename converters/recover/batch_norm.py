"""Batch norm's running mean and variance, estimated anew for changed weights."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from converters.recover.layers import batch_norms, without_dropout

__all__ = ["reestimate"]

_Array = NDArray[np.float64]


def reestimate(model: Any, batches: Iterable[NDArray[np.float32]]) -> None:
    """Set the running mean and variance of every batch norm from pictures, in place.

    Each batch norm normalises a batch with that batch's own mean and variance, so that
    the next one sees what it will see after the change; their average over the batches
    is what the layer keeps, the spread between the batches' means included.

    Args:
        model: A Keras model.
        batches: Inputs, each (batch, height, width, 3), all of one size: a few hundred
            pictures in batches of 32 or more.

    Raises:
        ValueError: There is no batch.

    Source:
        Wu and Johnson 2021, arXiv:2105.07576, section 3 (PreciseBN). The variance of a
        mixture: mean of the variances plus variance of the means.
    """
    norms = batch_norms(model)
    if not norms:
        return
    sums = [np.zeros((2, _width(each))) for each in norms]
    count = 0
    with without_dropout(model), _keeping_only_the_last_batch(norms):
        step = tf.function(lambda inputs: model(inputs, training=True), autograph=False)
        for batch in batches:
            step(tf.constant(batch))
            for norm, summed in zip(norms, sums, strict=True):
                mean = _values(norm.moving_mean)
                np.add(summed, [mean, _values(norm.moving_variance) + mean**2], summed)
            count += 1
    if count == 0:
        raise ValueError("there is no batch to estimate batch norm on")
    for norm, summed in zip(norms, sums, strict=True):
        mean, square = summed / count
        norm.moving_mean.assign(mean.astype(np.float32))
        variance = np.maximum(square - mean**2, 0)
        norm.moving_variance.assign(variance.astype(np.float32))


@contextmanager
def _keeping_only_the_last_batch(norms: list[Any]) -> Iterator[None]:
    """Let the running numbers be those of the last batch while in the block."""
    before = [(norm.momentum, norm.trainable) for norm in norms]
    for norm in norms:
        norm.momentum, norm.trainable = 0.0, True
    try:
        yield
    finally:
        for norm, (momentum, trainable) in zip(norms, before, strict=True):
            norm.momentum, norm.trainable = momentum, trainable


def _width(norm: Any) -> int:
    return int(norm.moving_mean.shape[0])


def _values(variable: Any) -> _Array:
    values: _Array = np.asarray(variable, np.float64)
    return values
