"""Multiply-accumulates of TensorFlow Lite's operators, from their shapes."""

from collections.abc import Callable, Sequence
from math import prod

from edgeclf.modelfile.damage import DamagedError
from edgeclf.modelfile.tflite_tensors import TensorRecord

__all__ = ["operator_macs"]

Shape = tuple[int, ...]


def operator_macs(
    kind: str,
    inputs: Sequence[int],
    outputs: Sequence[int],
    tensors: Sequence[TensorRecord],
) -> int | None:
    """Return the multiply-accumulates of one operator for one picture.

    Additions, activations, pooling and the like do none and count 0, as in the
    published figures; a bias is not counted.

    Returns:
        ``None`` for convolutions whose shapes are kept elsewhere.

    Raises:
        DamagedError: The operator lacks the tensors that its kind needs.
    """
    if kind in _UNKNOWN:
        return None
    rule = _RULES.get(kind)
    if rule is None:
        return 0
    weight_at, count = rule
    if len(inputs) <= max(weight_at, 0) or not outputs or min(inputs[:2]) < 0:
        raise DamagedError(f"{kind} with inputs {tuple(inputs)}")
    shapes = [tensors[index].shape if index >= 0 else () for index in inputs]
    if min(len(shapes[0]), len(shapes[weight_at])) < _RANKS.get(kind, 1):
        raise DamagedError(f"{kind} on shapes {shapes}")
    return count(shapes, tensors[outputs[0]].shape)


def _convolution(shapes: Sequence[Shape], output: Shape) -> int:
    """Each output value sums height x width x channels of its filter."""
    return prod(output) * prod(shapes[1][1:])


def _convolution_3d(shapes: Sequence[Shape], output: Shape) -> int:
    return prod(output) * prod(shapes[1][:-1])


def _depthwise(shapes: Sequence[Shape], output: Shape) -> int:
    return prod(output) * prod(shapes[1][1:-1])


def _fully_connected(shapes: Sequence[Shape], output: Shape) -> int:
    return prod(output) * shapes[1][-1]


def _transposed(shapes: Sequence[Shape], _output: Shape) -> int:
    """Each input value is spread over height x width x outputs of the filter."""
    return prod(shapes[2]) * prod(shapes[1][:-1])


def _matrix(shapes: Sequence[Shape], output: Shape) -> int:
    rows = output[-2] if len(output) > 1 else 1
    return prod(output) * prod(shapes[0][-2:]) // max(rows, 1)


_Rule = Callable[[Sequence[Shape], Shape], int]

# Which input holds the weights, and how they are counted.
_RULES: dict[str, tuple[int, _Rule]] = {
    "BATCH_MATMUL": (1, _matrix),
    "CONV_2D": (1, _convolution),
    "CONV_3D": (1, _convolution_3d),
    "DEPTHWISE_CONV_2D": (1, _depthwise),
    "FULLY_CONNECTED": (1, _fully_connected),
    "TRANSPOSE_CONV": (2, _transposed),
}
_RANKS = {"BATCH_MATMUL": 2, "CONV_2D": 4, "DEPTHWISE_CONV_2D": 4, "CONV_3D": 5}
_UNKNOWN = frozenset(
    {
        "STABLEHLO_CONVOLUTION",
        "STABLEHLO_DOT_GENERAL",
        "STABLEHLO_COMPOSITE",
        "UNIDIRECTIONAL_SEQUENCE_LSTM",
        "BIDIRECTIONAL_SEQUENCE_LSTM",
    }
)
