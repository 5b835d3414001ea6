"""How much of a model file's arithmetic is done in eight bits, counted from the file."""

from collections.abc import Iterator, Mapping
from math import prod
from typing import Any

__all__ = ["int8_share"]

_EIGHT_BITS = ("int8", "uint8")


def int8_share(data: bytes, file_format: str) -> float:
    """Return the share of multiply-accumulates whose operands have eight bits.

    Args:
        data: A ``.tflite`` or ``.onnx`` file of convolutions and dense layers.
        file_format: ``tflite`` or ``onnx``.
    """
    counted = _tflite(data) if file_format == "tflite" else _onnx(data)
    macs, in_int8 = 0, 0
    for count, is_int8 in counted:
        macs += count
        in_int8 += count * is_int8
    return in_int8 / macs


def _tflite(data: bytes) -> Iterator[tuple[int, bool]]:
    """Yield count and whether it is in eight bits, for each layer with weights."""
    from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415 - heavy
    from ai_edge_litert.interpreter import (  # noqa: PLC0415
        OpResolverType as Resolver,
    )

    plain = Resolver.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    engine = Interpreter(model_content=data, experimental_op_resolver_type=plain)
    tensors = {each["index"]: each for each in engine.get_tensor_details()}
    for operator in engine._get_ops_details():  # noqa: SLF001 - it has no other list
        if operator["op_name"] in _TFLITE_COUNT:
            image, kernel = (tensors[index] for index in operator["inputs"][:2])
            output = tensors[operator["outputs"][0]]
            count = _TFLITE_COUNT[operator["op_name"]](kernel["shape"].tolist())
            is_int8 = all(
                each["dtype"].__name__ in _EIGHT_BITS for each in (image, kernel)
            )
            yield prod(output["shape"].tolist()) * count, is_int8


_TFLITE_COUNT: Mapping[str, Any] = {
    "CONV_2D": lambda kernel: prod(kernel[1:]),
    "DEPTHWISE_CONV_2D": lambda kernel: prod(kernel[1:3]),
    "FULLY_CONNECTED": lambda kernel: kernel[1],
}
"""Multiply-accumulates for one number of the output."""


def _onnx(data: bytes) -> Iterator[tuple[int, bool]]:
    import onnx  # noqa: PLC0415 - heavy

    graph = onnx.shape_inference.infer_shapes(onnx.load_from_string(data)).graph
    makers = {name: node for node in graph.node for name in node.output}
    shapes = {
        value.name: [side.dim_value for side in value.type.tensor_type.shape.dim]
        for value in (*graph.value_info, *graph.output, *graph.input)
    } | {each.name: list(each.dims) for each in graph.initializer}
    for node in graph.node:
        if node.op_type in ("Conv", "Gemm", "MatMul"):
            kernel = shapes[node.input[1]]
            # Conv: (out, in / groups, h, w); the others: one side is the input's.
            inner = shapes[node.input[0]][-1]
            count = prod(kernel[1:]) if node.op_type == "Conv" else inner
            operands = (makers.get(name) for name in node.input[:2])
            is_int8 = all(m and m.op_type == "DequantizeLinear" for m in operands)
            yield prod(shapes[node.output[0]]) * count, is_int8
