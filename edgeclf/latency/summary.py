"""What a stage's durations amount to."""

from dataclasses import dataclass

from edgeclf.latency.budget import Statistic
from edgeclf.latency.samples import Samples

__all__ = ["StageSummary"]


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
