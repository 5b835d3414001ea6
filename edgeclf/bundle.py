"""One file that holds a model and everything needed to use and check it.

The reader checks in this order, and stops at the first fault: size, container,
envelope, manifest, digests, labels and golden members, model file.
docs/bundle-format.md describes the format for people who write another reader.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from edgeclf.container import read_container, read_container_file, write_container
from edgeclf.errors import BundleError
from edgeclf.files import open_file, write_atomically
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
    Provenance,
    Quality,
    manifest_bytes,
    read_manifest,
)
from edgeclf.members import (
    ENVELOPE,
    LABELS,
    MANIFEST,
    MAX_FILE_BYTES,
    MODELS,
    check_digests,
    check_members,
    check_model_file,
    check_sizes,
    member_records,
)
from edgeclf.types import Model, ModelSpec, Task

if TYPE_CHECKING:
    from edgeclf.signing import Envelope

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
    envelope: "Envelope | None" = None

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
        with _named(self.path):
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
            LABELS: encode_labels(labels, classes=spec.classes),
            MODELS[spec.format]: model_bytes,
            **encode_golden(golden, spec),
        }
        manifest = Manifest(
            name=name,
            task=task,
            model=spec,
            members=member_records(members),
            golden=GoldenRecord(
                origin=golden.origin,
                vectors=tuple(vector.name for vector in golden.vectors),
                kernels=golden.kernels,
            ),
            provenance=provenance,
            quality=quality,
        )
        data = write_container({MANIFEST: manifest_bytes(manifest), **members})
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


def read_bundle(path: Path | str, *, check_model: bool = True) -> Bundle:
    """Return the bundle in a file after all checks that need no engine.

    Args:
        path: The file.
        check_model: Read the model file too and hold it against the manifest; not
            needed where an engine is about to do both.

    Raises:
        InputFileError: The file is missing, unreadable, empty or too large.
        BundleError: It must not be used; one line says why and what to do.
    """
    path = Path(path)
    with _named(path):
        with open_file(path, what="a bundle", limit=MAX_FILE_BYTES) as file:
            members = read_container_file(file)
        return _check(members, path, check_model=check_model)


def parse_bundle(data: bytes, *, path: Path, check_model: bool = True) -> Bundle:
    """Return the bundle that these bytes are.

    Args:
        data: The whole file.
        path: For messages and ``Bundle.path``.
        check_model: See ``read_bundle``.

    Raises:
        BundleError: It must not be used.
    """
    with _named(path):
        return _check(read_container(data), path, check_model=check_model)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Put the path before the message of a fault found in its bytes."""
    try:
        yield
    except BundleError as error:
        raise BundleError(f"{path}: {error}") from error


def _check(members: Mapping[str, bytes], path: Path, *, check_model: bool) -> Bundle:
    check_sizes(members)
    raw_manifest = _take_manifest(members)
    envelope = _read_envelope(members, raw_manifest)
    manifest = read_manifest(raw_manifest)
    check_members(members, manifest, signed=envelope is not None)
    check_digests(members, manifest)
    labels, golden = _read_parts(members, manifest)
    model = members[MODELS[manifest.model.format]]
    if check_model:
        check_model_file(model, manifest.model)
    return Bundle(
        path=path,
        manifest=manifest,
        labels=labels,
        model_bytes=model,
        golden_members=golden,
        digest=hashlib.sha256(raw_manifest).hexdigest(),
        envelope=envelope,
    )


def _read_envelope(
    members: Mapping[str, bytes], raw_manifest: bytes
) -> "Envelope | None":
    if ENVELOPE not in members:
        return None
    from edgeclf.signing import read_envelope  # noqa: PLC0415 - 2 ms, if it is signed

    return read_envelope(members[ENVELOPE], manifest=raw_manifest)


def _take_manifest(members: Mapping[str, bytes]) -> bytes:
    first = next(iter(members))
    if first != MANIFEST:
        raise BundleError(
            f"the first member is {first}, must be {MANIFEST}: this is no bundle, or "
            "it was packed by another program"
        )
    return members[MANIFEST]


def _read_parts(
    members: Mapping[str, bytes], manifest: Manifest
) -> tuple[tuple[str, ...], dict[str, bytes]]:
    count = len(manifest.golden.vectors)
    try:
        labels = decode_labels(members[LABELS], classes=manifest.model.classes)
        check_golden_members(members, manifest.model, count=count)
    except ValueError as error:
        raise BundleError(f"{error}; build the bundle again") from error
    golden = {
        name: members[name] for index in range(count) for name in golden_names(index)
    }
    return labels, golden
