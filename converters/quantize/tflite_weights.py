"""Better integers in a quantized ``.tflite`` file: weights rounded together, biases."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from converters.pass_options import TfliteQuantizeOptions
from converters.quantize.moments import InputMoments
from converters.quantize.rounding import rounded
from converters.quantize.tflite_file import (
    TfliteFile,
    TfliteLayer,
    paired_layers,
)
from converters.quantize.tflite_layers import as_rows, from_rows

__all__ = ["store_weights"]

_INT32 = np.iinfo(np.int32)


def store_weights(
    file: TfliteFile,
    source: TfliteFile,
    moments: Mapping[str, InputMoments],
    options: TfliteQuantizeOptions,
) -> None:
    """Replace the integers of every int8 layer that was followed.

    Scales stay TensorFlow's. With corrected biases the mean of a layer's error is the
    bias's to take away, and rounding is left with what varies.

    Args:
        file: The quantized file; it is changed.
        source: The float file that it was made of.
        moments: Of the layers' inputs, by name.
        options: Whether biases are corrected, and how weights are rounded.
    """
    for layer, original in paired_layers(file, source):
        scales, seen = file.scales(layer.weights), moments.get(original.name)
        if scales is None or seen is None:
            continue
        corrects = options.bias_correction and layer.bias is not None
        weights = as_rows(original, _stored(source, original.weights))
        steps = np.broadcast_to(scales.astype(np.float64), len(weights))
        integers = as_rows(layer, _stored(file, layer.weights))
        if options.rounding == "output":
            spread = seen.covariance if corrects else seen.second
            integers = rounded(weights, steps, spread).astype(np.float64)
            shape = tuple(file.graph.tensors[layer.weights].shape)
            file.set_array(layer.weights, from_rows(layer, integers, shape))
        if corrects and original.bias is not None:
            errors = integers * steps[:, None] - weights
            bias = _stored(source, original.bias) - np.sum(errors * seen.mean, axis=1)
            _store_bias(file, layer, bias)


def _stored(file: TfliteFile, tensor: int) -> NDArray[np.float64]:
    values = file.array(tensor)
    assert values is not None  # noqa: S101 - layers() yields none without
    return values.astype(np.float64)


def _store_bias(
    file: TfliteFile, layer: TfliteLayer, bias: NDArray[np.float64]
) -> None:
    """Store a bias in the steps that TensorFlow chose: of the input times the weight."""
    assert layer.bias is not None  # noqa: S101 - asked before
    steps = file.scales(layer.bias)
    if steps is None:
        return
    integers = np.round(bias / steps.astype(np.float64))
    file.set_array(layer.bias, np.clip(integers, _INT32.min, _INT32.max))
