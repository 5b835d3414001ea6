"""One file that holds a model and everything needed to use and check it.

The reader checks in this order, and stops at the first fault: size, container,
envelope, manifest, digests, labels and golden members, model file.
docs/bundle-format.md describes the format for people who write another reader.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edgeclf.container import read_container, write_container
from edgeclf.errors import BundleError, ModelFileError
from edgeclf.files import read_file, write_atomically
from edgeclf.golden import (
    GoldenSet,
    GoldenVector,
    check_golden_members,
    decode_golden,
    encode_golden,
    golden_names,
)
from edgeclf.labels import decode_labels, encode_labels
from edgeclf.manifest import (
    GoldenRecord,
    Manifest,
    MemberRecord,
    Provenance,
    Quality,
    manifest_bytes,
    read_manifest,
)
from edgeclf.modelfile import read_model_file
from edgeclf.signing import Envelope, read_envelope
from edgeclf.types import Model, ModelFormat, ModelSpec, Task, TensorSpec

__all__ = [
    "Bundle",
    "GoldenVector",
    "Provenance",
    "Quality",
    "encode_bundle",
    "parse_bundle",
    "read_bundle",
    "write_bundle",
]

_MANIFEST = "manifest.json"
_ENVELOPE = "manifest.dsse.json"
_LABELS = "labels.txt"
_MODELS: Mapping[ModelFormat, str] = {"tflite": "model.tflite", "onnx": "model.onnx"}

_MIB = 2**20
_MAX_FILE = 768 * _MIB
_MAX_SIZES = {
    _MANIFEST: _MIB,
    _ENVELOPE: 2 * _MIB,
    _LABELS: 8 * _MIB,
    "model.tflite": 512 * _MIB,
    "model.onnx": 512 * _MIB,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A bundle whose every check but the replay of its golden vectors has passed.

    Attributes:
        path: Where it was read.
        manifest: What it says of itself.
        labels: One a class, in the order of the scores.
        model_bytes: The model file.
        golden_members: The golden members as stored.
        digest: Its identity: SHA-256 of ``manifest.json``, in hex.
        envelope: Signatures, unchecked; ``None`` when it is not signed.
    """

    path: Path
    manifest: Manifest = field(repr=False)
    labels: tuple[str, ...] = field(repr=False)
    model_bytes: bytes = field(repr=False)
    golden_members: Mapping[str, bytes] = field(repr=False)
    digest: str
    envelope: Envelope | None = None

    @property
    def model(self) -> Model:
        """The model, ready to be opened."""
        return Model(
            name=self.manifest.name,
            spec=self.manifest.model,
            task=self.manifest.task,
            labels=self.labels,
            data=self.model_bytes,
            digest=self.digest,
        )

    @property
    def golden(self) -> tuple[GoldenVector, ...]:
        """The golden vectors, unpacked anew each time.

        Raises:
            BundleError: One of them does not unpack to the model's input.
        """
        return decode_golden(
            self.golden_members,
            self.manifest.model,
            names=self.manifest.golden.vectors,
        )


def encode_bundle(  # noqa: PLR0913 - a bundle has eight parts; all are named
    *,
    name: str,
    model_bytes: bytes,
    labels: Sequence[str],
    spec: ModelSpec,
    task: Task,
    golden: GoldenSet,
    provenance: Provenance,
    quality: Quality,
) -> bytes:
    """Return a bundle's bytes: the same for the same arguments and zlib.

    Raises:
        BundleError: Parts that do not fit each other.
    """
    try:
        members = {
            _LABELS: encode_labels(labels, classes=spec.classes),
            _MODELS[spec.format]: model_bytes,
            **encode_golden(golden, spec),
        }
        manifest = Manifest(
            name=name,
            task=task,
            model=spec,
            members=_records(members),
            golden=GoldenRecord(
                origin=golden.origin,
                vectors=tuple(vector.name for vector in golden.vectors),
                kernels=golden.kernels,
            ),
            provenance=provenance,
            quality=quality,
        )
        data = write_container({_MANIFEST: manifest_bytes(manifest), **members})
    except (TypeError, ValueError) as error:
        raise BundleError(f"cannot make the bundle {name!r}: {error}") from error
    return data


