"""How often each duration came, with the percentiles."""

from collections.abc import Mapping
from typing import Any

from edgeclf.bench.page.axes import WIDTH, Scale, figure, label, line, shown_ms, x_axis
from edgeclf.bench.page.markup import Markup, element

__all__ = ["histogram"]

_BARS, _TOP, _BOTTOM = 48, 48, 170


def histogram(cells: Mapping[int, int], stage: Mapping[str, Any]) -> Markup:
    """Return bars from the shortest duration to the longest that is no rarity.

    Durations beyond three times the p99 are counted in words, so that one stall does
    not press the rest into a line.

    Args:
        cells: Nanoseconds to a count, at least one.
        stage: Percentiles of the same durations, as in the report.
    """
    longest = max(min(max(cells), 3 * stage["p99_ns"]), 1) / 1e6
    shortest = min(min(cells) / 1e6, longest)
    pad = max((longest - shortest) * 0.03, longest * 0.01)
    scale = Scale(
        low=max(0.0, shortest - pad), high=longest + pad, start=12, end=WIDTH - 12
    )
    counts = [0] * _BARS
    beyond = 0
    for ns, count in cells.items():
        share = (ns / 1e6 - scale.low) / (scale.high - scale.low)
        if share >= 1:
            beyond += count
        else:
            counts[int(share * _BARS)] += count
    parts = x_axis(scale, _TOP, _BOTTOM, "ms")
    parts += _bars(counts, scale)
    parts += _marks(stage, scale)
    parts.append(line(scale.start, _BOTTOM, scale.end, _BOTTOM, "mark"))
    if beyond:
        text = f"{beyond} longer, up to {shown_ms(stage['max_ns'] / 1e6)} ms"
        parts.append(label(text, scale.start, _BOTTOM + 27, "start", "soft"))
    described = ", ".join(
        f"{name} {shown_ms(stage[f'{name}_ns'] / 1e6)} ms"
        for name in ("p50", "p90", "p95", "p99", "max")
    )
    title = "Durations from capture to decision"
    return figure("histogram", title, described, _BOTTOM + 32, parts)


def _bars(counts: list[int], scale: Scale) -> list[Markup]:
    width = (scale.end - scale.start) / _BARS
    most = max(*counts, 1)
    return [
        element(
            "rect",
            x=scale.start + index * width,
            y=_BOTTOM - max(1.0, count / most * (_BOTTOM - _TOP - 6)),
            width=width - 1,
            height=max(1.0, count / most * (_BOTTOM - _TOP - 6)),
            class_="main",
        )
        for index, count in enumerate(counts)
        if count
    ]


def _marks(stage: Mapping[str, Any], scale: Scale) -> list[Markup]:
    """Return a line for each percentile; the names are on steps of their own."""
    lines, labels = [], []
    for step, name in enumerate(("p50", "p95", "p99")):
        value = stage[f"{name}_ns"] / 1e6
        x, y = scale(value), 12 + step * 14
        lines.append(line(x, y + 3, x, _BOTTOM, "mark"))
        anchor = "end" if x > WIDTH * 0.7 else "start"
        shift = -3 if anchor == "end" else 3
        labels.append(
            label(f"{name} {shown_ms(value)} ms", x + shift, y + 2, anchor, "halo")
        )
    return [*lines, *labels]  # the names on top, so that no line crosses them
