"""Running the shipped loop, with the machine watched."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from importlib import metadata

from edgeclf.bench.blocks import BlockCounter
from edgeclf.bench.extent import QUICK, Extent, Progress, RunLength
from edgeclf.bench.judge import is_profiles_machine
from edgeclf.bench.report import BenchReport
from edgeclf.errors import SourceError
from edgeclf.json_values import canonical_json, to_json_value
from edgeclf.latency import LatencyBudget, Readings
from edgeclf.machine import (
    MachineMonitor,
    MachineReader,
    peak_memory_mib,
    read_identity,
)
from edgeclf.profiles import Profile
from edgeclf.sources import Source
from edgeclf.stream import FrameClassifier, LoopReport, Stop, run_loop

__all__ = ["BenchOptions", "measure"]


def _no_progress(_: float) -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchOptions:
    """How to measure.

    Attributes:
        extent: How long.
        warmup: Frames to classify before.
        as_host: Compare with the profile's budget even where this is another machine;
            that gives no verdict.
        process_age_ns: Returns how long ago the process started; asked once, at the
            first label. Leave it out where the process did other things before.
        peak_memory_mib: Returns the peak memory of this process.
        stop: Ends the run early.
        progress: Told about once a second.
        reader: Reads the machine.
        clock: Nanoseconds on CLOCK_MONOTONIC.
    """

    extent: Extent = QUICK
    warmup: int = 32
    as_host: bool = False
    process_age_ns: Callable[[], int | None] | None = None
    peak_memory_mib: Callable[[], float | None] = peak_memory_mib
    stop: Stop = field(default_factory=Stop)
    progress: Progress = _no_progress
    reader: MachineReader = field(default_factory=MachineReader)
    clock: Callable[[], int] = time.monotonic_ns

    def __post_init__(self) -> None:
        if self.warmup < 1:
            raise ValueError(f"warmup must be at least 1, got {self.warmup}")


def measure(
    classifier: FrameClassifier, source: Source, profile: Profile, options: BenchOptions
) -> BenchReport:
    """Run the loop that ``edgeclf run`` runs, and hold it against a budget.

    Args:
        classifier: Left open.
        source: Left open; its first ``warmup`` frames are not counted.
        profile: What to compare with.
        options: How to measure.

    Raises:
        SourceError: The source ends before the warm-up does, or fails.
        BackendError: The engine failed.
    """
    machine = read_identity(options.reader.root)
    cold_start_ns, numbered = _warm_up(classifier, source, options)
    length = RunLength(options.extent, options.stop, options.progress, options.clock)
    counter = BlockCounter()
    with MachineMonitor(options.reader) as monitor:
        run = run_loop(
            source,
            classifier,
            sinks=[counter, length],
            stop=options.stop,
            clock=options.clock,
        )
    conditions = monitor.conditions
    is_compared = options.as_host or is_profiles_machine(profile, machine)
    latency = replace(
        run.latency,
        budget=LatencyBudget.from_profile(profile) if is_compared else None,
        readings=Readings(
            cold_start_ms=None if cold_start_ns is None else cold_start_ns / 1e6,
            rss_mib=options.peak_memory_mib(),
            temperature_c=conditions.temperature_max_c,
        ),
    )
    return BenchReport(
        run=_without_warmup(replace(run, latency=latency), numbered),
        profile=profile,
        machine=machine,
        conditions=conditions,
        is_complete=length.is_done,
        warmup=options.warmup,
        edgeclf_version=metadata.version("edgeclf"),
        preprocess_digest=_preprocess_digest(classifier),
        blocks=counter.blocks,
    )


def _preprocess_digest(classifier: FrameClassifier) -> str:
    """Return the SHA-256 of the preprocessing: a bare model file does not hold it."""
    spec = to_json_value(classifier.model.spec.preprocess)
    return hashlib.sha256(canonical_json(spec)).hexdigest()


def _warm_up(
    classifier: FrameClassifier, source: Source, options: BenchOptions
) -> tuple[int | None, int]:
    """Classify the first frames.

    Returns:
        The cold start in nanoseconds, and how many frames the source had numbered.
    """
    cold_start_ns: int | None = None
    numbered = 0
    iterator = iter(source)
    for number in range(options.warmup):
        frame = next(iterator, None)
        if frame is None:
            raise SourceError(
                f"{source.uri}: it ended during the warm-up of {options.warmup} "
                "frames: give a longer one, or a smaller --warmup"
            )
        classifier.classify(frame)
        numbered = frame.sequence + 1
        if number == 0 and options.process_age_ns is not None:
            cold_start_ns = options.process_age_ns()
    return cold_start_ns, numbered


def _without_warmup(run: LoopReport, numbered: int) -> LoopReport:
    """Take the frames of the warm-up out of those that were skipped."""
    skipped = max(0, run.counts.skipped - numbered)
    return replace(run, counts=replace(run.counts, skipped=skipped))
