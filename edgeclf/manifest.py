"""What a bundle says of itself: ``manifest.json`` as frozen values, read strictly.

The bytes are canonical: a reader that writes the values it read gets the same bytes.
Nothing in here tells the time or a machine's speed.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgeclf.errors import BundleError, SpecError
from edgeclf.json_values import canonical_json, from_json_value, to_json_value
from edgeclf.provenance import (
    CONTROL_CHARACTERS,
    Estimate,
    Kernels,
    Provenance,
    Quality,
    require_count,
    require_sha256,
    require_text,
)
from edgeclf.types import ModelSpec, PreprocessSpec, Task

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

FORMAT = 1
"""The format that this version writes, and the newest that it reads."""

_TASK_KINDS = ("multiclass",)
_MAX_SIDE = 4096
_MAX_NAME = 500
_MAX_CLASSES = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberRecord:
    """A file in the bundle.

    Attributes:
        name: As in the container.
        size: Bytes.
        sha256: Of its bytes, in hex.
    """

    name: str
    size: int
    sha256: str

    def __post_init__(self) -> None:
        require_sha256("sha256", self.sha256)
        require_count("size", self.size)


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
class Manifest:
    """All that a bundle says of itself.

    Attributes:
        name: For people; never a path.
        task: What the scores mean.
        model: What the model file takes and gives.
        members: Every file but the manifest and its envelope, in the file's order.
        golden: About the golden vectors.
        provenance: What it was made from.
        quality: How good it was found.
        format: Number of the format.
    """

    name: str
    task: Task
    model: ModelSpec
    members: tuple[MemberRecord, ...]
    golden: GoldenRecord
    provenance: Provenance
    quality: Quality
    format: int = FORMAT

    def __post_init__(self) -> None:
        require_text("name", self.name)
        output = self.model.output.shape
        if len(output) != 2 or output[0] != 1 or output[1] > _MAX_CLASSES:
            raise ValueError(
                f"the output's shape must be (1, classes), got {output}, "
                f"with at most {_MAX_CLASSES} classes"
            )
        for tensor in (self.model.input, self.model.output):
            if len(tensor.name) > _MAX_NAME or CONTROL_CHARACTERS.search(tensor.name):
                raise ValueError(
                    f"a tensor's name must have at most {_MAX_NAME} characters on one "
                    f"line, got {tensor.name[:80]!r}"
                )
        if max(self.model.input.shape) > _MAX_SIDE:
            raise ValueError(
                f"the input's sides must be at most {_MAX_SIDE}, "
                f"got {self.model.input.shape}"
            )


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
    document = _parse(data)
    _check_format(document.get("format"))
    _check_task_kind(document.get("task"))
    try:
        manifest = from_json_value(Manifest, document, where="manifest")
        canonical = manifest_bytes(manifest)
    except ValueError as error:
        raise BundleError(f"{error}; build the bundle again") from error
    if canonical != data:
        raise BundleError(
            "manifest.json is not in canonical form (sorted keys, no spaces, each key "
            "once): build the bundle again with edgeclf"
        )
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


def _parse(data: bytes) -> dict[str, Any]:
    try:
        document = json.loads(data.decode("utf-8"), parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise BundleError(f"manifest.json is not UTF-8: {error.reason}") from error
    except (ValueError, RecursionError) as error:
        raise BundleError(
            f"manifest.json is not JSON ({error}): build the bundle again"
        ) from error
    if not isinstance(document, dict):
        raise BundleError("manifest.json is not an object: build the bundle again")
    return document


def _refuse_constant(constant: str) -> None:
    raise ValueError(f"{constant} is not a JSON number")


def _check_format(number: Any) -> None:
    if type(number) is not int or number < 1:
        raise BundleError(
            f"manifest.format must be a number from 1 to {FORMAT}, got {number!r:.40}"
        )
    if number > FORMAT:
        raise BundleError(
            f"made by a newer edgeclf: bundle format {number}, this one reads up to "
            f"{FORMAT}; upgrade edgeclf"
        )


def _check_task_kind(task: Any) -> None:
    kind = task.get("kind") if isinstance(task, dict) else None
    if isinstance(kind, str) and kind not in _TASK_KINDS:
        raise BundleError(
            f"task kind {kind[:40]!r} is not one that this edgeclf knows "
            f"({', '.join(_TASK_KINDS)}); upgrade edgeclf"
        )
