"""Shapes of the tensors inside an ``.onnx`` graph that the file does not state.

Only what classifiers are made of; a shape that cannot be told stays unknown, and what
depends on it too.

Source:
    https://onnx.ai/onnx/operators/ (checked 2026-11-21).
"""

from collections.abc import Callable
from itertools import zip_longest
from math import prod

from edgeclf.modelfile.onnx_graph import Graph, OnnxNode, Shape

__all__ = ["infer_shapes"]

Known = dict[str, Shape]
_Rule = Callable[[Graph, OnnxNode, list[Shape]], Shape | None]


def infer_shapes(graph: Graph) -> dict[str, Shape]:
    """Return the shapes that are known, by name, for a batch of one."""
    known: Known = {name: item.shape for name, item in graph.constants.items()}
    for info in graph.known.values():
        shape = _stated(info.shape)
        if shape is not None:
            known[info.name] = shape
    for node in graph.nodes:
        if node.outputs and node.outputs[0] not in known:
            shape = _infer(graph, node, known)
            if shape is not None and all(side >= 0 for side in shape):
                known[node.outputs[0]] = shape
    return known


def _stated(shape: tuple[int | None, ...]) -> Shape | None:
    """Return a shape with a free batch taken as 1; ``None`` when more is free."""
    if not shape:
        return None
    first = 1 if shape[0] is None else shape[0]
    rest = [side for side in shape[1:] if side is not None]
    return (first, *rest) if len(rest) == len(shape) - 1 else None


def _infer(graph: Graph, node: OnnxNode, known: Known) -> Shape | None:
    shapes = [known[name] for name in node.inputs if name in known]
    rule = _RULES.get(node.kind)
    if not shapes or len(shapes) != len([name for name in node.inputs if name]):
        return None
    if rule is None:
        return None
    try:
        return rule(graph, node, shapes)
    except (IndexError, ValueError, ZeroDivisionError):
        # Shapes that do not fit each other: nothing can be told.
        return None


def _same(_graph: Graph, _node: OnnxNode, shapes: list[Shape]) -> Shape:
    return shapes[0]


def _broadcast(_graph: Graph, _node: OnnxNode, shapes: list[Shape]) -> Shape:
    columns = zip_longest(*(shape[::-1] for shape in shapes), fillvalue=1)
    return tuple(max(column) for column in columns)[::-1]


def _conv(_graph: Graph, node: OnnxNode, shapes: list[Shape]) -> Shape:
    return _slide(node, shapes[0], shapes[_WEIGHTS_AT.get(node.kind, 1)])


def _slide(node: OnnxNode, image: Shape, weights: Shape) -> Shape:
    kernel = weights[2:]
    return (image[0], weights[0], *_spatial(node, image[2:], kernel))


def _pool(_graph: Graph, node: OnnxNode, shapes: list[Shape]) -> Shape:
    kernel = node.integers("kernel_shape")
    return (*shapes[0][:2], *_spatial(node, shapes[0][2:], kernel))


