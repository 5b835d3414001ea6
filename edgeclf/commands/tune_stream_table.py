"""What tuning found, as tables for people."""

import math
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table

from edgeclf.commands.console import one_line, table_console
from edgeclf.tuning import Choice, Figures, Place, TuneReport
from edgeclf.watch import EventRule

__all__ = ["print_report"]

_PLACES = 5


def print_report(report: TuneReport) -> None:
    """Print the curve, the choice, what it does to each label, and what that means."""
    with table_console() as console:
        _print(console, _material(report))
        console.print()
        console.print(_curve(report.curve))
        if report.rule is not None and report.figures is not None:
            console.print()
            for line in _rule(report.rule):
                _print(console, line)
            console.print()
            console.print(_labels(report.figures))
            for line in _places(report.figures):
                _print(console, line)
            console.print()
            for note in report.notes:
                _print(console, f"note: {note}")


def _print(console: Console, line: str) -> None:
    console.print(one_line(line), markup=False, soft_wrap=True)


def _material(report: TuneReport) -> str:
    material = report.material
    events = sum(len(truth.starts_ns) for truth in material.truths)
    return (
        f"{len(material.clips)} clips, {material.total_ns / 3.6e12:.2f} h, "
        f"{len(material.moments_ns)} frames, {events} events of "
        f"{', '.join(material.labels)}; the best label changes "
        f"{report.flips_per_minute:.1f} times a minute; {report.settings_tried} "
        "settings tried"
    )


def _table(*titles: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for number, title in enumerate(titles):
        table.add_column(title, justify="right" if number else "left")
    return table


def _curve(curve: Sequence[Choice]) -> Table:
    table = _table(
        "false alarms/h", "missed", "median delay s", "smoothing", "enter", "for ms"
    )
    for choice in curve:
        first, *others = dict.fromkeys(choice.thresholds)
        enter, lasting = f"{first.enter:g}", str(first.min_duration_ms)
        table.add_row(
            f"{choice.rate:.2f}",
            f"{choice.missed:.0f}",
            _seconds(choice.delay_ms),
            str(choice.smoothing),
            *(("each", "its own") if others else (enter, lasting)),
        )
    return table


def _rule(rule: EventRule) -> Iterator[str]:
    yield f"chosen: smoothing {rule.smoothing}"
    for name, each in (rule.labels or {"all labels": rule.thresholds}).items():
        yield (
            f"        {name}: enter {each.enter:g} for {each.min_duration_ms} ms, "
            f"exit {each.exit:g} for {each.hold_ms} ms"
        )


def _labels(figures: Figures) -> Table:
    table = _table(
        "label", "events", "missed", "false alarms", "hours without", "median delay s"
    )
    for each in figures.labels:
        delay = math.inf if each.median_delay_ms is None else each.median_delay_ms
        table.add_row(
            one_line(each.label),
            str(each.events),
            str(each.missed),
            str(each.false_alarms),
            f"{each.negative_hours:.2f}",
            _seconds(delay),
        )
    return table


def _places(figures: Figures) -> Iterator[str]:
    yield from _some("missed", figures.missed)
    yield from _some("false alarm", figures.false_alarms)


def _some(what: str, places: Sequence[Place]) -> Iterator[str]:
    for place in places[:_PLACES]:
        yield f"{what}: {place.label} in {place.clip} at {place.second:.1f} s"
    if len(places) > _PLACES:
        yield f"{what}: {len(places) - _PLACES} more (--json names all)"


def _seconds(milliseconds: float) -> str:
    return f"{milliseconds / 1000:.2f}" if math.isfinite(milliseconds) else "-"
