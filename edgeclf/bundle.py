"""One file that holds a model and everything needed to use and check it.

The reader checks in this order, and stops at the first fault: size, container,
envelope, manifest, digests, labels and golden members, model file.
docs/bundle-format.md describes the format for people who write another reader.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from edgeclf.container import read_container, write_container
from edgeclf.errors import BundleError
from edgeclf.files import write_atomically
from edgeclf.golden import GoldenSet, GoldenVector, decode_golden, encode_golden
from edgeclf.golden_members import golden_names
from edgeclf.labels import encode_labels
from edgeclf.manifest import (
    GoldenRecord,
    Manifest,
    Provenance,
    Quality,
    manifest_bytes,
    read_manifest,
)
from edgeclf.members import (
    LABELS,
    MANIFEST,
    MODELS,
    check_model_file,
    check_parts,
    check_sizes,
    member_records,
    named,
    read_envelope_of,
    read_members,
    take_manifest,
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
        with named(self.path):
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


def read_bundle(path: Path | str) -> Bundle:
    """Return the bundle in a file after all checks that need no engine.

    Raises:
        InputFileError: The file is missing, unreadable, empty or too large.
        BundleError: It must not be used; one line says why and what to do.
    """
    path = Path(path)
    with named(path):
        return _check(read_members(path), path)


def parse_bundle(data: bytes, *, path: Path) -> Bundle:
    """Return the bundle that these bytes are.

    Args:
        data: The whole file.
        path: For messages and ``Bundle.path``.

    Raises:
        BundleError: It must not be used.
    """
    with named(path):
        return _check(read_container(data), path)


def _check(members: Mapping[str, bytes], path: Path) -> Bundle:
    check_sizes(members)
    raw_manifest = take_manifest(members)
    envelope = read_envelope_of(members)
    manifest = read_manifest(raw_manifest)
    vectors = len(manifest.golden.vectors)
    labels = check_parts(members, manifest, vectors=vectors)
    model = members[MODELS[manifest.model.format]]
    check_model_file(model, manifest.model)
    return Bundle(
        path=path,
        manifest=manifest,
        labels=labels,
        model_bytes=model,
        golden_members={
            name: members[name]
            for index in range(vectors)
            for name in golden_names(index)
        },
        digest=hashlib.sha256(raw_manifest).hexdigest(),
        envelope=envelope,
    )