def _spatial(node: OnnxNode, sides: Shape, kernel: Shape) -> Shape:
    rank = len(sides)
    strides = node.integers("strides", (1,) * rank)
    dilations = node.integers("dilations", (1,) * rank)
    padding = node.text("auto_pad")
    if padding.startswith("SAME"):
        return tuple(
            -(-side // step) for side, step in zip(sides, strides, strict=True)
        )
    pads = node.integers("pads", (0,) * (2 * rank))
    extra = rank and node.integer("ceil_mode", 0)
    result = []
    for axis in range(rank):
        reach = dilations[axis] * (kernel[axis] - 1) + 1
        room = sides[axis] + pads[axis] + pads[axis + rank] - reach
        up = strides[axis] - 1 if extra else 0
        result.append((room + up) // strides[axis] + 1)
    return tuple(result)


def _global_pool(_graph: Graph, _node: OnnxNode, shapes: list[Shape]) -> Shape:
    return (*shapes[0][:2], *(1 for _ in shapes[0][2:]))


def _reduce(graph: Graph, node: OnnxNode, shapes: list[Shape]) -> Shape:
    rank = len(shapes[0])
    axes = {axis % rank for axis in _axes(graph, node) or range(rank)}
    keep = node.integer("keepdims", 1)
    sides = [
        1 if axis in axes else side
        for axis, side in enumerate(shapes[0])
        if keep or axis not in axes
    ]
    return tuple(sides)


def _axes(graph: Graph, node: OnnxNode) -> Shape:
    """Return axes from the attribute (older opsets) or from the second input."""
    stated = node.integers("axes")
    return stated or _list_input(graph, node, 1) or ()


def _list_input(graph: Graph, node: OnnxNode, at: int) -> Shape | None:
    if len(node.inputs) <= at or node.inputs[at] not in graph.constants:
        return None
    return tuple(int(value) for value in graph.constants[node.inputs[at]].values())


def _reshape(graph: Graph, node: OnnxNode, shapes: list[Shape]) -> Shape | None:
    wanted = _list_input(graph, node, 1)
    if wanted is None:
        return None
    sides = [shapes[0][axis] if side == 0 else side for axis, side in enumerate(wanted)]
    if -1 in sides:
        rest = prod(side for side in sides if side != -1)
        sides[sides.index(-1)] = prod(shapes[0]) // rest
    return tuple(sides)


def _flatten(_graph: Graph, node: OnnxNode, shapes: list[Shape]) -> Shape:
    axis = node.integer("axis", 1)
    return (prod(shapes[0][:axis]), prod(shapes[0][axis:]))


def _squeeze(graph: Graph, node: OnnxNode, shapes: list[Shape]) -> Shape:
    rank = len(shapes[0])
    axes = {axis % rank for axis in _axes(graph, node)}
    dropped = axes or {axis for axis, side in enumerate(shapes[0]) if side == 1}
    return tuple(side for axis, side in enumerate(shapes[0]) if axis not in dropped)


def _unsqueeze(graph: Graph, node: OnnxNode, shapes: list[Shape]) -> Shape:
    axes = _axes(graph, node)
    rank = len(shapes[0]) + len(axes)
    added = {axis % rank for axis in axes}
    sides = iter(shapes[0])
    return tuple(1 if axis in added else next(sides) for axis in range(rank))


def _transpose(_graph: Graph, node: OnnxNode, shapes: list[Shape]) -> Shape:
    backwards = tuple(reversed(range(len(shapes[0]))))
    order = node.integers("perm", backwards)
    return tuple(shapes[0][axis] for axis in order)


def _concat(_graph: Graph, node: OnnxNode, shapes: list[Shape]) -> Shape:
    axis = node.integer("axis", 0) % len(shapes[0])
    total = sum(shape[axis] for shape in shapes)
    return (*shapes[0][:axis], total, *shapes[0][axis + 1 :])


def _gemm(_graph: Graph, node: OnnxNode, shapes: list[Shape]) -> Shape:
    rows = shapes[0][1 if node.integer("transA", 0) else 0]
    columns = shapes[1][0 if node.integer("transB", 0) else 1]
    return (rows, columns)


def _matmul(_graph: Graph, node: OnnxNode, shapes: list[Shape]) -> Shape:
    right = shapes[_WEIGHTS_AT.get(node.kind, 1)]
    return (*shapes[0][:-1], right[-1])


def _pad(graph: Graph, node: OnnxNode, shapes: list[Shape]) -> Shape | None:
    pads = node.integers("pads") or _list_input(graph, node, 1)
    if pads is None or len(pads) != 2 * len(shapes[0]):
        return None
    rank = len(shapes[0])
    return tuple(
        side + pads[axis] + pads[axis + rank] for axis, side in enumerate(shapes[0])
    )


_WEIGHTS_AT = {"QLinearConv": 3, "QLinearMatMul": 3}
_SAME_KINDS = (
    "Abs BatchNormalization Cast Ceil Clip DequantizeLinear Dropout Elu Erf Exp Floor "
    "Gelu HardSigmoid HardSwish Identity LayerNormalization LeakyRelu Log LogSoftmax "
    "LRN Mish Neg QuantizeLinear Reciprocal Relu Selu Sigmoid Softmax Softplus Softsign "
    "Sqrt Tanh ThresholdedRelu InstanceNormalization DynamicQuantizeLinear "
    "QLinearLeakyRelu QLinearSigmoid QLinearSoftmax"
)
_BROADCAST_KINDS = "Add Div Max Mean Min Mul Pow PRelu Sub Sum Where"
_REDUCE_KINDS = "ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceL2"

_RULES: dict[str, _Rule] = {
    **dict.fromkeys(_SAME_KINDS.split(), _same),
    **dict.fromkeys(_BROADCAST_KINDS.split(), _broadcast),
    **dict.fromkeys(_REDUCE_KINDS.split(), _reduce),
    **dict.fromkeys(("Conv", "ConvInteger", "FusedConv", "QLinearConv"), _conv),
    **dict.fromkeys(("AveragePool", "LpPool", "MaxPool"), _pool),
    **dict.fromkeys(
        ("GlobalAveragePool", "GlobalMaxPool", "QLinearGlobalAveragePool"),
        _global_pool,
    ),
    **dict.fromkeys(("MatMul", "MatMulInteger", "QLinearMatMul"), _matmul),
    "Concat": _concat,
    "Flatten": _flatten,
    "Gemm": _gemm,
    "Pad": _pad,
    "Reshape": _reshape,
    "Squeeze": _squeeze,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
}
