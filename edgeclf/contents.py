"""What opening a model needs of ``manifest.json``: all but where it came from.

Where a model came from and how good it was found is for people to read. A camera that
starts needs neither, so their classes are in another module, ``edgeclf.manifest``.
"""

import json
from dataclasses import dataclass
from typing import Any

from edgeclf.errors import BundleError
from edgeclf.json_values import canonical_json, from_json_value, to_json_value
from edgeclf.texts import (
    CONTROL_CHARACTERS,
    require_count,
    require_sha256,
    require_text,
)
from edgeclf.types import ModelSpec, Task

__all__ = [
    "FORMAT",
    "Contents",
    "MemberRecord",
    "parse_manifest",
    "read_contents",
    "require_canonical",
]

FORMAT = 1
"""The format that this version writes, and the newest that it reads."""

_TASK_KINDS = ("multiclass",)
_MAX_SIDE = 4096
_MAX_NAME = 500
_MAX_CLASSES = 100_000
_OTHERS = ("golden", "provenance", "quality")


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
class Contents:
    """What a bundle says of its model and its members.

    Attributes:
        name: For people; never a path.
        task: What the scores mean.
        model: What the model file takes and gives.
        members: Every file but the manifest and its envelope, in the file's order.
        format: Number of the format.
    """

    name: str
    task: Task
    model: ModelSpec
    members: tuple[MemberRecord, ...]
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


def read_contents(data: bytes) -> tuple[Contents, int]:
    """Return the contents and the number of golden vectors, or refuse the manifest.

    Of ``golden``, ``provenance`` and ``quality`` only the canonical form is checked,
    and how many golden vectors are named; ``read_manifest`` checks all.

    Raises:
        BundleError: As ``parse_manifest``; with values that are missing, unknown or
            contradict each other; or not canonical.
    """
    document = parse_manifest(data)
    others = {name: document.pop(name) for name in _OTHERS if name in document}
    try:
        contents = from_json_value(Contents, document, where="manifest")
        count = _count_vectors(others)
        canonical = canonical_json({**to_json_value(contents), **others})
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{error}; build the bundle again") from error
    require_canonical(data, canonical)
    return contents, count


def _count_vectors(others: dict[str, Any]) -> int:
    for name in _OTHERS:
        if name not in others:
            raise ValueError(f"manifest: key {name!r} is missing")
    match others["golden"]:
        case {"vectors": list(vectors)}:
            return len(vectors)
    raise ValueError("manifest.golden: there is no list of vectors")


def require_canonical(data: bytes, canonical: bytes) -> None:
    """Refuse a manifest that is written otherwise than its values are.

    Raises:
        BundleError: The bytes differ.
    """
    if canonical != data:
        raise BundleError(
            "manifest.json is not in canonical form (sorted keys, no spaces, each key "
            "once): build the bundle again with edgeclf"
        )


def parse_manifest(data: bytes) -> dict[str, Any]:
    """Return the JSON object, of a format and task that this version knows.

    Raises:
        BundleError: Not JSON, from a newer edgeclf, or of an unknown task.
    """
    document = _parse(data)
    _check_format(document.get("format"))
    _check_task_kind(document.get("task"))
    return document


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
