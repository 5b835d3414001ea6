"""Keras layers that round as an int8 engine does, and let gradients through."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

__all__ = ["RoundedLayer", "RoundedTensor"]

_BITS = 8
_SMALLEST = 1e-12


class RoundedTensor(keras.layers.Layer):  # type: ignore[misc]  # keras has no types
    """A tensor as 256 levels of one range hold it.

    Gradients pass inside the range and stop outside.

    Args:
        low: Of the range, 0 or below.
        high: Of the range, 0 or above.

    Source:
        Jacob et al. 2018, arXiv:1712.05877, section 3.
    """

    def __init__(self, low: float, high: float, **settings: Any) -> None:
        super().__init__(trainable=False, **settings)
        self.low, self.high = low, high

    def call(self, inputs: Any) -> Any:
        """Return the rounded numbers, same shape."""
        if not self.low < self.high:
            return inputs
        return tf.quantization.fake_quant_with_min_max_vars(
            inputs, self.low, self.high, num_bits=_BITS
        )


@dataclass(frozen=True, slots=True)
class _Untracked:
    """Keeps a layer from Keras, which would take its weights for ones to train."""

    layer: Any


class RoundedLayer(keras.layers.Layer):  # type: ignore[misc]  # keras has no types
    """A plain layer whose kernels have 255 levels around 0, a step for each filter.

    It learns its own copy of the layer's weights, as if they were not rounded, and in
    units of what matters to each: a kernel's of the largest weight of the filter, which
    sets the filter's step; a bias's of what its channel reaches. So one learning rate
    moves all filters by like parts of their steps, however large they are.

    Args:
        layer: A built layer with kernels; ``hand_back`` changes its weights.
        kernels: Names of the variables to round, and how many of a kernel's last axes
            count its filters.
        reach: What each output channel reaches, shape (channels,).

    Source:
        Straight-through estimator: Bengio et al. 2013, arXiv:1308.3432. Symmetric
        steps a channel: Krishnamoorthi 2018, arXiv:1806.08342, section 3.1.
    """

    def __init__(
        self,
        layer: Any,
        kernels: Mapping[str, int],
        reach: NDArray[np.float64],
        **settings: Any,
    ) -> None:
        super().__init__(**settings)
        self._plain = _Untracked(layer)
        self._axes = dict(kernels)
        self._units: dict[str, NDArray[np.float32]] = {}
        self._learned: dict[str, Any] = {}
        for variable in layer.trainable_variables:
            numbers = variable.numpy()
            unit = _unit(numbers, kernels.get(variable.name), reach)
            self._units[variable.name] = unit
            self._learned[variable.name] = self.add_weight(
                name=variable.name, shape=numbers.shape, initializer="zeros"
            )
            self._learned[variable.name].assign(numbers / unit)

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Return what the layer gives with rounded kernels."""
        layer = self._plain.layer
        numbers = [self._rounded(one.name) for one in layer.trainable_variables]
        outputs, _ = layer.stateless_call(
            numbers, layer.non_trainable_variables, *args, **kwargs
        )
        return outputs

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """Return the shape and dtype that the layer gives."""
        return self._plain.layer.compute_output_spec(*args, **kwargs)

    def hand_back(self) -> None:
        """Give the plain layer the weights that were learned, not rounded."""
        for variable in self._plain.layer.trainable_variables:
            learned = self._learned[variable.name].numpy()
            variable.assign(learned * self._units[variable.name])

    def _rounded(self, name: str) -> Any:
        learned = tf.convert_to_tensor(self._learned[name])
        axes = self._axes.get(name)
        if axes is not None:
            learned = _rounded_kernel(learned, axes)
        return learned * self._units[name]


def _rounded_kernel(kernel: Any, axes: int) -> Any:
    filters = int(np.prod(kernel.shape[kernel.shape.rank - axes :]))
    flat = tf.reshape(kernel, (-1, filters))
    reach = tf.stop_gradient(tf.reduce_max(tf.abs(flat), axis=0))
    reach = tf.maximum(reach, _SMALLEST)
    rounded = tf.quantization.fake_quant_with_min_max_vars_per_channel(
        flat, -reach, reach, num_bits=_BITS, narrow_range=True
    )
    return tf.reshape(rounded, kernel.shape)


def _unit(
    numbers: NDArray[np.float32], axes: int | None, reach: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Return what a variable is learned in units of, in a shape that goes with it."""
    if axes is None:
        unit = np.maximum(reach, np.abs(numbers))
    else:
        others = tuple(range(numbers.ndim - axes))
        unit = np.abs(numbers).max(axis=others, keepdims=True)
    return np.where(unit > _SMALLEST, unit, 1.0).astype(np.float32)
