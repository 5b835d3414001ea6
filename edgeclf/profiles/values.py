"""What a profile is, once read."""

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

__all__ = [
    "BudgetLimits",
    "Fact",
    "FactValue",
    "LatencyRatio",
    "Profile",
    "Runtime",
    "Source",
    "Statistic",
    "SystemSupport",
]

Runtime: TypeAlias = Literal["native", "container", "none"]
Statistic: TypeAlias = Literal["p50", "p90", "p95", "p99", "max"]
FactValue: TypeAlias = int | float | str | tuple[int, ...] | tuple[str, ...]

_REVISION = re.compile(r" Rev [0-9]+(\.[0-9]+)*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where values were read.

    Attributes:
        title: For people.
        where: A repository path, an address, or ``edgeclf`` for a choice of our own.
        checked: When it was last read.
    """

    title: str
    where: str
    checked: dt.date


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One value and where it came from.

    Attributes:
        value: In the unit that its key names.
        source: Key of the profile's ``sources``.
        note: What a reader should know before using it.
    """

    value: FactValue
    source: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemSupport:
    """An operating system for the board, and the engines that install there.

    Attributes:
        name: For people.
        python: Its own Python, ``"3.11"``.
        engines: Newest version with a wheel, by engine; absent means that none has.
        source: Key of the profile's ``sources``.
    """

    name: str
    python: str
    engines: Mapping[str, str]
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyRatio:
    """How much faster one precision was than another, over published pairs.

    Attributes:
        precision: The one that is asked about: ``int8`` or ``fp16``.
        against: What it is compared with.
        engines: Engines of ours that it speaks for; empty when for none.
        runtime: What was measured, and its version.
        threads: As published, often ``not stated``.
        statistic: What was compared.
        median: Of ``latency(against) / latency(precision)``; above 1 is faster.
        low: Smallest of the pairs.
        high: Largest of the pairs.
        pairs: How many models were measured both ways.
        source: Key of the profile's ``sources``.
        note: What a reader should know before using it.
    """

    precision: str
    against: str
    engines: tuple[str, ...]
    runtime: str
    threads: str
    statistic: str
    median: float
    low: float
    high: float
    pairs: int
    source: str
    note: str = ""

    @property
    def is_conclusive(self) -> bool:
        """Whether all of at least eight pairs agree on which is faster."""
        return self.pairs >= 8 and (self.low > 1 or self.high < 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetLimits:
    """A profile's default budget.

    Attributes:
        stages_ms: Limits in milliseconds, by stage and statistic.
        cold_start_ms: From the start of the process to its first label.
        rss_mib: Peak resident memory of the process.
        temperature_c: Highest temperature of the processor.
        source: Key of the profile's ``sources``.
        note: Why these.
    """

    stages_ms: Mapping[str, Mapping[Statistic, float]]
    cold_start_ms: float | None
    rss_mib: float | None
    temperature_c: float | None
    source: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What is known of one board.

    Attributes:
        name: Its file's stem: ``raspberry-pi-4b``.
        title: For people.
        is_board: Whether it describes hardware; ``generic-cpu`` does not.
        device_tree_models: Names that the board gives itself, without ``Rev 1.4``.
        runtime: Whether this package runs on the board's own Python.
        facts: By dotted key, such as ``cpu.cores``; see ``schema.FACTS``.
        missing: Keys that no source was found for.
        systems: Operating systems and engines.
        latency_ratios: What is published on precisions.
        budget: Default limits.
        sources: What the other fields cite.
    """

    name: str
    title: str
    is_board: bool
    device_tree_models: tuple[str, ...]
    runtime: Runtime
    facts: Mapping[str, Fact]
    missing: tuple[str, ...]
    systems: tuple[SystemSupport, ...]
    latency_ratios: tuple[LatencyRatio, ...]
    budget: BudgetLimits
    sources: Mapping[str, Source]

    def value(self, key: str) -> FactValue | None:
        """Return a fact's value, or ``None`` when it is not known."""
        fact = self.facts.get(key)
        return None if fact is None else fact.value

    def describes(self, board: str) -> bool:
        """Whether a board that names itself so is this one; a revision is ignored."""
        return _REVISION.sub("", board) in self.device_tree_models

    def ratio(self, precision: str, *, engine: str) -> LatencyRatio | None:
        """Return what is published on a precision for an engine, or ``None``.

        Where several rows are, the one with the most pairs.
        """
        rows = [
            row
            for row in self.latency_ratios
            if row.precision == precision and engine in row.engines
        ]
        return max(rows, key=lambda row: row.pairs, default=None)

    def to_dict(self) -> dict[str, Any]:
        """Return everything, JSON-ready."""
        fields = {
            name: value
            for name, value in asdict(self).items()
            if name not in {"sources", "is_board"}
        }
        return {
            **fields,
            "kind": "board" if self.is_board else "generic",
            "sources": {
                name: {
                    "title": each.title,
                    "where": each.where,
                    "checked": each.checked.isoformat(),
                }
                for name, each in self.sources.items()
            },
        }
