"""Golden vectors: a picture, the tensor it must become, and the scores that must follow.

A vector is three members of a bundle: ``NN.png``, ``NN.tensor`` and ``NN.scores``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from edgeclf.golden_members import (
    check_golden_count,
    check_golden_members,
    golden_names,
)
from edgeclf.provenance import Kernels
from edgeclf.tensors import (
    from_little_endian,
    little_endian,
    pack_tensor,
    unpack_tensor,
)
from edgeclf.types import ModelSpec, Tensor, TensorSpec

__all__ = ["GoldenSet", "GoldenVector", "decode_golden", "encode_golden"]


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
        check_golden_count(len(self.vectors))


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


def _require_fit(tensor: Tensor, spec: TensorSpec) -> None:
    if tensor.shape != spec.shape or tensor.dtype != spec.dtype:
        raise ValueError(
            f"golden tensor {tensor.dtype} {tensor.shape} is not the model's "
            f"{spec.dtype} {spec.shape}"
        )
