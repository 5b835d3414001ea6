"""Multiply-accumulates of ONNX's operators, from their shapes."""

from collections.abc import Mapping
from math import prod

from edgeclf.modelfile.onnx_graph import OnnxNode, Shape

__all__ = ["node_macs"]

# Which input holds the weights.
_CONVOLUTIONS = {"Conv": 1, "ConvInteger": 1, "FusedConv": 1, "QLinearConv": 3}
_MATRICES = {
    "FusedGemm": 1,
    "FusedMatMul": 1,
    "Gemm": 1,
    "MatMul": 1,
    "MatMulInteger": 1,
    "QGemm": 3,
    "QLinearMatMul": 3,
}
_UNKNOWN = frozenset(
    {"Attention", "Einsum", "GRU", "LSTM", "MultiHeadAttention", "RNN"}
)


def node_macs(node: OnnxNode, shapes: Mapping[str, Shape]) -> int | None:
    """Return the multiply-accumulates of one node for one picture.

    What multiplies no weights counts 0, as in the published figures; a bias is not
    counted. ``None`` where a shape is not known.
    """
    if node.kind in _CONVOLUTIONS:
        weights = _shape(node, _CONVOLUTIONS[node.kind], shapes)
        output = _output(node, shapes)
        return _times(output, weights[1:] if weights else None)
    if node.kind == "ConvTranspose":
        weights = _shape(node, 1, shapes)
        return _times(_shape(node, 0, shapes), weights[1:] if weights else None)
    if node.kind in _MATRICES:
        weights = _shape(node, _MATRICES[node.kind], shapes)
        return _times(_output(node, shapes), _depth(node, weights))
    return None if node.kind in _UNKNOWN else 0


def _depth(node: OnnxNode, weights: Shape | None) -> Shape | None:
    """Return the side of a matrix that is summed over, as a shape of one."""
    if weights is None or len(weights) < 2:
        return None
    return weights[-1:] if node.integer("transB", 0) else weights[-2:-1]


def _shape(node: OnnxNode, at: int, shapes: Mapping[str, Shape]) -> Shape | None:
    return shapes.get(node.inputs[at]) if at < len(node.inputs) else None


def _output(node: OnnxNode, shapes: Mapping[str, Shape]) -> Shape | None:
    return shapes.get(node.outputs[0]) if node.outputs else None


def _times(left: Shape | None, right: Shape | None) -> int | None:
    return None if left is None or right is None else prod(left) * prod(right)
