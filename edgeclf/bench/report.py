"""What a measured run amounts to."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from edgeclf.bench.blocks import DurationBlocks
from edgeclf.bench.judge import disturbances, is_profiles_machine, mismatch
from edgeclf.latency import LatencyReport, Verdict
from edgeclf.machine import MachineIdentity, RunConditions
from edgeclf.profiles import Profile
from edgeclf.stream import LoopReport

__all__ = ["BenchReport"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchReport:
    """Latency, what it was measured on, and what it may be taken for.

    The machine is always the one that was measured. The profile is only what its
    numbers were held against: where the two differ there is no verdict, whatever was
    asked for, so no result can pass for another machine's.

    Attributes:
        run: Counts and percentiles; its budget is the profile's, or ``None`` where
            nothing was compared.
        profile: What it was to be compared with.
        machine: What it was measured on.
        conditions: How the machine was meanwhile.
        is_complete: Whether the run was as long as asked for.
        warmup: Frames classified before, and left out.
        edgeclf_version: What measured.
        preprocess_digest: SHA-256 of the preprocessing, in hex.
        blocks: Durations by second, which comparing two runs needs.
    """

    run: LoopReport
    profile: Profile
    machine: MachineIdentity
    conditions: RunConditions
    is_complete: bool
    warmup: int
    edgeclf_version: str
    preprocess_digest: str | None = None
    blocks: DurationBlocks | None = None

    @property
    def is_profiles_machine(self) -> bool:
        """Whether the machine is the one that the profile describes."""
        return is_profiles_machine(self.profile, self.machine)

    @property
    def invalid(self) -> tuple[str, ...]:
        """Why the run itself says nothing: throttled, shared, swapped, cut short."""
        reasons = list(disturbances(self.conditions, self.profile))
        if not self.is_complete:
            reasons.append("the run ended early")
        return tuple(reasons)

    @property
    def no_verdict(self) -> tuple[str, ...]:
        """Why there is no verdict; empty when there is one."""
        reasons = list(self.invalid)
        if not self.is_profiles_machine:
            reasons.insert(0, mismatch(self.profile, self.machine))
        if not reasons and self.run.latency.verdict is None:
            reasons.extend(_unjudged(self.run.latency))
        return tuple(reasons)

    @property
    def verdict(self) -> Verdict | None:
        """``within`` or ``over`` the budget, or ``None``."""
        return None if self.no_verdict else self.run.latency.verdict

    @property
    def exit_code(self) -> int:
        """What the command ends with, interruptions aside."""
        codes: dict[Verdict | None, int] = {"within": 0, "over": 3, None: 4}
        return codes[self.verdict]

    def to_dict(self) -> dict[str, Any]:
        """Return everything, JSON-ready; durations in nanoseconds."""
        run = self.run
        return {
            "verdict": self.verdict,
            "no_verdict": list(self.no_verdict),
            "invalid": list(self.invalid),
            "over": list(run.latency.over),
            "board": self.machine.board,
            "profile": self.profile.name,
            "is_profiles_machine": self.is_profiles_machine,
            "model": {"name": run.model_name, "digest": run.model_digest},
            "preprocess": self.preprocess_digest,
            "engine": asdict(run.engine),
            "edgeclf_version": self.edgeclf_version,
            "source": run.source,
            "counts": asdict(run.counts),
            "warmup": self.warmup,
            "elapsed_ns": run.elapsed_ns,
            "is_complete": self.is_complete,
            "latency": run.latency.to_dict(),
            "machine": self.machine.to_dict(),
            "conditions": self.conditions.to_dict(),
            "blocks": None if self.blocks is None else self.blocks.to_dict(),
        }


def _unjudged(latency: LatencyReport) -> Iterator[str]:
    """Yield which limits could not be judged, and why."""
    few = [each for each in latency.unjudged if each.count]
    if few:
        names = ", ".join(f"{each.name} {each.statistic}" for each in few)
        yield f"too few samples to judge {names}"
    absent = [each.name for each in latency.unjudged if not each.count]
    if absent:
        yield f"there was nothing to measure of {', '.join(dict.fromkeys(absent))}"
