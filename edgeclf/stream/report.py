"""What a run of the loop amounts to."""

from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

from edgeclf.latency import LatencyReport
from edgeclf.stream.agreement import LoresAgreement
from edgeclf.stream.choice import WorkerChoice
from edgeclf.stream.counts import Counts
from edgeclf.stream.sink_counts import SinkCounts
from edgeclf.types import EngineIdentity

__all__ = ["Ended", "LoopReport"]

Ended: TypeAlias = Literal[
    "frames",
    "duration",
    "end-of-source",
    "interrupted",
    "terminated",
    "overheated",
    "failed",
]
"""Why a loop ended: a limit, no more frames, Ctrl-C, SIGTERM, heat, or an error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopReport:
    """Counts, times, and what ran.

    Attributes:
        source: URI of the source.
        model_name: For people.
        model_digest: The bundle's identity, or the SHA-256 of a bare model file.
        engine: What ran the model, as read back.
        counts: What became of the frames.
        latency: Percentiles of every stage, and of the age with its origin.
        elapsed_ns: From the start of the loop to its end.
        ended: Why it ended.
        sinks: What became of the records of each sink that has a buffer, the report
            itself left out.
        workers: How many frames could be decided at once; each worker had an engine
            like ``engine``.
        choice: Why there were so many workers; ``None`` where somebody said so.
        outages: How often the source was lost.
        lores: What reading a camera's small stream did to the decisions before the
            loop; ``None`` where there was no such stream, or nobody looked.
    """

    source: str
    model_name: str
    model_digest: str
    engine: EngineIdentity
    counts: Counts
    latency: LatencyReport
    elapsed_ns: int
    ended: Ended
    sinks: tuple[SinkCounts, ...] = ()
    workers: int = 1
    choice: WorkerChoice | None = None
    outages: int = 0
    lores: LoresAgreement | None = None

    @property
    def decisions_per_s(self) -> float:
        """Decisions a second over the whole run."""
        return self.counts.decided * 1e9 / self.elapsed_ns if self.elapsed_ns else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return everything, JSON-ready; durations in nanoseconds."""
        return {
            "source": self.source,
            "ended": self.ended,
            "counts": asdict(self.counts),
            "outages": self.outages,
            "elapsed_ns": self.elapsed_ns,
            "decisions_per_s": self.decisions_per_s,
            "stages": {
                name: stage.to_dict() for name, stage in self.latency.stages.items()
            },
            "age_origin": self.latency.age_origin,
            "model": {"name": self.model_name, "digest": self.model_digest},
            "engine": asdict(self.engine),
            "sinks": [asdict(sink) for sink in self.sinks],
            "workers": self.workers,
            "choice": None if self.choice is None else self.choice.to_dict(),
            "lores": None if self.lores is None else self.lores.to_dict(),
        }
