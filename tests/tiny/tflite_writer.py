"""Writes a small ``.tflite`` file, with the flatbuffers package and nothing else.

Slot numbers and enum values are those of TensorFlow's ``tflite/schema/schema.fbs``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import flatbuffers
import numpy as np
from numpy.typing import NDArray

__all__ = ["Operator", "QuantizedTensor", "WrittenTensor", "write_tflite"]

_TENSOR_TYPES = {"float32": 0, "int32": 2, "uint8": 3, "int8": 9}
# name: (BuiltinOperator, BuiltinOptions, version that knows int8)
_OPERATORS = {
    "ADD": (0, 11, 1),
    "CONV_2D": (3, 1, 3),
    "FULLY_CONNECTED": (9, 8, 4),
    "MEAN": (40, 27, 2),
    "QUANTIZE": (114, 0, 2),
    "RESHAPE": (22, 0, 1),
    "SOFTMAX": (25, 9, 2),
}

Field = tuple[int, str, Any]


@dataclass(frozen=True, kw_only=True)
class QuantizedTensor:
    """Scales and zero points: one for the tensor, or one a slice of ``axis``."""

    scales: Sequence[float]
    zero_points: Sequence[int]
    axis: int = 0


@dataclass(frozen=True, kw_only=True)
class WrittenTensor:
    """A tensor of the file; with ``data`` a constant."""

    name: str
    shape: Sequence[int]
    dtype: str
    quantization: QuantizedTensor | None = None
    data: NDArray[Any] | None = None
    shape_signature: Sequence[int] | None = None


@dataclass(frozen=True, kw_only=True)
class Operator:
    """One node; ``options`` are (slot, flatbuffer type, value) of its option table.

    ``others`` are such fields of the node itself.
    """

    kind: str
    inputs: Sequence[int]
    outputs: Sequence[int]
    options: Sequence[Field] = field(default_factory=tuple)
    others: Sequence[Field] = field(default_factory=tuple)


def write_tflite(
    tensors: Sequence[WrittenTensor],
    operators: Sequence[Operator],
    *,
    inputs: Sequence[int],
    outputs: Sequence[int],
    description: str = "",
    outside: bool = False,
) -> bytes:
    """Return the bytes of a model with one subgraph.

    Args:
        tensors: In the order of their numbers.
        operators: In the order in which they run.
        inputs: Numbers of tensors.
        outputs: Likewise.
        description: Of the model.
        outside: Store constants behind the flatbuffer, as files over 2 GB must and
            litert-quantizer does from 256 kB on.
    """

    def written(places: Sequence[tuple[int, int]] | None) -> bytes:
        return _flatbuffer(tensors, operators, inputs, outputs, description, places)

    if not outside:
        return written(None)
    constants = [each.data.tobytes() for each in tensors if each.data is not None]
    # Numbers of 64 bits take the same room whatever they are.
    end = len(written([(2**40, len(data)) for data in constants]))
    places, behind = [], b""
    for data in constants:
        behind += bytes(-(end + len(behind)) % 16)
        places.append((end + len(behind), len(data)))
        behind += data
    return written(places) + behind


def _flatbuffer(
    tensors: Sequence[WrittenTensor],
    operators: Sequence[Operator],
    inputs: Sequence[int],
    outputs: Sequence[int],
    description: str,
    places: Sequence[tuple[int, int]] | None,
) -> bytes:
    """Return the flatbuffer; ``places`` are offset and size of constants behind it."""
    builder = flatbuffers.Builder(1024)
    kinds = sorted({operator.kind for operator in operators})
    codes = [_operator_code(builder, kind) for kind in kinds]
    buffers = [_table(builder, [])]
    written = []
    for tensor in tensors:
        number = 0
        if tensor.data is not None:
            number = len(buffers)
            place = None if places is None else places[number - 1]
            buffers.append(_buffer(builder, tensor.data.tobytes(), place))
        written.append(_tensor(builder, tensor, number))
    nodes = [_operator(builder, operator, kinds) for operator in operators]
    subgraph = _table(
        builder,
        [
            (0, "UOffsetTRelative", _offsets(builder, written)),
            (1, "UOffsetTRelative", _numbers(builder, inputs, np.int32)),
            (2, "UOffsetTRelative", _numbers(builder, outputs, np.int32)),
            (3, "UOffsetTRelative", _offsets(builder, nodes)),
            (4, "UOffsetTRelative", builder.CreateString("main")),
        ],
    )
    model = _table(
        builder,
        [
            (0, "Uint32", 3),
            (1, "UOffsetTRelative", _offsets(builder, codes)),
            (2, "UOffsetTRelative", _offsets(builder, [subgraph])),
            (3, "UOffsetTRelative", builder.CreateString(description)),
            (4, "UOffsetTRelative", _offsets(builder, buffers)),
        ],
    )
    builder.Finish(model, file_identifier=b"TFL3")
    return bytes(builder.Output())


def _buffer(builder: Any, data: bytes, place: tuple[int, int] | None) -> int:
    if place is not None:
        return _table(builder, [(1, "Uint64", place[0]), (2, "Uint64", place[1])])
    return _table(builder, [(0, "UOffsetTRelative", _aligned_bytes(builder, data))])


def _tensor(builder: Any, tensor: WrittenTensor, buffer_number: int) -> int:
    fields: list[Field] = [
        (0, "UOffsetTRelative", _numbers(builder, tensor.shape, np.int32)),
        (1, "Int8", _TENSOR_TYPES[tensor.dtype]),
        (2, "Uint32", buffer_number),
        (3, "UOffsetTRelative", builder.CreateString(tensor.name)),
    ]
    if tensor.quantization is not None:
        quantization = _quantization(builder, tensor.quantization)
        fields.append((4, "UOffsetTRelative", quantization))
    if tensor.shape_signature is not None:
        signature = _numbers(builder, tensor.shape_signature, np.int32)
        fields.append((7, "UOffsetTRelative", signature))
    return _table(builder, fields)


def _quantization(builder: Any, params: QuantizedTensor) -> int:
    scales = _numbers(builder, params.scales, np.float32)
    zero_points = _numbers(builder, params.zero_points, np.int64)
    return _table(
        builder,
        [
            (2, "UOffsetTRelative", scales),
            (3, "UOffsetTRelative", zero_points),
            (6, "Int32", params.axis),
        ],
    )


def _operator_code(builder: Any, kind: str) -> int:
    code, _, version = _OPERATORS[kind]
    return _table(
        builder, [(0, "Int8", code), (2, "Int32", version), (3, "Int32", code)]
    )


def _operator(builder: Any, operator: Operator, kinds: Sequence[str]) -> int:
    fields: list[Field] = [
        (0, "Uint32", kinds.index(operator.kind)),
        (1, "UOffsetTRelative", _numbers(builder, operator.inputs, np.int32)),
        (2, "UOffsetTRelative", _numbers(builder, operator.outputs, np.int32)),
    ]
    options_type = _OPERATORS[operator.kind][1]
    if options_type:
        options = _table(builder, operator.options)
        fields += [(3, "Uint8", options_type), (4, "UOffsetTRelative", options)]
    fields += operator.others
    return _table(builder, fields)


def _table(builder: Any, fields: Sequence[Field]) -> int:
    builder.StartObject(max((slot for slot, _, _ in fields), default=-1) + 1)
    for slot, kind, value in fields:
        getattr(builder, f"Prepend{kind}Slot")(slot, value, 0)
    return int(builder.EndObject())


def _offsets(builder: Any, offsets: Sequence[int]) -> int:
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())


def _numbers(builder: Any, values: Sequence[float], dtype: Any) -> int:
    return int(builder.CreateNumpyVector(np.asarray(values, dtype)))


def _aligned_bytes(builder: Any, data: bytes) -> int:
    """Write a vector that starts at a multiple of 16, as the schema asks."""
    builder.StartVector(1, len(data), 16)
    builder.head -= len(data)
    builder.Bytes[builder.head : builder.head + len(data)] = data
    return int(builder.EndVector())
