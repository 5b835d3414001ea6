"""What was measured, held against what is allowed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from edgeclf.latency.budget import SAMPLES_NEEDED, LatencyBudget, Statistic
from edgeclf.latency.samples import Samples
from edgeclf.latency.timer import StageTimer
from edgeclf.types import TimestampOrigin

__all__ = ["Judgement", "LatencyReport", "Readings", "StageSummary", "Verdict"]

Verdict: TypeAlias = Literal["within", "over"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSummary:
    """How long one stage took.

    Attributes:
        name: The stage.
        count: Durations measured.
        p50_ns: Nearest-rank median; likewise the others.
        max_ns: The longest.
    """

    name: str
    count: int
    p50_ns: int
    p90_ns: int
    p95_ns: int
    p99_ns: int
    max_ns: int

    @classmethod
    def from_samples(cls, name: str, samples: Samples) -> "StageSummary":
        """Return the summary of at least one duration."""
        p50, p90, p95, p99 = samples.percentiles((50, 90, 95, 99))
        return cls(
            name=name,
            count=samples.count,
            p50_ns=p50,
            p90_ns=p90,
            p95_ns=p95,
            p99_ns=p99,
            max_ns=samples.max_ns,
        )

    def value_ns(self, statistic: Statistic) -> int:
        """Return one statistic in nanoseconds."""
        value: int = getattr(self, f"{statistic}_ns")
        return value

    def to_dict(self) -> dict[str, int]:
        """Return the count and the statistics in nanoseconds, JSON-ready."""
        return {
            "count": self.count,
            "p50_ns": self.p50_ns,
            "p90_ns": self.p90_ns,
            "p95_ns": self.p95_ns,
            "p99_ns": self.p99_ns,
            "max_ns": self.max_ns,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """What was read once for the whole run; ``None`` where it cannot be read.

    Attributes:
        cold_start_ms: From the start of the process to its first label.
        rss_mib: Peak resident memory of the process.
        temperature_c: Highest temperature of the processor.
    """

    cold_start_ms: float | None = None
    rss_mib: float | None = None
    temperature_c: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """One limit, and what was measured against it.

    Attributes:
        name: A stage, or ``cold_start``, ``rss``, ``temperature``.
        statistic: Of the stage; ``None`` for a reading.
        unit: ``ms``, ``MiB`` or ``°C``.
        limit: The most allowed, in ``unit``.
        measured: In ``unit``; ``None`` when nothing was measured.
        count: Durations behind it; 1 for a reading.
    """

    name: str
    statistic: Statistic | None
    unit: str
    limit: float
    measured: float | None
    count: int

    @property
    def is_judged(self) -> bool:
        """Whether enough was measured to say anything."""
        if self.measured is None:
            return False
        return self.statistic is None or self.count >= SAMPLES_NEEDED[self.statistic]

    @property
    def is_over(self) -> bool:
        """Whether the measured value is judged, and above the limit."""
        return (
            self.is_judged and self.measured is not None and self.measured > self.limit
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison, JSON-ready; ``over`` is null when it is not judged."""
        return {
            "name": self.name,
            "statistic": self.statistic,
            "unit": self.unit,
            "limit": self.limit,
            "measured": self.measured,
            "count": self.count,
            "over": self.is_over if self.is_judged else None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyReport:
    """Percentiles of every stage, and how they stand to a budget.

    Attributes:
        stages: In the order of a frame's way.
        budget: What is allowed; ``None`` when nobody said.
        age_origin: Who took the time that ages count from.
        readings: Cold start, memory, temperature.
    """

    stages: Mapping[str, StageSummary]
    budget: LatencyBudget | None = None
    age_origin: TimestampOrigin | None = None
    readings: Readings = field(default_factory=Readings)

    @classmethod
    def from_timer(
        cls,
        timer: StageTimer,
        budget: LatencyBudget | None = None,
        *,
        age_origin: TimestampOrigin | None = None,
        readings: Readings | None = None,
    ) -> "LatencyReport":
        """Summarise what a timer has seen so far."""
        return cls(
            stages={
                name: StageSummary.from_samples(name, samples)
                for name, samples in timer.samples.items()
                if samples.count
            },
            budget=budget,
            age_origin=age_origin,
            readings=readings or Readings(),
        )

    @property
    def judgements(self) -> tuple[Judgement, ...]:
        """Every limit of the budget beside what was measured."""
        if self.budget is None:
            return ()
        return (*self._judge_stages(self.budget), *self._judge_readings(self.budget))

    @property
    def over(self) -> tuple[str, ...]:
        """Names of what is over its limit, each once, in the budget's order."""
        return tuple(
            dict.fromkeys(each.name for each in self.judgements if each.is_over)
        )

    @property
    def unjudged(self) -> tuple[Judgement, ...]:
        """Limits that too little was measured for."""
        return tuple(each for each in self.judgements if not each.is_judged)

    @property
    def verdict(self) -> Verdict | None:
        """``over``, ``within``, or ``None`` when a limit could not be judged.

        One limit that is judged and broken is enough for ``over``.
        """
        if self.over:
            return "over"
        return "within" if self.judgements and not self.unjudged else None

    def to_dict(self) -> dict[str, Any]:
        """Return everything, JSON-ready; durations in nanoseconds."""
        return {
            "stages": {name: each.to_dict() for name, each in self.stages.items()},
            "age_origin": self.age_origin,
            "cold_start_ms": self.readings.cold_start_ms,
            "rss_mib": self.readings.rss_mib,
            "temperature_c": self.readings.temperature_c,
            "budget": None if self.budget is None else self.budget.name,
            "judgements": [each.to_dict() for each in self.judgements],
        }

    def _judge_stages(self, budget: LatencyBudget) -> list[Judgement]:
        return [
            Judgement(
                name=limit.stage,
                statistic=limit.statistic,
                unit="ms",
                limit=limit.limit_ms,
                measured=None
                if stage is None
                else stage.value_ns(limit.statistic) / 1e6,
                count=0 if stage is None else stage.count,
            )
            for limit in budget.limits
            for stage in [self.stages.get(limit.stage)]
        ]

    def _judge_readings(self, budget: LatencyBudget) -> list[Judgement]:
        rows = (
            ("cold_start", "ms", budget.cold_start_ms, self.readings.cold_start_ms),
            ("rss", "MiB", budget.rss_mib, self.readings.rss_mib),
            ("temperature", "°C", budget.temperature_c, self.readings.temperature_c),
        )
        return [
            Judgement(
                name=name,
                statistic=None,
                unit=unit,
                limit=limit,
                measured=measured,
                count=0 if measured is None else 1,
            )
            for name, unit, limit, measured in rows
            if limit is not None
        ]
