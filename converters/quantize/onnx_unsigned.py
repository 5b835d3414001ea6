"""Int8 weights stored as uint8: the same numbers, right on every processor.

x86 without VNNI multiplies unsigned activations with signed weights two at a time and
adds the two in 16 bits, which saturates. EfficientNet-Lite0 lost 12 of 97 points of
agreement so (AMD EPYC, ONNX Runtime 1.31). For two unsigned factors ONNX Runtime has
kernels that do not; on Arm both take the same one.

Source:
    ONNX Runtime, "Quantize ONNX Models", on U8S8, saturation and U8U8.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

__all__ = ["with_unsigned_weights"]

_ZERO = 128
"""What stands for 0: the middle of uint8, as far up as the integers are moved."""

_LEAST_DIMENSIONS = 2
"""Of weights; a bias has one."""


def with_unsigned_weights(model: Any) -> Any:
    """Return the model with int8 weights moved up by 128, and their zero points too.

    Args:
        model: ``onnx.ModelProto`` with DequantizeLinear behind each weight; changed in
            place.
    """
    constants = {each.name: each for each in model.graph.initializer}
    for node, weights in _weights(model, constants):
        zeros = numpy_helper.to_array(constants[node.input[2]])
        moved = numpy_helper.from_array(_moved(zeros), f"{weights.name}_zero_up")
        model.graph.initializer.append(moved)
        node.input[2] = moved.name
        integers = _moved(numpy_helper.to_array(weights))
        weights.CopyFrom(numpy_helper.from_array(integers, weights.name))
    _drop_unread(model)
    return model


def _weights(model: Any, constants: dict[str, Any]) -> Iterator[tuple[Any, Any]]:
    """Yield each DequantizeLinear of int8 weights, and the weights."""
    for node in model.graph.node:
        if node.op_type != "DequantizeLinear":
            continue
        weights = constants.get(node.input[0])
        if (
            weights is not None
            and weights.data_type == onnx.TensorProto.INT8
            and len(weights.dims) >= _LEAST_DIMENSIONS
        ):
            yield node, weights


def _moved(integers: Any) -> Any:
    return (integers.astype(np.int16) + _ZERO).astype(np.uint8)


def _drop_unread(model: Any) -> None:
    """Take away the zero points that no node reads any more."""
    graph = model.graph
    read = {name for node in graph.node for name in node.input}
    read |= {value.name for value in graph.output}
    unread = [each for each in graph.initializer if each.name not in read]
    for each in unread:
        graph.initializer.remove(each)
