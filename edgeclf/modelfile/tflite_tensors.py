"""The tensors of a ``.tflite`` file, checked against the bytes that hold them."""

from dataclasses import dataclass
from math import prod

from edgeclf.modelfile import tflite_schema as schema
from edgeclf.modelfile.damage import DamagedError
from edgeclf.modelfile.flatbuffer import Table
from edgeclf.types import QuantParams

__all__ = ["TensorRecord", "read_tensors"]

# Bits a number; what is missing has no fixed size.
_BITS = {
    "float32": 32,
    "float16": 16,
    "bfloat16": 16,
    "float64": 64,
    "int2": 2,
    "int4": 4,
    "uint4": 4,
    "int8": 8,
    "uint8": 8,
    "bool": 8,
    "int16": 16,
    "uint16": 16,
    "int32": 32,
    "uint32": 32,
    "int64": 64,
    "uint64": 64,
    "complex64": 64,
    "complex128": 128,
    "float8_e4m3fn": 8,
    "float8_e5m2": 8,
}


@dataclass(frozen=True, slots=True)
class TensorRecord:
    """One tensor.

    Attributes:
        name: As the file has it.
        shape: What the engine allocates.
        signature: Likewise with -1 for what is not fixed, or empty.
        dtype: ``float32``, ``int8``, …
        quantization: Of the whole tensor, or ``None``.
        stored_bytes: Bytes in the file; 0 for what is computed.
    """

    name: str
    shape: tuple[int, ...]
    signature: tuple[int, ...]
    dtype: str
    quantization: QuantParams | None
    stored_bytes: int

    @property
    def is_constant(self) -> bool:
        """Whether its numbers are in the file."""
        return self.stored_bytes > 0

    @property
    def size_bytes(self) -> int | None:
        """What it takes in memory; 0 for a constant, which stays in the file."""
        if self.is_constant:
            return 0
        bits = _BITS.get(self.dtype)
        return None if bits is None else (prod(self.shape) * bits + 7) // 8


def read_tensors(graph: Table, sizes: list[int]) -> list[TensorRecord]:
    """Return every tensor of a subgraph.

    Args:
        graph: The subgraph.
        sizes: Of the model's buffers, in bytes.

    Raises:
        DamagedError: A shape, a buffer's number or its size is impossible.
    """
    return [_read(table, sizes) for table in graph.tables(schema.SUBGRAPH_TENSORS)]


def _read(table: Table, sizes: list[int]) -> TensorRecord:
    name = table.string(schema.TENSOR_NAME) or ""
    shape = _shape(table, schema.TENSOR_SHAPE, name, lowest=0)
    signature = _shape(table, schema.TENSOR_SHAPE_SIGNATURE, name, lowest=-1)
    if signature and len(signature) != len(shape):
        raise DamagedError(f"tensor {name!r} has shape {shape} and also {signature}")
    dtype = _dtype(table, name)
    buffer = table.scalar(schema.TENSOR_BUFFER, "I")
    if buffer >= len(sizes):
        raise DamagedError(
            f"tensor {name!r} is in buffer {buffer} of {len(sizes)} buffers"
        )
    is_sparse = table.table(schema.TENSOR_SPARSITY) is not None
    bits = _BITS.get(dtype)
    if sizes[buffer] and bits is not None and not is_sparse:
        expected = (prod(shape) * bits + 7) // 8
        if sizes[buffer] != expected:
            raise DamagedError(
                f"tensor {name!r} has {sizes[buffer]} bytes where {dtype} {shape} "
                f"takes {expected}"
            )
    quantization = _quantization(table, shape, name)
    return TensorRecord(
        name=name,
        shape=shape,
        signature=signature,
        dtype=dtype,
        quantization=None if "float" in dtype else quantization,
        stored_bytes=sizes[buffer],
    )


def _shape(table: Table, field: int, name: str, *, lowest: int) -> tuple[int, ...]:
    shape = tuple(table.array(field, "<i4").tolist())
    if any(side < lowest for side in shape) or prod(shape) > 2**31:
        raise DamagedError(f"tensor {name!r} has the impossible shape {shape}")
    return shape


def _dtype(table: Table, name: str) -> str:
    number = int(table.scalar(schema.TENSOR_TYPE, "b"))
    if not 0 <= number < len(schema.TENSOR_TYPES):
        raise DamagedError(f"tensor {name!r} has the unknown type {number}")
    return schema.TENSOR_TYPES[number]


def _quantization(
    table: Table, shape: tuple[int, ...], name: str
) -> QuantParams | None:
    quantization = table.table(schema.TENSOR_QUANTIZATION)
    if quantization is None:
        return None
    quantization.array(schema.QUANT_MIN, "<f4")
    quantization.array(schema.QUANT_MAX, "<f4")
    scales = quantization.array(schema.QUANT_SCALE, "<f4")
    zero_points = quantization.array(schema.QUANT_ZERO_POINT, "<i8")
    axis = quantization.scalar(schema.QUANT_AXIS, "i")
    if len(scales) != len(zero_points) and len(zero_points):
        raise DamagedError(
            f"tensor {name!r} has {len(scales)} scales and "
            f"{len(zero_points)} zero points"
        )
    if len(scales) > 1 and not (0 <= axis < len(shape) and shape[axis] == len(scales)):
        raise DamagedError(
            f"tensor {name!r} has {len(scales)} scales along axis {axis} of {shape}"
        )
    if len(scales) != 1 or not len(zero_points):
        return None
    try:
        return QuantParams(scale=float(scales[0]), zero_point=int(zero_points[0]))
    except ValueError as error:
        raise DamagedError(f"tensor {name!r}: {error}") from error
