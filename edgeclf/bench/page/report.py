"""A measured run as one page that needs nothing else."""

from collections.abc import Mapping, Sequence
from typing import Any

from edgeclf.bench.blocks import DurationBlocks
from edgeclf.bench.page.axes import shown_ms
from edgeclf.bench.page.facts import facts
from edgeclf.bench.page.histogram import histogram
from edgeclf.bench.page.markup import Markup, document, element, table
from edgeclf.bench.page.timeline import Track, timeline
from edgeclf.bench.page.waterfall import waterfall

__all__ = ["report_page"]

_STATISTICS = ("p50", "p90", "p95", "p99", "max")


def report_page(report: Mapping[str, Any]) -> bytes:
    """Return a page: stages against the budget, durations, time, what ran on what.

    Args:
        report: What ``BenchReport.to_dict`` gives.
    """
    title = f"{report['model']['name']} on {report['board'] or 'this machine'}"
    stored = report.get("blocks")
    blocks = None if stored is None else DurationBlocks.from_dict(stored)
    return document(
        f"{title}: edgeclf bench",
        _header(title, report),
        _stages(report),
        _durations(report, blocks),
        _latency_over_time(blocks),
        _temperature(report),
        _budget(report),
        facts(report),
    )


def _header(title: str, report: Mapping[str, Any]) -> Markup:
    verdict, profile = report["verdict"], report["profile"]
    text, kind = {
        "within": (f"within the budget of {profile}", "good"),
        "over": (f"over the budget of {profile}: {', '.join(report['over'])}", "bad"),
        None: ("no verdict", "wait"),
    }[verdict]
    reasons = element("ul", *(element("li", each) for each in report["no_verdict"]))
    return element(
        "header",
        element("h1", title),
        element("p", text, class_=f"verdict {kind}"),
        reasons if report["no_verdict"] else Markup(""),
    )


def _stages(report: Mapping[str, Any]) -> Markup:
    stages = report["latency"]["stages"]
    if not stages:
        return _section("Stages", element("p", "Nothing was decided in this run."))
    rows = [
        (
            name,
            str(stage["count"]),
            *(shown_ms(stage[f"{each}_ns"] / 1e6) for each in _STATISTICS),
        )
        for name, stage in stages.items()
    ]
    return _section(
        "Stages against the budget",
        waterfall(stages, report["latency"]["judgements"]),
        element(
            "p",
            "Dark: the median, each stage begun where the one before ended. Pale: on "
            "to the p99. Red: a limit of the budget.",
            class_="note",
        ),
        table(("stage", "n", *_STATISTICS), rows, caption="Milliseconds by stage"),
    )


def _durations(report: Mapping[str, Any], blocks: DurationBlocks | None) -> Markup:
    stage = report["latency"]["stages"].get("total")
    cells = {} if blocks is None else blocks.pooled("total")
    if stage is None or not cells:
        return _section("Durations", element("p", "There is no histogram."))
    rows = [(each, shown_ms(stage[f"{each}_ns"] / 1e6)) for each in _STATISTICS]
    return _section(
        "Durations from capture to decision",
        histogram(cells, stage),
        table(("total", "ms"), rows, caption=f"Decisions: {stage['count']}"),
    )


def _latency_over_time(blocks: DurationBlocks | None) -> Markup:
    stretches: Sequence[Mapping[int, int]]
    stretches = () if blocks is None else blocks.stages.get("total", ())
    if blocks is None or not any(stretches):
        return _section("Latency over time", element("p", "It was not recorded."))
    at_s = [(index + 0.5) * blocks.block_s for index in range(len(stretches))]
    tracks = [
        Track(
            name=name,
            at_s=at_s,
            values=[_percentile_ms(block, percent) for block in stretches],
        )
        for name, percent in (("p50", 50), ("p99", 99))
    ]
    known = [track.known for track in tracks]
    rows = [
        (name, *(shown_ms(each) for each in (values[0], min(values), max(values))))
        for name, values in zip(("p50", "p99"), known, strict=True)
    ]
    return _section(
        "Latency over time",
        timeline("latency", "Latency over time", "ms", tracks, from_zero=True),
        table(
            ("total, ms", "first", "lowest", "highest"),
            rows,
            caption=f"In stretches of {blocks.block_s} s",
        ),
    )


def _percentile_ms(block: Mapping[int, int], percent: int) -> float | None:
    """Return the nearest-rank percentile of one stretch; ``None`` of an empty one."""
    left = -(-percent * sum(block.values()) // 100)
    for ns in sorted(block):
        left -= block[ns]
        if left <= 0:
            return ns / 1e6
    return None


def _temperature(report: Mapping[str, Any]) -> Markup:
    conditions = report["conditions"]
    first, highest = (conditions[f"temperature_{each}_c"] for each in ("start", "max"))
    series = report.get("series") or {}
    at_s, values = series.get("at_s") or [], series.get("temperature_c") or []
    shown: list[Markup] = []
    if len(at_s) == len(values) and any(each is not None for each in values):
        track = Track(name="processor", at_s=at_s, values=values)
        title = "Temperature over time"
        shown = [timeline("temperature", title, "°C", [track], from_zero=False)]
    elif highest is not None:
        shown = [
            element("p", "Only its start and its highest were kept.", class_="note")
        ]
    if highest is None:
        return _section(
            "Temperature", element("p", "This machine does not tell its temperature.")
        )
    rows = [
        (name, "not known" if value is None else f"{value:.1f}")
        for name, value in (("at the start", first), ("highest", highest))
    ]
    return _section(
        "Temperature",
        *shown,
        table(("processor", "°C"), rows, caption="As the kernel tells it"),
    )


def _budget(report: Mapping[str, Any]) -> Markup:
    latency = report["latency"]
    if not latency["judgements"]:
        text = f"Nothing was held against a budget of {report['profile']}."
        return _section("Budget", element("p", text))
    words = {True: "over", False: "holds", None: "not judged"}
    rows = [
        (
            f"{each['name']} {each['statistic'] or ''}".strip(),
            "-" if each["measured"] is None else shown_ms(each["measured"]),
            f"{each['limit']:g}",
            each["unit"],
            words[each["over"]],
        )
        for each in latency["judgements"]
    ]
    return _section(
        "Budget",
        table(
            ("what", "measured", "limit", "unit", ""),
            rows,
            caption=f"Of {latency['budget']}",
        ),
    )


def _section(title: str, *parts: Markup) -> Markup:
    return element("section", element("h2", title), *parts)
