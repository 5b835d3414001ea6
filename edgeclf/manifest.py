"""What a bundle says of itself: ``manifest.json`` as frozen values, read strictly.

The bytes are canonical: a reader that writes the values it read gets the same bytes.
Nothing in here tells the time or a machine's speed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgeclf.contents import (
    FORMAT,
    Contents,
    MemberRecord,
    parse_manifest,
    require_canonical,
)
from edgeclf.errors import BundleError, SpecError
from edgeclf.json_values import canonical_json, from_json_value, to_json_value
from edgeclf.provenance import Estimate, Kernels, Provenance, Quality
from edgeclf.texts import require_text
from edgeclf.types import PreprocessSpec

__all__ = [
    "FORMAT",
    "Estimate",
    "GoldenRecord",
    "Kernels",
    "Manifest",
    "MemberRecord",
    "Provenance",
    "Quality",
    "manifest_bytes",
    "read_manifest",
    "spec_from_dict",
    "spec_to_dict",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenRecord:
    """Where the golden vectors come from and what computed their scores.

    Attributes:
        origin: ``synthetic:SEED``, or ``folder:NAME`` for pictures of one's own.
        vectors: Their names, in the order of their files.
        kernels: What ran the model.
    """

    origin: str
    vectors: tuple[str, ...]
    kernels: Kernels

    def __post_init__(self) -> None:
        for text in (self.origin, *self.vectors):
            require_text("golden", text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest(Contents):
    """All that a bundle says of itself.

    Attributes:
        golden: About the golden vectors.
        provenance: What it was made from.
        quality: How good it was found.
    """

    golden: GoldenRecord
    provenance: Provenance
    quality: Quality


def manifest_bytes(manifest: Manifest) -> bytes:
    """Return the one way to write this manifest.

    Raises:
        ValueError: A value that JSON cannot hold.
        TypeError: Likewise.
    """
    return canonical_json(to_json_value(manifest))


def read_manifest(data: bytes) -> Manifest:
    """Return the manifest, or refuse it.

    Raises:
        BundleError: Not JSON, from a newer edgeclf, of an unknown task, with values
            that are missing, unknown or contradict each other, or not canonical.
    """
    document = parse_manifest(data)
    try:
        manifest = from_json_value(Manifest, document, where="manifest")
        canonical = manifest_bytes(manifest)
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{error}; build the bundle again") from error
    require_canonical(data, canonical)
    return manifest


def spec_to_dict(spec: PreprocessSpec) -> dict[str, Any]:
    """Return every field of a preprocessing spec, JSON-ready."""
    document: dict[str, Any] = to_json_value(spec)
    return document


def spec_from_dict(document: Mapping[str, Any]) -> PreprocessSpec:
    """Return the spec that ``spec_to_dict`` wrote.

    Raises:
        SpecError: A missing or unknown field, or a wrong value.
    """
    try:
        return from_json_value(PreprocessSpec, dict(document), where="preprocess")
    except ValueError as error:
        raise SpecError(str(error)) from error
