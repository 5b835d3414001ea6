"""Decisions as lines of text, or as JSON objects."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from edgeclf.latency import StageSummary
from edgeclf.stream.counts import Counts
from edgeclf.stream.decision import Decision
from edgeclf.stream.event import Event
from edgeclf.stream.report import LoopReport
from edgeclf.types import EngineIdentity

__all__ = ["JsonSink", "TextSink"]

_ENDED = {
    "frames": "the number of frames asked for",
    "duration": "the time asked for",
    "end-of-source": "end of the source",
    "interrupted": "interrupted",
    "terminated": "asked to stop",
    "overheated": "the board was too hot, or under voltage",
    "failed": "failed",
}


class JsonSink:
    """One JSON object a decision and an event, then one for the report.

    Args:
        write: Prints one object on a line of its own.
    """

    def __init__(self, write: Callable[[Mapping[str, Any]], None]) -> None:
        self._write = write

    def decision(self, decision: Decision) -> None:
        """Write one decision."""
        self._write({"record": "decision", **decision.to_dict()})

    def event(self, event: Event) -> None:
        """Write one event."""
        self._write({"record": "event", **event.to_dict()})

    def report(self, report: LoopReport) -> None:
        """Write the report."""
        self._write({"record": "report", **report.to_dict()})


class TextSink:
    """One line a decision and an event, then a table.

    Args:
        write: Prints a line of results.
        write_report: Prints a line of the report.
    """

    def __init__(
        self, write: Callable[[str], None], write_report: Callable[[str], None]
    ) -> None:
        self._write = write
        self._write_report = write_report

    def decision(self, decision: Decision) -> None:
        """Write one line: number, labels with scores, times in milliseconds, age."""
        labels = ", ".join(
            f"{each.label} {each.score:.3f}" for each in decision.prediction.top
        )
        stages = "  ".join(
            f"{name} {duration_ns / 1e6:.2f}"
            for name, duration_ns in decision.stage_ns.items()
        )
        self._write(
            f"{decision.frame.sequence:>6}  {labels:<32}  {stages}  "
            f"age {decision.age_ns / 1e6:.2f} ms ({decision.frame.timestamp_origin})"
        )

    def event(self, event: Event) -> None:
        """Write one line: what began or ended, when, and how late it was noticed."""
        score = "" if event.score is None else f" {event.score:.3f}"
        detail = f": {event.detail}" if event.detail else ""
        late_ms = (event.noticed_ns - event.at_ns) / 1e6
        self._write(
            f"event   {event.kind} {event.name} {event.phase}{score}{detail}  "
            f"(noticed after {late_ms:.0f} ms)"
        )

    def report(self, report: LoopReport) -> None:
        """Write the report as a table."""
        for line in _report_lines(report):
            self._write_report(line)


def _report_lines(report: LoopReport) -> Iterator[str]:
    counts = report.counts
    yield ""
    yield (
        f"{report.source}: {counts.decided} decisions in "
        f"{report.elapsed_ns / 1e9:.2f} s ({report.decisions_per_s:.1f} a second); "
        f"ended: {_ENDED[report.ended]}"
    )
    yield (
        f"frames: {counts.captured} captured, {counts.decided} decided, "
        f"{counts.skipped} skipped, {counts.unreadable} unreadable{_others(counts)}"
    )
    if report.outages:
        yield f"the source was lost {report.outages} times"
    if report.latency.stages:
        yield f"{'stage (ms)':<14}{'p50':>9}{'p90':>9}{'p99':>9}{'max':>9}"
    for name, stage in report.latency.stages.items():
        origin = f" ({report.latency.age_origin})" if name == "age" else ""
        yield _stage_line(name + origin, stage)
    for sink in report.sinks:
        yield (
            f"sink {sink.sink}: {sink.taken} taken, {sink.delivered} delivered, "
            f"{sink.lost} lost"
        )
    yield f"model: {report.model_name}, {report.model_digest}"
    yield f"engine: {_engine(report.engine)}"
    if report.choice is not None:
        yield f"workers: {report.choice}"
    elif report.workers > 1:
        yield f"workers: {report.workers}"
    if report.lores is not None:
        yield f"lores: {report.lores}"


def _others(counts: Counts) -> str:
    """Return what else became of frames, where something did."""
    names = ("dropped", "duplicated", "unchanged", "late", "left")
    there = [(getattr(counts, name), name) for name in names]
    return "".join(f", {count} {name}" for count, name in there if count)


def _stage_line(name: str, stage: StageSummary) -> str:
    values = (stage.p50_ns, stage.p90_ns, stage.p99_ns, stage.max_ns)
    return f"{name:<14}" + "".join(f"{value / 1e6:>9.2f}" for value in values)


def _engine(engine: EngineIdentity) -> str:
    threads = "unknown" if engine.threads is None else engine.threads
    return (
        f"{engine.engine} {engine.version}, threads {threads} "
        f"({engine.threads_requested} asked for), "
        f"{', '.join(engine.delegates) or 'no delegate'}"
    )
