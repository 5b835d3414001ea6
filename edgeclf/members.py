"""Which files a bundle has, in which order, how large they may be, and their digests."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from edgeclf.container import read_container_file
from edgeclf.contents import Contents, MemberRecord
from edgeclf.errors import BundleError, ModelFileError
from edgeclf.files import open_file
from edgeclf.golden_members import check_golden_members, golden_names
from edgeclf.labels import decode_labels
from edgeclf.types import ModelFormat, ModelSpec, TensorSpec

if TYPE_CHECKING:
    from edgeclf.signing import Envelope

__all__ = [
    "ENVELOPE",
    "LABELS",
    "MANIFEST",
    "MAX_FILE_BYTES",
    "MODELS",
    "check_model_file",
    "check_parts",
    "check_sizes",
    "member_records",
    "named",
    "read_envelope_of",
    "read_members",
    "take_manifest",
]

MANIFEST = "manifest.json"
ENVELOPE = "manifest.dsse.json"
LABELS = "labels.txt"
MODELS: Mapping[ModelFormat, str] = {"tflite": "model.tflite", "onnx": "model.onnx"}

_MIB = 2**20
MAX_FILE_BYTES = 768 * _MIB
_MAX_SIZES = {
    MANIFEST: _MIB,
    ENVELOPE: 2 * _MIB,
    LABELS: 8 * _MIB,
    "model.tflite": 512 * _MIB,
    "model.onnx": 512 * _MIB,
}


def member_records(members: Mapping[str, bytes]) -> tuple[MemberRecord, ...]:
    """Return what the manifest says of each member."""
    return tuple(
        MemberRecord(name=name, size=len(data), sha256=hashlib.sha256(data).hexdigest())
        for name, data in members.items()
    )


def read_members(path: Path) -> dict[str, bytes]:
    """Return the members of a bundle's file.

    Raises:
        InputFileError: The file is missing, unreadable, empty or too large.
        BundleError: It is no container.
    """
    with open_file(path, what="a bundle", limit=MAX_FILE_BYTES) as file:
        return read_container_file(file)


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Put the path before the message of a fault found in its bytes."""
    try:
        yield
    except BundleError as error:
        raise BundleError(f"{path}: {error}") from error


def check_sizes(members: Mapping[str, bytes]) -> None:
    """Refuse members larger than the format allows.

    Raises:
        BundleError: With the member's name, its size and the limit.
    """
    for name, payload in members.items():
        limit = _MAX_SIZES.get(name)
        if limit is not None and len(payload) > limit:
            raise BundleError(
                f"{name}: {len(payload)} bytes, over the limit of {limit}"
            )


def take_manifest(members: Mapping[str, bytes]) -> bytes:
    """Return the manifest's bytes.

    Raises:
        BundleError: The first member is another one.
    """
    first = next(iter(members))
    if first != MANIFEST:
        raise BundleError(
            f"the first member is {first}, must be {MANIFEST}: this is no bundle, or "
            "it was packed by another program"
        )
    return members[MANIFEST]


def read_envelope_of(members: Mapping[str, bytes]) -> "Envelope | None":
    """Return the envelope, or ``None`` when the bundle is not signed.

    Raises:
        BundleError: It is malformed, or about another manifest.
    """
    if ENVELOPE not in members:
        return None
    from edgeclf.signing import read_envelope  # noqa: PLC0415 - 2 ms, if it is signed

    return read_envelope(members[ENVELOPE], manifest=members[MANIFEST])


def check_parts(
    members: Mapping[str, bytes], contents: Contents, *, vectors: int
) -> tuple[str, ...]:
    """Hold all members but the model file's inside against the manifest.

    Args:
        members: As the file has them.
        contents: As the manifest has them.
        vectors: How many golden vectors the manifest names.

    Returns:
        The labels.

    Raises:
        BundleError: A member that does not belong there, was changed, or is not what
            the format says.
    """
    _check_names(members, contents, vectors)
    _check_digests(members, contents)
    try:
        labels = decode_labels(members[LABELS], classes=contents.model.classes)
        check_golden_members(members, contents.model, count=vectors)
    except ValueError as error:
        raise BundleError(f"{error}; build the bundle again") from error
    return labels


def _check_names(
    members: Mapping[str, bytes], contents: Contents, vectors: int
) -> None:
    expected = [LABELS, MODELS[contents.model.format]]
    for index in range(vectors):
        expected += golden_names(index)
    listed = [record.name for record in contents.members]
    if listed != expected:
        raise BundleError(
            "manifest.members does not list the members of this format in their order: "
            + _difference(listed, expected)
        )
    present = list(members)
    wanted = [MANIFEST, *([ENVELOPE] if ENVELOPE in members else []), *expected]
    if present != wanted:
        raise BundleError(
            f"the members are not those that the manifest lists, in its order: "
            f"{_difference(present, wanted)}; build the bundle again"
        )


def _check_digests(members: Mapping[str, bytes], contents: Contents) -> None:
    for record in contents.members:
        payload = members[record.name]
        if len(payload) != record.size:
            raise BundleError(
                f"{record.name} has {len(payload)} bytes, the manifest says "
                f"{record.size}: it was replaced; build the bundle again"
            )
        if hashlib.sha256(payload).hexdigest() != record.sha256:
            raise BundleError(
                f"{record.name} has another SHA-256 than the manifest says: it was "
                "changed; build the bundle again"
            )


def check_model_file(data: bytes, spec: ModelSpec) -> None:
    """Hold what the model file takes and gives against the manifest.

    Raises:
        BundleError: The file is damaged, of another format, or another model.
    """
    from edgeclf.modelfile import read_model_file  # noqa: PLC0415 - 30 ms at each start

    name = MODELS[spec.format]
    try:
        file = read_model_file(data, name=name)
        if file.format != spec.format:
            raise BundleError(
                f"{name} is a .{file.format} file; build the bundle again"
            )
        tensors = ((file.input, spec.input), (file.output, spec.output))
    except ModelFileError as error:
        raise BundleError(str(error)) from error
    for role, (seen, said) in zip(("input", "output"), tensors, strict=True):
        _check_tensor(f"the {role} of {name}", seen, said)


def _check_tensor(what: str, seen: TensorSpec, said: TensorSpec) -> None:
    """Compare all but the name, which engines and tools spell in several ways.

    A manifest without quantization of uint8 says that the model takes raw pixels; what
    the file does with them is its own business.
    """
    for field_name in ("shape", "dtype", "quantization"):
        have, want = getattr(seen, field_name), getattr(said, field_name)
        is_raw = field_name == "quantization" and said.dtype == "uint8" and want is None
        if have != want and not is_raw:
            raise BundleError(
                f"{what} has {field_name} {have}, the manifest says {want}; build the "
                "bundle again"
            )


def _difference(seen: list[str], wanted: list[str]) -> str:
    missing = [name for name in wanted if name not in seen]
    extra = [name for name in seen if name not in wanted]
    if missing:
        return f"{missing[0]!r:.80} is missing"
    if extra:
        return f"{extra[0]!r:.80} does not belong there"
    at = next(i for i, (a, b) in enumerate(zip(seen, wanted, strict=False)) if a != b)
    return f"{seen[at]!r:.80} stands where {wanted[at]!r} must be"
