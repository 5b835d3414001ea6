"""What each stage, and the process, may take."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias, get_args

from edgeclf.profiles import Profile

__all__ = ["SAMPLES_NEEDED", "STATISTICS", "LatencyBudget", "StageLimit", "Statistic"]

Statistic: TypeAlias = Literal["p50", "p90", "p95", "p99", "max"]
STATISTICS: Final[tuple[Statistic, ...]] = get_args(Statistic)

SAMPLES_NEEDED: Final[Mapping[Statistic, int]] = {
    "p50": 1,
    "p90": 128,
    "p95": 256,
    "p99": 1024,
    "max": 1,
}
"""Durations below which a statistic is shown but not judged.

A tail needs at least ten durations beyond it; the median speaks for what there is.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageLimit:
    """One line of a budget.

    Attributes:
        stage: Name of the stage.
        statistic: What of its durations is compared.
        limit_ms: The most it may be, above 0.
    """

    stage: str
    statistic: Statistic
    limit_ms: float

    def __post_init__(self) -> None:
        if self.statistic not in STATISTICS:
            raise ValueError(
                f"statistic must be one of {', '.join(STATISTICS)}, "
                f"got {self.statistic!r}"
            )
        _require_above_zero(f"{self.stage} {self.statistic} limit", self.limit_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyBudget:
    """Limits for the stages of a frame and for the process that runs them.

    Attributes:
        total_ms: Limit on the ``statistic`` of the whole way of a frame.
        stages_ms: Limits on the ``statistic`` of single stages, ``age`` among them.
        statistic: What ``total_ms`` and ``stages_ms`` speak of.
        tails: Further limits, on any statistic of any stage.
        cold_start_ms: From the start of the process to its first label.
        rss_mib: Peak resident memory of the process.
        temperature_c: Highest temperature of the processor.
        name: Whose budget it is, for messages.
    """

    total_ms: float | None = None
    stages_ms: Mapping[str, float] = field(default_factory=dict)
    statistic: Statistic = "p50"
    tails: tuple[StageLimit, ...] = ()
    cold_start_ms: float | None = None
    rss_mib: float | None = None
    temperature_c: float | None = None
    name: str = "budget"

    def __post_init__(self) -> None:
        for name in ("cold_start_ms", "rss_mib", "temperature_c"):
            value = getattr(self, name)
            if value is not None:
                _require_above_zero(name, value)
        if len({(each.stage, each.statistic) for each in self.limits}) != len(
            self.limits
        ):
            raise ValueError("a budget has one limit a stage and statistic")

    @property
    def limits(self) -> tuple[StageLimit, ...]:
        """Every limit on a stage: the whole way first."""
        limits = dict(self.stages_ms)
        if self.total_ms is not None:
            limits = {"total": self.total_ms, **limits}
        return (
            *(
                StageLimit(stage=stage, statistic=self.statistic, limit_ms=limit_ms)
                for stage, limit_ms in limits.items()
            ),
            *self.tails,
        )

    @classmethod
    def from_profile(cls, profile: Profile) -> "LatencyBudget":
        """Return a profile's default budget."""
        budget = profile.budget
        return cls(
            tails=tuple(
                StageLimit(stage=stage, statistic=statistic, limit_ms=limit_ms)
                for stage, limits in budget.stages_ms.items()
                for statistic, limit_ms in limits.items()
            ),
            cold_start_ms=budget.cold_start_ms,
            rss_mib=budget.rss_mib,
            temperature_c=budget.temperature_c,
            name=profile.name,
        )


def _require_above_zero(name: str, value: float) -> None:
    if not 0 < value < float("inf"):
        raise ValueError(f"{name} must be finite and above 0, got {value}")
