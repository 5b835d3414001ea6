"""A ``.tflite`` file taken apart: its layers with weights, its numbers, and back again."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

__all__ = ["LayerKind", "TfliteFile", "TfliteLayer", "paired_layers"]

LayerKind: TypeAlias = Literal["conv", "depthwise", "dense"]

_KINDS: Mapping[int, LayerKind] = {
    schema.BuiltinOperator.CONV_2D: "conv",
    schema.BuiltinOperator.DEPTHWISE_CONV_2D: "depthwise",
    schema.BuiltinOperator.FULLY_CONNECTED: "dense",
}
_DTYPES: Mapping[int, type[np.generic]] = {
    schema.TensorType.FLOAT32: np.float32,
    schema.TensorType.INT32: np.int32,
    schema.TensorType.INT8: np.int8,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TfliteLayer:
    """An operator with weights of its own; the rest are numbers of tensors.

    Attributes:
        name: Of the output's tensor; the converter keeps it through quantization.
        kind: What it does.
        options: Of the operator, as the schema's object.
        source: Its input.
        weights: Its kernel, output channels first; for ``depthwise`` last.
        bias: Its bias, if it has one.
        output: What it gives, its activation included.
    """

    name: str
    kind: LayerKind
    options: Any
    source: int
    weights: int
    bias: int | None
    output: int


class TfliteFile:
    """The one graph of a file; change it and ask for its bytes.

    Args:
        data: The file.
    """

    def __init__(self, data: bytes) -> None:
        # A copy: the library reads from the very bytes that it is given.
        self.model = flatbuffer_utils.convert_bytearray_to_object(bytearray(data))
        self.graph = self.model.subgraphs[0]

    def to_bytes(self) -> bytes:
        """Return the file."""
        return bytes(flatbuffer_utils.convert_object_to_bytearray(self.model))

    def layers(self) -> Iterator[TfliteLayer]:
        """Yield the layers in the order in which they run.

        A layer that shares its weights with another is left out: what is best for one
        is not for the other.
        """
        uses = Counter(int(i) for op in self.graph.operators for i in op.inputs)
        for op in self.graph.operators:
            layer = self._layer(op)
            if layer is not None and uses[layer.weights] == 1:
                yield layer

    def operator(self, op: Any) -> int:
        """Return an operator's builtin code."""
        return int(self.model.operatorCodes[op.opcodeIndex].builtinCode)

    def name(self, tensor: int) -> str:
        """Return a tensor's name."""
        return bytes(self.graph.tensors[tensor].name).decode()

    def array(self, tensor: int) -> NDArray[Any] | None:
        """Return the numbers stored for a tensor, or ``None`` when it has none."""
        made = self.graph.tensors[tensor]
        stored = self.model.buffers[made.buffer].data
        if stored is None or not len(stored) or made.type not in _DTYPES:
            return None
        flat = np.asarray(stored, np.uint8).tobytes()
        values: NDArray[Any] = np.frombuffer(flat, np.dtype(_DTYPES[made.type]))
        return values.reshape(tuple(made.shape))

    def set_array(self, tensor: int, values: NDArray[Any]) -> None:
        """Store numbers for a tensor that has some, in the dtype that it has."""
        made = self.graph.tensors[tensor]
        stored = values.astype(_DTYPES[made.type]).tobytes()
        if sum(other.buffer == made.buffer for other in self.graph.tensors) > 1:
            self.model.buffers.append(schema.BufferT())
            made.buffer = len(self.model.buffers) - 1
        self.model.buffers[made.buffer].data = np.frombuffer(stored, np.uint8)

    def scales(self, tensor: int) -> NDArray[np.float32] | None:
        """Return a quantized tensor's scales: one, or one a channel."""
        quantization = self.graph.tensors[tensor].quantization
        if quantization is None or quantization.scale is None:
            return None
        return np.asarray(quantization.scale, np.float32)

    def ranged(self) -> Iterator[int]:
        """Yield the float tensors that calibration gave a range, once each."""
        for index, tensor in enumerate(self.graph.tensors):
            quantization = tensor.quantization
            is_float = tensor.type == schema.TensorType.FLOAT32
            if is_float and quantization is not None and quantization.min is not None:
                yield index

    def set_range(self, tensor: int, low: float, high: float) -> None:
        """Give a float tensor the range that quantization will use."""
        quantization = self.graph.tensors[tensor].quantization
        quantization.min = np.array([low], np.float32)
        quantization.max = np.array([high], np.float32)

    def _layer(self, op: Any) -> TfliteLayer | None:
        kind = _KINDS.get(self.operator(op))
        if kind is None or self.array(int(op.inputs[1])) is None:
            return None
        inputs = [int(index) for index in op.inputs]
        bias = inputs[2] if len(inputs) > 2 and inputs[2] >= 0 else None
        return TfliteLayer(
            name=self.name(int(op.outputs[0])),
            kind=kind,
            options=op.builtinOptions,
            source=inputs[0],
            weights=inputs[1],
            bias=bias,
            output=int(op.outputs[0]),
        )


def paired_layers(
    quantized: TfliteFile, source: TfliteFile
) -> list[tuple[TfliteLayer, TfliteLayer]]:
    """Return each layer of a quantized file with the one that it was made of.

    Quantization keeps the order of layers; it keeps names but the last's, whose output
    is a step away from the file's own.

    Args:
        quantized: Made of ``source``.
        source: The float file.
    """
    made, originals = list(quantized.layers()), list(source.layers())
    shapes = [_shape(quantized, layer) for layer in made]
    if shapes == [_shape(source, layer) for layer in originals]:
        return list(zip(made, originals, strict=True))
    by_name = {layer.name: layer for layer in originals}
    return [(each, by_name[each.name]) for each in made if each.name in by_name]


def _shape(file: TfliteFile, layer: TfliteLayer) -> tuple[int, ...]:
    return tuple(int(side) for side in file.graph.tensors[layer.weights].shape)
