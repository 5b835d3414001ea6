"""Which files a bundle has, in which order, how large they may be, and their digests."""

import hashlib
from collections.abc import Mapping

from edgeclf.errors import BundleError, ModelFileError
from edgeclf.golden import golden_names
from edgeclf.manifest import Manifest, MemberRecord
from edgeclf.types import ModelFormat, ModelSpec, TensorSpec

__all__ = [
    "ENVELOPE",
    "LABELS",
    "MANIFEST",
    "MAX_FILE_BYTES",
    "MODELS",
    "check_digests",
    "check_members",
    "check_model_file",
    "check_sizes",
    "member_records",
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


def check_members(
    members: Mapping[str, bytes], manifest: Manifest, *, signed: bool
) -> None:
    """Hold the names and their order against the manifest and the format.

    Raises:
        BundleError: One is missing, too many, or in another's place.
    """
    expected = [LABELS, MODELS[manifest.model.format]]
    for index in range(len(manifest.golden.vectors)):
        expected += golden_names(index)
    listed = [record.name for record in manifest.members]
    if listed != expected:
        raise BundleError(
            "manifest.members does not list the members of this format in their order: "
            + _difference(listed, expected)
        )
    present = list(members)
    wanted = [MANIFEST, *([ENVELOPE] if signed else []), *expected]
    if present != wanted:
        raise BundleError(
            f"the members are not those that the manifest lists, in its order: "
            f"{_difference(present, wanted)}; build the bundle again"
        )


def check_digests(members: Mapping[str, bytes], manifest: Manifest) -> None:
    """Hold the members' bytes against the manifest.

    Raises:
        BundleError: One has another size or SHA-256.
    """
    for record in manifest.members:
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
