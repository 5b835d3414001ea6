"""What was measured, held against what is allowed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from edgeclf.latency.budget import LatencyBudget
from edgeclf.latency.judgement import Judgement, Readings, judge
from edgeclf.latency.summary import StageSummary
from edgeclf.latency.timer import StageTimer
from edgeclf.types import TimestampOrigin

__all__ = ["LatencyReport", "Verdict"]

Verdict: TypeAlias = Literal["within", "over"]


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
        return judge(self.budget, self.stages, self.readings)

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
