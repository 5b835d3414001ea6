"""A measured run as a table for people."""

from collections.abc import Iterator, Sequence

from rich.table import Table

from edgeclf.bench import BenchReport
from edgeclf.commands.console import table_console
from edgeclf.latency import STATISTICS, Judgement, StageSummary, Statistic
from edgeclf.machine import board_description

__all__ = ["print_report"]

_OVER, _UNJUDGED = "bold red", "yellow"


def print_report(report: BenchReport) -> None:
    """Print stages against the budget, what ran on what, and the verdict."""
    with table_console() as console:
        console.print(_stages(report))
        for line in _readings(report):
            console.print(line)
        console.print()
        for line in _identity(report):
            console.print(line, markup=False, soft_wrap=True)
        console.print()
        console.print(_verdict(report), markup=False, soft_wrap=True)


def _stages(report: BenchReport) -> Table:
    latency = report.run.latency
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("stage, ms")
    for title in ("n", *STATISTICS):
        table.add_column(title, justify="right")
    for name, stage in latency.stages.items():
        limits = {
            each.statistic: each for each in latency.judgements if each.name == name
        }
        origin = f" ({latency.age_origin})" if name == "age" else ""
        cells = [_cell(stage, each, limits.get(each)) for each in STATISTICS]
        table.add_row(f"{name}{origin}", str(stage.count), *cells)
    return table


def _cell(stage: StageSummary, statistic: Statistic, limit: Judgement | None) -> str:
    measured = f"{stage.value_ns(statistic) / 1e6:.2f}"
    if limit is None:
        return measured
    if not limit.is_judged:
        return f"[{_UNJUDGED}]{measured} ? {limit.limit:g}[/]"
    if limit.is_over:
        return f"[{_OVER}]{measured} > {limit.limit:g}[/]"
    return f"{measured} ≤ {limit.limit:g}"


def _readings(report: BenchReport) -> Iterator[str]:
    latency = report.run.latency
    limits = {each.name: each for each in latency.judgements if not each.statistic}
    rows = (
        ("cold_start", "cold start", "ms", latency.readings.cold_start_ms),
        ("rss", "peak memory", "MiB", latency.readings.rss_mib),
        ("temperature", "temperature", "°C", latency.readings.temperature_c),
    )
    for name, title, unit, measured in rows:
        if measured is None:
            continue
        text = f"{title}: {measured:.0f} {unit}"
        limit = limits.get(name)
        if limit is not None and limit.is_over:
            text = f"[{_OVER}]{text} > {limit.limit:g}[/]"
        elif limit is not None:
            text = f"{text} ≤ {limit.limit:g}"
        yield text


def _identity(report: BenchReport) -> Iterator[str]:
    run, machine, conditions = report.run, report.machine, report.conditions
    engine = run.engine
    threads = "?" if engine.threads is None else engine.threads
    yield f"model:   {run.model_name}, {run.model_digest[:16]}"
    yield (
        f"engine:  {engine.engine} {engine.version}, {threads} thread(s), "
        f"{', '.join(engine.delegates) or 'no delegate'}"
    )
    yield f"source:  {run.source}, {run.counts.decided} frames in {run.elapsed_ns / 1e9:.1f} s"
    known: Sequence[str | None] = (
        board_description(machine),
        f"{machine.cores} cores",
        machine.system,
        f"Python {machine.python}",
        f"governor {machine.governor}" if machine.governor else None,
    )
    yield f"machine: {', '.join(filter(None, known))}"
    if conditions.foreign_cores is not None:
        yield f"others:  {conditions.foreign_cores:.2f} of a core"


def _verdict(report: BenchReport) -> str:
    name = report.profile.name
    if report.verdict == "within":
        return f"within the budget of {name}"
    over = ", ".join(report.run.latency.over)
    if report.verdict == "over":
        return f"OVER the budget of {name}: {over}"
    compared = report.run.latency.verdict
    held = {
        "over": f" Held against its budget anyway, {over} would be over.",
        "within": " Held against its budget anyway, it would be within.",
        None: "",
    }[compared]
    if not report.is_profiles_machine and compared is None:
        held = " (--as-host compares anyway.)"
    return f"no verdict: {'; '.join(report.no_verdict)}.{held}"
