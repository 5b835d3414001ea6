"""Better integers in a quantized ONNX model: weights rounded together, biases."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import numpy_helper

from converters.pass_options import OnnxQuantizeOptions
from converters.quantize.moments import InputMoments
from converters.quantize.onnx_layers import (
    OnnxLayer,
    constants_of,
    layers_of,
    producers_of,
)
from converters.quantize.rounding import rounded

__all__ = ["store_weights"]

_INT32 = np.iinfo(np.int32)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stored:
    """A constant that a DequantizeLinear node reads: ``onnx.TensorProto`` each."""

    integers: Any
    scales: Any

    def real_scales(self, rows: int) -> NDArray[np.float64]:
        """Return one scale a row."""
        scales = numpy_helper.to_array(self.scales).astype(np.float64)
        return np.array(np.broadcast_to(scales.reshape(-1), (rows,)))

    def replace(self, values: NDArray[Any]) -> None:
        """Store other integers."""
        name = self.integers.name
        self.integers.CopyFrom(numpy_helper.from_array(values, name))


def store_weights(
    model: Any,
    source: Any,
    moments: Mapping[str, InputMoments],
    options: OnnxQuantizeOptions,
) -> None:
    """Replace the integers of every int8 layer that was followed.

    Scales stay ONNX Runtime's. With corrected biases the mean of a layer's error is the
    bias's to take away, and rounding is left with what varies.

    Args:
        model: ``onnx.ModelProto`` from the quantizer; it is changed.
        source: The float ``onnx.ModelProto`` that it was made of.
        moments: Of the layers' inputs, by name.
        options: Whether biases are corrected, and how weights are rounded.

    Source:
        Biases: Nagel et al. 2019, arXiv:1906.04721, section 4.2.
    """
    floats = constants_of(source)
    found = _stored_inputs(model)
    for layer in layers_of(source):
        weights, bias = (found.get((layer.name, place)) for place in (1, 2))
        if weights is None or layer.name not in moments:
            continue
        seen = moments[layer.name]
        real = layer.as_rows(floats[layer.weights])
        steps = weights.real_scales(len(real))
        integers = layer.as_rows(numpy_helper.to_array(weights.integers))
        corrects = options.bias_correction and bias is not None
        if options.rounding == "output":
            spread = layer.by_row(seen.covariance if corrects else seen.second)
            limit = np.abs(integers).max()  # 7-bit weights must stay so
            integers = np.clip(rounded(real, steps, spread), -limit, limit)
            weights.replace(layer.from_rows(integers.astype(np.int8)))
        if corrects and bias is not None:
            shift = _mean_error(layer, integers * steps[:, None] - real, seen)
            _store_bias(bias, floats.get(layer.bias or "", np.zeros(len(real))) - shift)


def _stored_inputs(model: Any) -> dict[tuple[str, int], _Stored]:
    """Return what is stored for each node's constant inputs, by name and place."""
    constants = {each.name: each for each in model.graph.initializer}
    makers = producers_of(model)
    found = {}
    for node in model.graph.node:
        for place, value in enumerate(node.input):
            maker = makers.get(value)
            if maker is None or maker.op_type != "DequantizeLinear":
                continue
            integers, scales = (constants.get(name) for name in maker.input[:2])
            if integers is not None:
                found[node.name, place] = _Stored(integers=integers, scales=scales)
    return found


def _mean_error(
    layer: OnnxLayer, errors: NDArray[np.float64], seen: InputMoments
) -> NDArray[np.float64]:
    return np.asarray(np.sum(errors * layer.by_row(seen.mean), axis=1))


def _store_bias(place: _Stored, bias: NDArray[np.float64]) -> None:
    """Store a bias in the steps that were chosen: of the input times the weight."""
    integers = np.round(bias / place.real_scales(len(bias)))
    clipped = np.clip(integers, _INT32.min, _INT32.max).astype(np.int32)
    place.replace(clipped)
