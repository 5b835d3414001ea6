"""The graph of an ``.onnx`` file: tensors, constants and nodes, read on demand.

Source:
    https://github.com/onnx/onnx/blob/v1.19.0/onnx/onnx.proto (checked 2026-11-21):
    field numbers of ModelProto, GraphProto, NodeProto, AttributeProto, TensorProto,
    ValueInfoProto and TypeProto.
"""

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeclf.modelfile.damage import DamagedError
from edgeclf.modelfile.protobuf import Message

__all__ = ["Constant", "Graph", "OnnxNode", "ValueInfo", "read_graph"]

Shape = tuple[int, ...]

# TensorProto.DataType, from 0.
_TYPE_NAMES = (
    "undefined float32 uint8 int8 uint16 int16 int32 int64 string bool float16 float64 "
    "uint32 uint64 complex64 complex128 bfloat16 float8_e4m3fn float8_e4m3fnuz "
    "float8_e5m2 float8_e5m2fnuz uint4 int4 float4_e2m1"
)
_TYPES = _TYPE_NAMES.split()

# Which list holds the numbers of a type that is not stored as raw bytes.
_TYPED_LISTS = {"float32": (4, "<f4"), "float64": (10, "<f8")}
_INTEGER_LISTS = {"int64": 7, "uint64": 11, "uint32": 11}
_BITS = {
    **dict.fromkeys(("float4_e2m1", "int4", "uint4"), 4),
    **dict.fromkeys(("bool", "int8", "uint8"), 8),
    **dict.fromkeys(("bfloat16", "float16", "int16", "uint16"), 16),
    **dict.fromkeys(("float32", "int32", "uint32"), 32),
    **dict.fromkeys(("complex64", "float64", "int64", "uint64"), 64),
    "complex128": 128,
}
_NOT_NUMPY = frozenset({"float4_e2m1", "int4", "uint4", "bfloat16"})
_EXTERNAL = 1


@dataclass(frozen=True, slots=True)
class ValueInfo:
    """A tensor of the graph; ``None`` in the shape stands for what is not fixed."""

    name: str
    shape: tuple[int | None, ...]
    dtype: str


@dataclass(frozen=True, slots=True)
class Constant:
    """A tensor whose numbers are in the file."""

    message: Message
    shape: Shape
    dtype: str

    @property
    def count(self) -> int:
        """How many numbers it has."""
        return prod(self.shape)

    @property
    def size_bytes(self) -> int:
        """What they take."""
        bits = 8 if self.dtype.startswith("float8") else _BITS.get(self.dtype, 0)
        return (self.count * bits + 7) // 8

    def values(self) -> NDArray[Any]:
        """Return the numbers, flat; meant for small constants.

        None at all for a type that numpy does not have.
        """
        if self.dtype not in _BITS or self.dtype in _NOT_NUMPY:
            return np.empty(0)
        raw = self.message.view(9)
        kind = np.dtype(self.dtype).newbyteorder("<")
        values: NDArray[Any]
        if raw is not None:
            if len(raw) != self.size_bytes:
                raise DamagedError(
                    f"a constant of {len(raw)} bytes where {self.dtype} {self.shape} "
                    f"takes {self.size_bytes}"
                )
            values = np.frombuffer(raw, dtype=kind)
        elif self.dtype in _TYPED_LISTS:
            values = self.message.numbers(*_TYPED_LISTS[self.dtype])
        else:
            numbers = self.message.integers(_INTEGER_LISTS.get(self.dtype, 5))
            values = np.asarray(numbers, dtype=np.int64)
        if values.size != self.count:
            raise DamagedError(f"{values.size} numbers where {self.shape} has others")
        return values


@dataclass(frozen=True, slots=True)
class OnnxNode:
    """One operator of the graph."""

    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    message: Message

    def integers(self, name: str, default: tuple[int, ...] = ()) -> tuple[int, ...]:
        """Return an attribute that is a list of integers."""
        attribute = self._attribute(name)
        return default if attribute is None else tuple(attribute.integers(8))

    def integer(self, name: str, default: int) -> int:
        """Return an attribute that is one integer."""
        attribute = self._attribute(name)
        return default if attribute is None else attribute.integer(3, default)

    def text(self, name: str) -> str:
        """Return an attribute that is a text; empty without it."""
        attribute = self._attribute(name)
        return "" if attribute is None else attribute.text(4)

    def tensor(self, name: str) -> Constant | None:
        """Return an attribute that is a tensor."""
        attribute = self._attribute(name)
        message = None if attribute is None else attribute.message(5)
        return None if message is None else _constant(message)

    def _attribute(self, name: str) -> Message | None:
        for attribute in self.message.messages(5):
            if attribute.text(1) == name:
                return attribute
        return None


@dataclass(frozen=True, slots=True)
class Graph:
    """All of it; nodes in running order."""

    inputs: tuple[ValueInfo, ...]
    outputs: tuple[ValueInfo, ...]
    known: dict[str, ValueInfo]
    constants: dict[str, Constant]
    nodes: tuple[OnnxNode, ...]


def read_graph(message: Message) -> Graph:
    """Return the graph that a GraphProto holds.

    Raises:
        DamagedError: It cannot be read, or keeps its weights in another file.
    """
    nodes = tuple(_node(each) for each in message.messages(1))
    constants = {each.text(8): _constant(each) for each in message.messages(5)}
    for node in nodes:
        value = node.tensor("value") if node.kind == "Constant" else None
        if value is not None and node.outputs:
            constants[node.outputs[0]] = value
    inputs = [_value_info(each) for each in message.messages(11)]
    outputs = tuple(_value_info(each) for each in message.messages(12))
    known = {info.name: info for info in map(_value_info, message.messages(13))}
    return Graph(
        # Before IR version 4 every initializer was also listed as an input.
        inputs=tuple(info for info in inputs if info.name not in constants),
        outputs=outputs,
        known={**known, **{info.name: info for info in (*inputs, *outputs)}},
        constants=constants,
        nodes=nodes,
    )


def _node(message: Message) -> OnnxNode:
    return OnnxNode(
        kind=message.text(4),
        inputs=tuple(message.texts(1)),
        outputs=tuple(message.texts(2)),
        message=message,
    )


def _constant(message: Message) -> Constant:
    name = message.text(8)
    if message.integer(14) == _EXTERNAL:
        raise DamagedError(
            f"the weights {name!r} are in another file; save the model as one file "
            "(onnx.save_model with save_as_external_data=False)"
        )
    shape = tuple(message.integers(1))
    if any(side < 0 for side in shape) or prod(shape) > 2**31:
        raise DamagedError(f"the constant {name!r} has the impossible shape {shape}")
    return Constant(message=message, shape=shape, dtype=_type(message.integer(2), name))


def _value_info(message: Message) -> ValueInfo:
    name = message.text(1)
    kind = message.message(2)
    tensor = None if kind is None else kind.message(1)
    if tensor is None:
        return ValueInfo(name=name, shape=(), dtype="undefined")
    shape = tensor.message(2)
    sides = [] if shape is None else [_side(side) for side in shape.messages(1)]
    return ValueInfo(
        name=name, shape=tuple(sides), dtype=_type(tensor.integer(1), name)
    )


def _side(message: Message) -> int | None:
    side = message.integer(1, -1)
    return side if side >= 0 else None


def _type(number: int, name: str) -> str:
    if not 0 <= number < len(_TYPES):
        raise DamagedError(f"{name!r} has the unknown type {number}")
    return _TYPES[number]
