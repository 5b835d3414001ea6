"""Reading a profile: strict, so that a misspelt key or a wrong unit is an error."""

import datetime as dt
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from edgeclf.errors import ProfileError
from edgeclf.profiles.consistency import check_consistency
from edgeclf.profiles.facts import read_facts
from edgeclf.profiles.schema import ENGINES, FORMAT
from edgeclf.profiles.table import Table
from edgeclf.profiles.values import (
    BudgetLimits,
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


def parse_profile(data: bytes, *, name: str, path: Path | None = None) -> Profile:
    """Return the profile that a TOML file holds.

    Args:
        data: The file's bytes.
        name: The file's stem; the profile must call itself so.
        path: The file, for messages about one of the user's own.

    Raises:
        ProfileError: It is not TOML, or breaks the schema: unknown or missing keys, a
            value of the wrong type or out of its range, a source that is not there.
    """
    shown = name if path is None else str(path)
    table = Table(_toml(data, shown), shown)
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
        facts=read_facts(table),
        missing=table.take_texts("missing"),
        systems=tuple(map(_system, table.take_tables("systems"))),
        latency_ratios=tuple(map(_ratio, table.take_tables("latency_ratios"))),
        budget=_budget(table.take_table("budget")),
        sources=_sources(table.take_table("sources")),
    )
    table.finish()
    check_consistency(profile, table)
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
