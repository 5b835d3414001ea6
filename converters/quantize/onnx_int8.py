"""A float ONNX file in int8 by ONNX Runtime's quantizer, with ranges of our own."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper
from onnxruntime import quantization
from onnxruntime.quantization.calibrate import TensorData, TensorsData
from onnxruntime.quantization.qdq_quantizer import QDQQuantizer
from onnxruntime.quantization.quant_utils import load_model_with_shape_infer
from onnxruntime.quantization.registry import QDQRegistry, QLinearOpsRegistry

from converters.pass_options import OnnxQuantizeOptions
from converters.quantize.onnx_layers import layers_of, producers_of

__all__ = ["Photos", "plain_int8", "quantized_model"]

_TYPES = {
    "uint8": quantization.QuantType.QUInt8,
    "int8": quantization.QuantType.QInt8,
}
_REFUSED_RANGE = float(np.finfo(np.float32).max)
_FLOAT_ENDS = ("Gemm", "MatMul")
"""What ONNX Runtime has int8 kernels for that give float: QGemm, MatMulIntegerToFloat."""

_WEIGHTED = ("Conv", "ConvTranspose", "Gemm")


class Photos(quantization.CalibrationDataReader):  # type: ignore[misc]  # untyped base
    """Hands the photos to the quantizer one at a time."""

    def __init__(self, name: str, tensors: Iterator[NDArray[np.float32]]) -> None:
        self._name = name
        self._tensors = tensors

    def get_next(self) -> dict[str, Any] | None:
        """Return the next photo's tensor by input name, or ``None`` at the end."""
        tensor = next(self._tensors, None)
        return None if tensor is None else {self._name: tensor}


def plain_int8(
    path: Path,
    target: Path,
    tensors: Iterator[NDArray[np.float32]],
    options: OnnxQuantizeOptions,
) -> Any:
    """Return what ONNX Runtime's quantizer makes by itself: ``onnx.ModelProto``.

    Args:
        path: The float file.
        target: Where the quantizer may write.
        tensors: The photos, as the float file takes them.
        options: What is asked for.
    """
    quantization.quantize_static(
        path,
        target,
        Photos(onnx.load(path).graph.input[0].name, tensors),
        quant_format=quantization.QuantFormat.QDQ,
        per_channel=options.per_channel,
        reduce_range=options.reduce_range,
        activation_type=_TYPES[options.activations],
        weight_type=quantization.QuantType.QInt8,
        calibrate_method=quantization.CalibrationMethod.MinMax,
    )
    return onnx.load(target)


def quantized_model(
    path: Path,
    ranges: Mapping[str, tuple[float, float]],
    options: OnnxQuantizeOptions,
    *,
    excluded: Collection[str],
) -> Any:
    """Return the model with QuantizeLinear and DequantizeLinear around its nodes.

    Args:
        path: The float file.
        ranges: (low, high) by name of the tensor.
        options: What is asked for.
        excluded: Names of nodes that stay in float.

    Returns:
        ``onnx.ModelProto``. Layers that can be corrected have a bias of their own.
    """
    model = load_model_with_shape_infer(path)
    _give_biases(model)
    quantizer = QDQQuantizer(
        model,
        options.per_channel,
        options.reduce_range,
        quantization.QuantType.QInt8,
        _TYPES[options.activations],
        _as_tensors_data(ranges),
        [],
        list(excluded),
        sorted({*QLinearOpsRegistry, *QDQRegistry}),
        {},
    )
    quantizer.quantize_model()
    quantizer.model.topological_sort()
    made = quantizer.model.model
    _keep_in_float(made, excluded)
    if options.float_scores:
        _leave_scores_in_float(made)
    return made


def _as_tensors_data(ranges: Mapping[str, tuple[float, float]]) -> Any:
    data = {
        name: TensorData(lowest=np.float32(low), highest=np.float32(high))
        for name, (low, high) in ranges.items()
    }
    return TensorsData(quantization.CalibrationMethod.MinMax, data)


def _give_biases(model: Any) -> None:
    """Give each layer a bias that no other node reads."""
    graph = model.graph
    nodes = {node.name: node for node in graph.node}
    constants = {constant.name: constant for constant in graph.initializer}
    for layer in layers_of(model):
        node = nodes[layer.name]
        if layer.bias is not None or layer.kind == "MatMul":
            continue
        if len(node.input) > 2 and node.input[2] not in constants:
            continue
        rows = len(layer.as_rows(np.empty(layer.shape)))
        values = (
            numpy_helper.to_array(constants[node.input[2]])
            if len(node.input) > 2
            else np.zeros(rows, np.float32)
        )
        name = f"{layer.name}_own_bias"
        graph.initializer.append(numpy_helper.from_array(values, name))
        del node.input[2:]
        node.input.append(name)


def _keep_in_float(model: Any, excluded: Collection[str]) -> None:
    """Keep ONNX Runtime from quantizing a float layer by itself when it loads the file.

    A float layer between a DequantizeLinear and a QuantizeLinear is given int8 weights
    then, with one scale a tensor. A Clip that cuts nothing off, before its input, hides
    it.

    Source:
        ONNX Runtime, ``WeightBiasQuantization``; seen with 1.31: EfficientNet-Lite0
        with float weights alone lost 20 % of its logits' power.
    """
    graph = model.graph
    makers = producers_of(model)
    hidden = []
    for node in list(graph.node):
        source = makers.get(node.input[0]) if node.input else None
        is_read_back = source is not None and source.op_type == "DequantizeLinear"
        if node.name in excluded and node.op_type in _WEIGHTED and is_read_back:
            hidden.append((node, f"{node.name}_float"))
    if not hidden:
        return
    for name, value in (("least", -_REFUSED_RANGE), ("most", _REFUSED_RANGE)):
        constant = numpy_helper.from_array(np.array(value, np.float32), name)
        graph.initializer.append(constant)
    for node, name in hidden:
        clip = onnx.helper.make_node(
            "Clip", [node.input[0], "least", "most"], [name], name=name
        )
        graph.node.insert(list(graph.node).index(node), clip)
        node.input[0] = name


def _leave_scores_in_float(model: Any) -> None:
    """Take away the rounding of the scores, if an int8 kernel can give floats."""
    graph = model.graph
    makers = producers_of(model)
    (scores,) = graph.output
    back = makers[scores.name]
    there = makers.get(back.input[0]) if back.op_type == "DequantizeLinear" else None
    last = makers.get(there.input[0]) if there is not None else None
    if there is None or last is None or last.op_type not in _FLOAT_ENDS:
        return
    readers = [node for node in graph.node if last.output[0] in node.input]
    if there.op_type != "QuantizeLinear" or len(readers) != 1:
        return
    last.output[0] = scores.name
    graph.node.remove(back)
    graph.node.remove(there)
