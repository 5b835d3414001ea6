"""Golden vectors: a picture, the tensor it must become, and the scores that must follow.

A vector is three members of a bundle: ``NN.png``, ``NN.tensor`` and ``NN.scores``.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

from edgeclf.provenance import Kernels
from edgeclf.tensors import (
    byte_size,
    from_little_endian,
    little_endian,
    pack_tensor,
    packed_limit,
    unpack_tensor,
)
from edgeclf.types import ModelSpec, Tensor, TensorSpec

__all__ = [
    "MAX_GOLDEN_BYTES",
    "MAX_GOLDEN_SIDE",
    "MAX_GOLDEN_VECTORS",
    "MIN_GOLDEN_VECTORS",
    "GoldenSet",
    "GoldenVector",
    "check_golden_members",
    "decode_golden",
    "encode_golden",
    "golden_names",
]

MIN_GOLDEN_VECTORS = 16
MAX_GOLDEN_VECTORS = 64
MAX_GOLDEN_SIDE = 320
MAX_GOLDEN_BYTES = 2_000_000
"""Of all pictures of a bundle together."""
MAX_UNPACKED_BYTES = 512 * 2**20
"""Of all tensors of a bundle together, in memory."""

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_HEADER = struct.Struct(">8sI4sII")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GoldenVector:
    """What one picture must become on any machine.

    Attributes:
        name: For people.
        image: PNG, long side at most ``MAX_GOLDEN_SIDE`` pixels.
        tensor: What the model was given, in its input's dtype and shape.
        scores: What it answered, in its output's dtype and shape.
    """

    name: str
    image: bytes = field(repr=False)
    tensor: Tensor = field(repr=False)
    scores: Tensor = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GoldenSet:
    """The golden vectors of a bundle and what made them.

    Attributes:
        origin: ``synthetic:SEED`` or ``folder:NAME``.
        vectors: ``MIN_GOLDEN_VECTORS`` to ``MAX_GOLDEN_VECTORS`` of them.
        kernels: What computed the scores.
    """

    origin: str
    vectors: tuple[GoldenVector, ...]
    kernels: Kernels

    def __post_init__(self) -> None:
        _check_count(len(self.vectors))


def golden_names(index: int) -> tuple[str, str, str]:
    """Return the names of a vector's members: picture, tensor, scores."""
    return tuple(  # type: ignore[return-value]  # three suffixes, three names
        f"golden/{index:02d}.{suffix}" for suffix in ("png", "tensor", "scores")
    )


def encode_golden(golden: GoldenSet, spec: ModelSpec) -> dict[str, bytes]:
    """Return the members of all vectors, in their order.

    Raises:
        ValueError: A tensor that the model does not take or give, or a picture that
            is not a small PNG.
    """
    members: dict[str, bytes] = {}
    for index, vector in enumerate(golden.vectors):
        image, tensor, scores = golden_names(index)
        _require_fit(vector.tensor, spec.input)
        _require_fit(vector.scores, spec.output)
        members[image] = vector.image
        members[tensor] = pack_tensor(vector.tensor, spec)
        members[scores] = little_endian(vector.scores).tobytes()
    check_golden_members(members, spec, count=len(golden.vectors))
    return members


def check_golden_members(
    members: Mapping[str, bytes], spec: ModelSpec, *, count: int
) -> None:
    """Refuse golden members by what can be seen without decoding them.

    Raises:
        ValueError: With the member's name.
    """
    _check_count(count)
    if count * byte_size(spec.input) > MAX_UNPACKED_BYTES:
        raise ValueError(
            f"{count} golden tensors of {byte_size(spec.input)} bytes are over the "
            f"limit of {MAX_UNPACKED_BYTES} bytes: use fewer golden pictures"
        )
    total = 0
    for index in range(count):
        image, tensor, scores = golden_names(index)
        _check_png(image, members[image])
        total += len(members[image])
        _check_size(tensor, members[tensor], packed_limit(spec.input))
        expected = byte_size(spec.output)
        if len(members[scores]) != expected:
            raise ValueError(
                f"{scores}: {len(members[scores])} bytes, the model's output has "
                f"{expected}"
            )
    if total > MAX_GOLDEN_BYTES:
        raise ValueError(
            f"the golden pictures have {total} bytes, over the limit of "
            f"{MAX_GOLDEN_BYTES}"
        )


def decode_golden(
    members: Mapping[str, bytes], spec: ModelSpec, *, names: tuple[str, ...]
) -> tuple[GoldenVector, ...]:
    """Return the vectors with their tensors unpacked.

    Raises:
        BundleError: A tensor that does not unpack to the model's input.
    """
    vectors = []
    for index, name in enumerate(names):
        image, tensor, scores = golden_names(index)
        vectors.append(
            GoldenVector(
                name=name,
                image=members[image],
                tensor=unpack_tensor(tensor, members[tensor], spec),
                scores=from_little_endian(members[scores], spec.output),
            )
        )
    return tuple(vectors)


def _check_count(count: int) -> None:
    if not MIN_GOLDEN_VECTORS <= count <= MAX_GOLDEN_VECTORS:
        raise ValueError(
            f"a bundle has {MIN_GOLDEN_VECTORS} to {MAX_GOLDEN_VECTORS} golden "
            f"vectors, got {count}"
        )


def _check_png(name: str, data: bytes) -> None:
    if len(data) < _PNG_HEADER.size:
        raise ValueError(f"{name}: not a PNG picture")
    signature, _, chunk, width, height = _PNG_HEADER.unpack_from(data)
    if signature != _PNG_SIGNATURE or chunk != b"IHDR":
        raise ValueError(f"{name}: not a PNG picture")
    if not 1 <= min(width, height) <= max(width, height) <= MAX_GOLDEN_SIDE:
        raise ValueError(
            f"{name}: {width}x{height} pixels, the long side may have {MAX_GOLDEN_SIDE}"
        )


def _check_size(name: str, data: bytes, limit: int) -> None:
    if len(data) > limit:
        raise ValueError(f"{name}: {len(data)} bytes, over the limit of {limit}")


def _require_fit(tensor: Tensor, spec: TensorSpec) -> None:
    if tensor.shape != spec.shape or tensor.dtype != spec.dtype:
        raise ValueError(
            f"golden tensor {tensor.dtype} {tensor.shape} is not the model's "
            f"{spec.dtype} {spec.shape}"
        )
