"""The golden members of a bundle as far as they can be checked without decoding them."""

import struct
from collections.abc import Mapping

from edgeclf.tensors import byte_size, packed_limit
from edgeclf.types import ModelSpec

__all__ = [
    "MAX_GOLDEN_BYTES",
    "MAX_GOLDEN_SIDE",
    "MAX_GOLDEN_VECTORS",
    "MIN_GOLDEN_VECTORS",
    "check_golden_count",
    "check_golden_members",
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


def golden_names(index: int) -> tuple[str, str, str]:
    """Return the names of a vector's members: picture, tensor, scores."""
    return tuple(  # type: ignore[return-value]  # three suffixes, three names
        f"golden/{index:02d}.{suffix}" for suffix in ("png", "tensor", "scores")
    )


def check_golden_members(
    members: Mapping[str, bytes], spec: ModelSpec, *, count: int
) -> None:
    """Refuse golden members by what can be seen without decoding them.

    Raises:
        ValueError: With the member's name.
    """
    check_golden_count(count)
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


def check_golden_count(count: int) -> None:
    """Refuse too few golden vectors, or too many.

    Raises:
        ValueError: With their number.
    """
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
