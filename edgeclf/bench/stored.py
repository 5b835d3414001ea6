"""A report that was written before, read back to be compared or drawn."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from edgeclf.bench.blocks import DurationBlocks
from edgeclf.errors import InputFileError
from edgeclf.files import read_file

__all__ = ["IDENTITY", "StoredReport", "read_report"]

_LARGEST = 64 << 20
_WHAT = "a report of 'edgeclf bench'"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredReport:
    """What of a report matters when it is held against another.

    Attributes:
        name: What messages call it: its path.
        identity: What ran on what, by the names of ``IDENTITY``; each value a text.
        invalid: Why the run says nothing; ``None`` where the report does not say.
        blocks: Durations by second; ``None`` where they were not kept.
    """

    name: str
    identity: Mapping[str, str]
    invalid: tuple[str, ...] | None
    blocks: DurationBlocks | None


IDENTITY: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "engine": (("engine", "engine"), ("engine", "delegates")),
    "version": (("engine", "version"),),
    "threads": (("engine", "threads"),),
    "edgeclf": (("edgeclf_version",),),
    "model": (("model", "name"), ("model", "digest")),
    "preprocessing": (("preprocess",),),
    "source": (("source",),),
    "machine": (
        ("machine", "board"),
        ("machine", "cpu"),
        ("machine", "cores"),
        ("machine", "architecture"),
        ("machine", "memory_mib"),
    ),
    "system": (
        ("machine", "system"),
        ("machine", "kernel"),
        ("machine", "python"),
        ("machine", "python_bits"),
    ),
    "governor": (("machine", "governor"),),
    "profile": (("profile",),),
}
"""Where a report says what ran on what, by the name that ``--across`` takes."""

_MAY_BE_ABSENT = {("preprocess",)}  # older reports have none


def read_report(path: Path) -> StoredReport:
    """Return a report from a file that ``bench --report`` or ``--json`` wrote.

    Raises:
        InputFileError: It is missing, or something else.
    """
    data = read_file(path, what=_WHAT, limit=_LARGEST)
    try:
        document = json.loads(data, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise InputFileError(f"{path}: not JSON ({error}); expected {_WHAT}") from error
    try:
        return _report(str(path), document)
    except ValueError as error:
        raise InputFileError(f"{path}: {error}; expected {_WHAT}") from error


def _report(name: str, document: Any) -> StoredReport:
    if not isinstance(document, dict) or document.get("schema") != "edgeclf.bench":
        raise ValueError("its schema is not edgeclf.bench")
    if document.get("version") != 1:
        raise ValueError(f"version {document.get('version')!r} is not 1")
    invalid, blocks = document.get("invalid"), document.get("blocks")
    if invalid is not None and not isinstance(invalid, list):
        raise ValueError("'invalid' is not a list")
    return StoredReport(
        name=name,
        identity={
            each: _joined([_text(document, path) for path in paths])
            for each, paths in IDENTITY.items()
        },
        invalid=None if invalid is None else tuple(map(str, invalid)),
        blocks=None if blocks is None else DurationBlocks.from_dict(blocks),
    )


def _joined(texts: list[str]) -> str:
    return ", ".join(text for text in texts if text != "-") or "-"


def _text(document: Mapping[str, Any], path: tuple[str, ...]) -> str:
    """Return one value as a text; "-" where it is not known."""
    value: Any = document
    for name in path:
        if not isinstance(value, dict) or name not in value:
            if path in _MAY_BE_ABSENT:
                return "-"
            raise ValueError(f"{'.'.join(path)!r} is missing")
        value = value[name]
    if isinstance(value, list):
        return "+".join(map(str, value)) or "none"
    return "-" if value is None else str(value)


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number of JSON")
