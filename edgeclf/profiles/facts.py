"""Reading the facts of a profile: each in its unit, with its source."""

from collections.abc import Mapping
from typing import TypeVar

from edgeclf.profiles.schema import FACTS, FactRule
from edgeclf.profiles.table import Table
from edgeclf.profiles.values import Fact, FactValue

__all__ = ["read_facts"]

Number = TypeVar("Number", int, float)

_SECTIONS = sorted({key.partition(".")[0] for key in FACTS})


def read_facts(table: Table) -> Mapping[str, Fact]:
    """Return every fact of a profile, by its dotted key.

    Raises:
        ProfileError: A key is unknown, a value of the wrong type or out of its range.
    """
    facts = {}
    for section in _SECTIONS:
        inner = table.take_table(section)
        known = [key for key in FACTS if key.startswith(f"{section}.")]
        for key in known:
            short = key.partition(".")[2]
            entry = inner.take_or_none(short, dict)
            if entry is not None:
                facts[key] = _fact(Table(entry, f"{inner.where}.{short}"), FACTS[key])
        inner.finish()
    return facts


def _fact(entry: Table, rule: FactRule) -> Fact:
    fact = Fact(
        value=_fact_value(entry, rule),
        source=entry.take_text("source"),
        note=entry.take_or_none("note", str) or "",
    )
    entry.finish()
    return fact


def _fact_value(entry: Table, rule: FactRule) -> FactValue:
    if rule.kind == "text":
        return entry.take_text("value", choices=rule.choices)
    if rule.kind == "texts":
        entry_list = entry.take("value", list)
        if not all(isinstance(item, str) and item for item in entry_list):
            raise entry.fail("value", f"expected a list of texts, got {entry_list!r}")
        return tuple(entry_list)
    if rule.kind == "integers":
        items = entry.take("value", list)
        if not items or not all(type(item) is int for item in items):
            raise entry.fail("value", f"expected whole numbers, got {items!r}")
        return tuple(_in_range(entry, item, rule) for item in items)
    if rule.kind == "integer":
        return _in_range(entry, entry.take("value", int), rule)
    return _in_range(entry, entry.take("value", float), rule)


def _in_range(entry: Table, value: Number, rule: FactRule) -> Number:
    if not rule.low <= value <= rule.high:
        raise entry.fail(
            "value",
            f"{value} is not in {rule.low:g}…{rule.high:g} {rule.unit}: "
            "is the unit right?",
        )
    return value
