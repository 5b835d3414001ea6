"""Layers of a float ONNX graph as matrices: rows of weights, and what they multiply."""

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from converters.quantize.windows import WindowAxis, same_padding, some_places

__all__ = ["OnnxLayer", "constants_of", "layers_of", "producers_of"]

_KINDS = ("Conv", "Gemm", "MatMul")


@dataclass(frozen=True, slots=True, kw_only=True)
class OnnxLayer:
    """A node whose weights are constant and read by no other node.

    Attributes:
        name: Of the node.
        kind: ``Conv``, ``Gemm`` or ``MatMul``.
        source: Name of its input.
        output: Name of its output.
        weights: Name of the constant.
        bias: Name of the constant, if it has one.
        shape: Of the weights.
        outputs: How many numbers it gives for one picture.
        attributes: Of the node.
    """

    name: str
    kind: str
    source: str
    output: str
    weights: str
    bias: str | None
    shape: tuple[int, ...]
    outputs: int
    attributes: dict[str, Any] = field(repr=False)

    @property
    def groups(self) -> int:
        """How many parts of a convolution's channels are computed apart."""
        return int(self.attributes.get("group", 1))

    @property
    def macs(self) -> int:
        """Multiply-accumulates for one picture."""
        return self.outputs * self.inputs

    @property
    def inputs(self) -> int:
        """How many numbers one output is computed from."""
        rows = self.shape[0] if self._has_rows_first else self.shape[-1]
        return math.prod(self.shape) // rows

    def as_rows(self, weights: NDArray[Any]) -> NDArray[np.float64]:
        """Return weights as (output channels, inputs of one output)."""
        real = np.asarray(weights, np.float64)
        if self._has_rows_first:
            return real.reshape(len(real), -1)
        rows: NDArray[np.float64] = np.ascontiguousarray(real.T)
        return rows

    def from_rows(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Return the weights that ``as_rows`` made rows of."""
        flat = rows if self._has_rows_first else rows.T
        return np.ascontiguousarray(flat).reshape(self.shape)

    def by_row(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what belongs to groups for each row; as it is when there is one."""
        if self.groups == 1:
            return np.asarray(values[0])
        return np.repeat(values, self.shape[0] // self.groups, axis=0)

    def samples(
        self, picture: NDArray[np.float32], places: int, numbers: np.random.Generator
    ) -> NDArray[np.float32]:
        """Return what some of its outputs are computed from.

        Args:
            picture: Its input, channels before the sides.
            places: How many places of a picture at most.
            numbers: Chooses them.

        Returns:
            Shape (groups, places, inputs).
        """
        if self.kind != "Conv":
            every = picture.reshape(-1, picture.shape[-1])
            return every[some_places(len(every), places, numbers)][None]
        down, across = (self._axis(picture.shape[2 + axis], axis) for axis in (0, 1))
        padding = ((0, 0), down.padding, across.padding)
        padded = np.pad(picture[0], padding) if np.any(padding) else picture[0]
        chosen = some_places(down.outputs * across.outputs, places, numbers)
        rows = down.taps(chosen // across.outputs) + down.padding[0]
        columns = across.taps(chosen % across.outputs) + across.padding[0]
        seen = padded[:, rows[:, :, None], columns[:, None, :]]
        grouped = seen.reshape(
            self.groups, -1, len(chosen), self.shape[2] * self.shape[3]
        )
        return np.ascontiguousarray(
            grouped.transpose(0, 2, 1, 3).reshape(self.groups, len(chosen), -1)
        )

    @property
    def _has_rows_first(self) -> bool:
        return self.kind == "Conv" or bool(self.attributes.get("transB", 0))

    def _axis(self, size: int, axis: int) -> WindowAxis:
        known = self.attributes
        pads = known.get("pads", [0, 0, 0, 0])
        window, stride = self.shape[2 + axis], known.get("strides", [1, 1])[axis]
        dilation = known.get("dilations", [1, 1])[axis]
        padding = (pads[axis], pads[axis + 2])
        mode = known.get("auto_pad", b"NOTSET")
        if mode in {b"SAME_UPPER", b"SAME_LOWER"}:
            less, more = same_padding(
                size=size, window=window, stride=stride, dilation=dilation
            )
            padding = (less, more) if mode == b"SAME_UPPER" else (more, less)
        return WindowAxis(
            size=size, window=window, stride=stride, dilation=dilation, padding=padding
        )


def layers_of(model: Any) -> tuple[OnnxLayer, ...]:
    """Return the layers of a model in running order.

    Args:
        model: ``onnx.ModelProto`` with the shapes of its tensors.
    """
    graph = model.graph
    constants = {constant.name: tuple(constant.dims) for constant in graph.initializer}
    readers = Counter(value for node in graph.node for value in node.input)
    shapes = {
        value.name: [side.dim_value for side in value.type.tensor_type.shape.dim]
        for value in (*graph.value_info, *graph.output)
    }
    found = []
    for node in graph.node:
        if not _is_layer(node, constants, readers):
            continue
        bias = node.input[2] if len(node.input) > 2 else None
        found.append(
            OnnxLayer(
                name=node.name,
                kind=node.op_type,
                source=node.input[0],
                output=node.output[0],
                weights=node.input[1],
                bias=bias if bias in constants and readers[bias] == 1 else None,
                shape=constants[node.input[1]],
                outputs=math.prod(shapes.get(node.output[0], [0])),
                attributes={
                    each.name: onnx.helper.get_attribute_value(each)
                    for each in node.attribute
                },
            )
        )
    return tuple(found)


def constants_of(model: Any) -> dict[str, NDArray[Any]]:
    """Return a model's constants by name."""
    return {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}


def producers_of(model: Any) -> dict[str, Any]:
    """Return the node that makes each tensor."""
    return {name: node for node in model.graph.node for name in node.output}


def _is_layer(
    node: Any, constants: dict[str, tuple[int, ...]], readers: Counter[str]
) -> bool:
    if node.op_type not in _KINDS or readers[node.input[1]] != 1:
        return False
    rank = len(constants.get(node.input[1], ()))
    is_plain = not any(
        each.name in {"transA", "alpha", "beta"}
        and onnx.helper.get_attribute_value(each) not in {0, 1.0}
        for each in node.attribute
    )
    return is_plain and rank == (4 if node.op_type == "Conv" else 2)