def write_bundle(path: Path, data: bytes) -> Bundle:
    """Check the bytes, write them in one step, and return what the file now holds.

    Raises:
        BundleError: ``data`` is not a bundle; the file is untouched.
        OutputFileError: It cannot be written.
    """
    parse_bundle(data, path=path)
    write_atomically(path, data)
    return read_bundle(path)


def read_bundle(path: Path | str) -> Bundle:
    """Return the bundle in a file after all checks that need no engine.

    Raises:
        InputFileError: The file is missing, unreadable, empty or too large.
        BundleError: It must not be used; one line says why and what to do.
    """
    path = Path(path)
    data = read_file(path, what="a bundle", limit=_MAX_FILE)
    return parse_bundle(data, path=path)


def parse_bundle(data: bytes, *, path: Path) -> Bundle:
    """Return the bundle that these bytes are.

    Args:
        data: The whole file.
        path: For messages and ``Bundle.path``.

    Raises:
        BundleError: It must not be used.
    """
    try:
        return _parse(data, path)
    except BundleError as error:
        raise BundleError(f"{path}: {error}") from error


def _parse(data: bytes, path: Path) -> Bundle:
    members = read_container(data)
    _check_sizes(members)
    raw_manifest = _take_manifest(members)
    envelope = None
    if _ENVELOPE in members:
        envelope = read_envelope(bytes(members[_ENVELOPE]), manifest=raw_manifest)
    manifest = read_manifest(raw_manifest)
    _check_members(members, manifest, signed=envelope is not None)
    _check_digests(members, manifest)
    labels, golden = _read_parts(members, manifest)
    model = bytes(members[_MODELS[manifest.model.format]])
    _check_model(model, manifest.model)
    return Bundle(
        path=path,
        manifest=manifest,
        labels=labels,
        model_bytes=model,
        golden_members=golden,
        digest=hashlib.sha256(raw_manifest).hexdigest(),
        envelope=envelope,
    )


def _records(members: Mapping[str, bytes]) -> tuple[MemberRecord, ...]:
    return tuple(
        MemberRecord(name=name, size=len(data), sha256=hashlib.sha256(data).hexdigest())
        for name, data in members.items()
    )


def _take_manifest(members: Mapping[str, memoryview]) -> bytes:
    first = next(iter(members))
    if first != _MANIFEST:
        raise BundleError(
            f"the first member is {first}, must be {_MANIFEST}: this is no bundle, or "
            "it was packed by another program"
        )
    return bytes(members[_MANIFEST])


def _check_sizes(members: Mapping[str, memoryview]) -> None:
    for name, payload in members.items():
        limit = _MAX_SIZES.get(name)
        if limit is not None and len(payload) > limit:
            raise BundleError(
                f"{name}: {len(payload)} bytes, over the limit of {limit}"
            )


def _check_members(
    members: Mapping[str, memoryview], manifest: Manifest, *, signed: bool
) -> None:
    """Hold the names and their order against the manifest and the format."""
    expected = [_LABELS, _MODELS[manifest.model.format]]
    for index in range(len(manifest.golden.vectors)):
        expected += golden_names(index)
    listed = [record.name for record in manifest.members]
    if listed != expected:
        raise BundleError(
            "manifest.members does not list the members of this format in their order: "
            + _difference(listed, expected)
        )
    present = list(members)
    wanted = [_MANIFEST, *([_ENVELOPE] if signed else []), *expected]
    if present != wanted:
        raise BundleError(
            f"the members are not those that the manifest lists, in its order: "
            f"{_difference(present, wanted)}; build the bundle again"
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


def _check_digests(members: Mapping[str, memoryview], manifest: Manifest) -> None:
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


def _read_parts(
    members: Mapping[str, memoryview], manifest: Manifest
) -> tuple[tuple[str, ...], dict[str, bytes]]:
    count = len(manifest.golden.vectors)
    try:
        labels = decode_labels(bytes(members[_LABELS]), classes=manifest.model.classes)
        check_golden_members(members, manifest.model, count=count)
    except ValueError as error:
        raise BundleError(f"{error}; build the bundle again") from error
    golden = {
        name: bytes(members[name])
        for index in range(count)
        for name in golden_names(index)
    }
    return labels, golden


def _check_model(data: bytes, spec: ModelSpec) -> None:
    """Hold what the model file takes and gives against the manifest."""
    name = _MODELS[spec.format]
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
