"""One limit of a budget beside what was measured."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from edgeclf.latency.budget import SAMPLES_NEEDED, LatencyBudget, Statistic
from edgeclf.latency.summary import StageSummary

__all__ = ["Judgement", "Readings", "judge"]


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


def judge(
    budget: LatencyBudget, stages: Mapping[str, StageSummary], readings: Readings
) -> tuple[Judgement, ...]:
    """Return every limit of a budget beside what was measured."""
    return (*_judge_stages(budget, stages), *_judge_readings(budget, readings))


def _judge_stages(
    budget: LatencyBudget, stages: Mapping[str, StageSummary]
) -> Iterator[Judgement]:
    for limit in budget.limits:
        stage = stages.get(limit.stage)
        yield Judgement(
            name=limit.stage,
            statistic=limit.statistic,
            unit="ms",
            limit=limit.limit_ms,
            measured=None if stage is None else stage.value_ns(limit.statistic) / 1e6,
            count=0 if stage is None else stage.count,
        )


def _judge_readings(budget: LatencyBudget, readings: Readings) -> Iterator[Judgement]:
    rows = (
        ("cold_start", "ms", budget.cold_start_ms, readings.cold_start_ms),
        ("rss", "MiB", budget.rss_mib, readings.rss_mib),
        ("temperature", "°C", budget.temperature_c, readings.temperature_c),
    )
    for name, unit, limit, measured in rows:
        if limit is not None:
            yield Judgement(
                name=name,
                statistic=None,
                unit=unit,
                limit=limit,
                measured=measured,
                count=0 if measured is None else 1,
            )
