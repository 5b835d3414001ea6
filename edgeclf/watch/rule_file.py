"""A rule as a TOML file."""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from edgeclf.errors import InputFileError
from edgeclf.files import read_file
from edgeclf.json_values import from_json_value, to_json_value
from edgeclf.watch.rule import EventRule

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["FORMAT", "parse_rule", "read_rule", "rule_toml"]

FORMAT: Final = 1
"""Number of the file's format; raised when a key changes its meaning or goes."""

_LARGEST = 4 << 20


def read_rule(path: Path) -> EventRule:
    """Return the rule that a file holds.

    Raises:
        InputFileError: It is missing, not TOML, or holds what no rule can hold.
    """
    data = read_file(path, what="a TOML file with a rule for events", limit=_LARGEST)
    try:
        return parse_rule(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise InputFileError(f"{path}: not UTF-8 at byte {error.start}") from error
    except ValueError as error:
        raise InputFileError(f"{path}: {error}") from error


def parse_rule(text: str) -> EventRule:
    """Return the rule that a TOML document holds.

    What is left out has its default. A label that has a table of its own has what
    ``thresholds`` says, but for what it says itself.

    Raises:
        ValueError: It is not TOML, has an unknown key, or a value that cannot be.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"not a TOML document: {error}") from error
    if document.pop("format", None) != FORMAT:
        raise ValueError(f"format must be there and be {FORMAT}")
    document.setdefault("labels", {})
    shared, own = document.get("thresholds"), document["labels"]
    if isinstance(shared, dict) and isinstance(own, dict):
        document["labels"] = {
            label: {**shared, **table} if isinstance(table, dict) else table
            for label, table in own.items()
        }
    return from_json_value(EventRule, document, where="rule")


def rule_toml(rule: EventRule) -> str:
    """Return the document that ``parse_rule`` reads as the same rule.

    Raises:
        ValueError: A label cannot be written as Unicode text.
    """
    return "\n".join(_lines(rule)) + "\n"


def _lines(rule: EventRule) -> Iterator[str]:
    yield "# When events of labels start and end: 'edgeclf run --events' (docs/events.md)"
    yield f"format = {FORMAT}"
    if rule.watched is not None:
        yield f"watched = [{', '.join(map(_text, rule.watched))}]"
    yield f"max_gap_ms = {rule.max_gap_ms}"
    yield from _table("smoothing", to_json_value(rule.smoothing))
    yield from _table("thresholds", _every_field(rule.thresholds))
    for label, thresholds in rule.labels.items():
        yield from _table(f"labels.{_text(label)}", _every_field(thresholds))
    if rule.measured is not None:
        yield from _table("measured", to_json_value(rule.measured))


def _every_field(thresholds: Any) -> Mapping[str, Any]:
    """Return the defaults, too: they are what one wants to change first."""
    return {name: getattr(thresholds, name) for name in thresholds.__slots__}


def _table(name: str, values: Mapping[str, Any]) -> Iterator[str]:
    yield ""
    yield f"[{name}]"
    for key, value in values.items():
        written = _text(value) if isinstance(value, str) else repr(value)
        yield f"{key} = {written}"


def _text(text: str) -> str:
    text.encode()
    # A rule has no control characters, so what JSON escapes is what TOML does.
    return json.dumps(text, ensure_ascii=False)
