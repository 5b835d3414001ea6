"""Small changes to ONNX graphs: raw pixels in, half-size weights."""

from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from edgeclf.errors import ConversionError
from edgeclf.types import QuantParams

__all__ = ["take_raw_pixels", "with_float16_weights"]

_FLOAT_LAYERS = ("Conv", "Gemm", "MatMul")
"""What the graph begins with where its first layer is kept in float."""


def take_raw_pixels(model: Any, quantization: QuantParams) -> None:
    """Let a QDQ model take uint8 pixels in place of real numbers.

    The QuantizeLinear node behind its input goes; the DequantizeLinear node after it
    reads the pixels with the spec's own scale and zero point. A Transpose between
    moves bytes then, a quarter of what it moved before. A first layer in float reads
    real numbers, computed from the pixels.

    Args:
        model: ``onnx.ModelProto`` from the quantizer; changed.
        quantization: Of the pixels.

    Raises:
        ConversionError: The graph does not begin so, or calibration gave its input
            another range than the spec's.
    """
    graph = model.graph
    image = graph.input[0]
    quantize = _only_reader(graph, image.name)
    while quantize.op_type == "Transpose":
        quantize = _only_reader(graph, quantize.output[0])
    scale = numpy_helper.from_array(np.float32(quantization.scale), "image_scale")
    if quantize.op_type in _FLOAT_LAYERS:
        _read_as_floats(graph, quantize, scale, quantization.zero_point)
    else:
        dequantize = _only_reader(graph, quantize.output[0])
        _require_kind(quantize, "QuantizeLinear")
        _require_kind(dequantize, "DequantizeLinear")
        _require_range(graph, quantize, quantization)
        zero = numpy_helper.from_array(np.uint8(quantization.zero_point), "image_zero")
        graph.initializer.extend([scale, zero])
        dequantize.input[:] = [quantize.input[0], scale.name, zero.name]
        graph.node.remove(quantize)
    image.type.tensor_type.elem_type = onnx.TensorProto.UINT8


def with_float16_weights(model: Any) -> Any:
    """Return a float model whose kernels are stored in two bytes a weight.

    A Cast node brings each back to float32: the CPU kernels of ONNX Runtime compute in
    float32, and fold the Cast when they load the model.

    Args:
        model: ``onnx.ModelProto`` in float32; changed.
    """
    graph = model.graph
    casts = []
    for constant in graph.initializer:
        is_kernel = constant.data_type == onnx.TensorProto.FLOAT
        if not is_kernel or len(constant.dims) < 2:
            continue
        name = constant.name
        half = numpy_helper.to_array(constant).astype(np.float16)
        constant.CopyFrom(numpy_helper.from_array(half, f"{name}_half"))
        casts.append(
            onnx.helper.make_node(
                "Cast", [constant.name], [name], to=onnx.TensorProto.FLOAT
            )
        )
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    return model


def _read_as_floats(graph: Any, layer: Any, scale: Any, zero_point: int) -> None:
    """Let a first layer that computes in float read pixels.

    In plain arithmetic: a DequantizeLinear before it would let ONNX Runtime quantize
    the layer when it loads the file.
    """
    zero = numpy_helper.from_array(np.float32(zero_point), "image_zero")
    graph.initializer.extend([scale, zero])
    source = layer.input[0]
    steps: tuple[tuple[str, list[str], str, dict[str, int]], ...] = (
        ("Cast", [source], "image_steps", {"to": onnx.TensorProto.FLOAT}),
        ("Sub", ["image_steps", zero.name], "image_centred", {}),
        ("Mul", ["image_centred", scale.name], "image_real", {}),
    )
    place = list(graph.node).index(layer)
    for offset, (kind, inputs, output, options) in enumerate(steps):
        node = onnx.helper.make_node(kind, inputs, [output], **options)
        graph.node.insert(place + offset, node)
    layer.input[0] = "image_real"


def _only_reader(graph: Any, value: str) -> Any:
    readers = [node for node in graph.node if value in node.input]
    if len(readers) != 1:
        raise ConversionError(
            f"{len(readers)} nodes of the quantized ONNX graph read its first values, "
            "and one must; report this model, and use --target tflite meanwhile"
        )
    return readers[0]


def _require_kind(node: Any, kind: str) -> None:
    if node.op_type != kind:
        raise ConversionError(
            f"the quantized ONNX graph has {node.op_type} where {kind} must be; report "
            "this model, and use --target tflite meanwhile"
        )


def _require_range(graph: Any, quantize: Any, asked: QuantParams) -> None:
    constants = {constant.name: constant for constant in graph.initializer}
    scale, zero = (
        numpy_helper.to_array(constants[name]).item() for name in quantize.input[1:3]
    )
    step = 255 * asked.scale
    if not np.isclose(scale * 255, step, rtol=1e-6):
        raise ConversionError(
            f"calibration gave the input scale {scale} and zero point {zero}; the "
            f"preprocessing says {asked.scale} and {asked.zero_point}; report this model"
        )
