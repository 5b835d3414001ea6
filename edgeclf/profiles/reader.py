"""Reading a profile: strict, so that a misspelt key or a wrong unit is an error."""

import datetime as dt
import difflib
import sys
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar, get_args

from edgeclf.errors import ProfileError
from edgeclf.profiles.schema import CHOICES, ENGINES, FACTS, FORMAT, FactRule
from edgeclf.profiles.table import Table
from edgeclf.profiles.values import (
    BudgetLimits,
    Fact,
    FactValue,
    LatencyRatio,
    Profile,
    Runtime,
    Source,
    Statistic,
    SystemSupport,
)

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["parse_profile"]

Number = TypeVar("Number", int, float)

_SECTIONS = sorted({key.partition(".")[0] for key in FACTS})


def parse_profile(data: bytes, *, name: str) -> Profile:
    """Return the profile that a TOML file holds.

    Args:
        data: The file's bytes.
        name: The file's stem; the profile must call itself so.

    Raises:
        ProfileError: It is not TOML, or breaks the schema: unknown or missing keys, a
            value of the wrong type or out of its range, a source that is not there.
    """
    table = Table(_toml(data, name), name)
    if table.take("format", int) != FORMAT:
        raise table.fail("format", f"this edgeclf reads format {FORMAT}: update it")
    if table.take_text("name") != name:
        raise table.fail("name", f"must be the file's name, {name!r}")
    kind = table.take_text("kind", choices=("board", "generic"))
    profile = Profile(
        name=name,
        title=table.take_text("title"),
        is_board=kind == "board",
        device_tree_models=table.take_texts("device_tree_models"),
        runtime=_runtime(table),
        facts=_facts(table),
        missing=table.take_texts("missing"),
        systems=tuple(map(_system, table.take_tables("systems"))),
        latency_ratios=tuple(map(_ratio, table.take_tables("latency_ratios"))),
        budget=_budget(table.take_table("budget")),
        sources=_sources(table.take_table("sources")),
    )
    table.finish()
    _check_completeness(profile, table)
    _check_sources(profile, table)
    return profile


def _toml(data: bytes, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(data.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ProfileError(f"{name}: not a TOML file: {error}") from error


def _runtime(table: Table) -> Runtime:
    choices: tuple[Runtime, ...] = get_args(Runtime)
    text = table.take_text("runtime", choices=choices)
    return next(choice for choice in choices if choice == text)


def _facts(table: Table) -> Mapping[str, Fact]:
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


def _system(table: Table) -> SystemSupport:
    engines = table.take_table("engines")
    system = SystemSupport(
        name=table.take_text("name"),
        python=table.take_text("python"),
        engines={
            engine: version
            for engine in ENGINES
            if (version := engines.take_or_none(engine, str)) is not None
        },
        source=table.take_text("source"),
    )
    engines.finish()
    table.finish()
    return system


def _ratio(table: Table) -> LatencyRatio:
    ratio = LatencyRatio(
        precision=table.take_text("precision", choices=("int8", "fp16")),
        against=table.take_text("against", choices=("fp32", "fp16")),
        engines=table.take_texts("engines"),
        runtime=table.take_text("runtime"),
        threads=table.take_text("threads"),
        statistic=table.take_text("statistic"),
        median=table.take("median", float),
        low=table.take("low", float),
        high=table.take("high", float),
        pairs=table.take("pairs", int),
        source=table.take_text("source"),
        note=table.take_or_none("note", str) or "",
    )
    table.finish()
    for engine in ratio.engines:
        if engine not in ENGINES:
            raise table.fail("engines", f"must be of {', '.join(ENGINES)}: {engine!r}")
    if not 0 < ratio.low <= ratio.median <= ratio.high or ratio.pairs < 1:
        raise table.fail("median", "0 < low ≤ median ≤ high and pairs ≥ 1 must hold")
    return ratio


def _budget(table: Table) -> BudgetLimits:
    statistics: tuple[Statistic, ...] = get_args(Statistic)
    stages: dict[str, Mapping[Statistic, float]] = {}
    for stage in ("capture", "preprocess", "invoke", "head", "total", "age"):
        inner = table.take_table(f"{stage}_ms")
        limits: dict[Statistic, float] = {
            statistic: limit
            for statistic in statistics
            if (limit := inner.take_positive(statistic)) is not None
        }
        inner.finish()
        if limits:
            stages[stage] = limits
    budget = BudgetLimits(
        stages_ms=stages,
        cold_start_ms=table.take_positive("cold_start_ms"),
        rss_mib=table.take_positive("rss_mib"),
        temperature_c=table.take_positive("temperature_c"),
        source=table.take_text("source"),
        note=table.take_or_none("note", str) or "",
    )
    table.finish()
    if not stages:
        raise table.fail("total_ms", "a budget limits at least one stage")
    return budget


def _sources(table: Table) -> Mapping[str, Source]:
    sources = {}
    for key, data in table.rest().items():
        entry = Table(data, f"{table.where}.{key}")
        sources[key] = Source(
            title=entry.take_text("title"),
            where=entry.take_text("where"),
            checked=entry.take("checked", dt.date),
        )
        entry.finish()
    return sources


def _check_completeness(profile: Profile, table: Table) -> None:
    """Every fact is stated or listed as missing, and nothing is both."""
    for key in profile.missing:
        if key not in FACTS:
            close = difflib.get_close_matches(key, FACTS, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise table.fail("missing", f"there is no fact {key!r}{hint}")
        if key in profile.facts:
            raise table.fail("missing", f"{key!r} is stated too")
    if profile.is_board and not profile.device_tree_models:
        raise table.fail("device_tree_models", "a board names itself somehow")
    for key in FACTS:
        is_choice = key.startswith(CHOICES)
        is_known = key in profile.facts
        if not profile.is_board and not is_choice and is_known:
            raise table.fail(key, "a generic profile claims nothing of hardware")
        if (profile.is_board or is_choice) and not (is_known or key in profile.missing):
            raise table.fail(key, "state it with its source, or list it under missing")


def _check_sources(profile: Profile, table: Table) -> None:
    """Every value's source is there, and every source is used."""
    cited = set(_cited(profile))
    for key in sorted(cited - profile.sources.keys()):
        raise table.fail("sources", f"{key!r} is cited and not there")
    for key in sorted(profile.sources.keys() - cited):
        raise table.fail("sources", f"{key!r} is not cited by anything")


def _cited(profile: Profile) -> Iterable[str]:
    yield from (fact.source for fact in profile.facts.values())
    yield from (system.source for system in profile.systems)
    yield from (ratio.source for ratio in profile.latency_ratios)
    yield profile.budget.source
