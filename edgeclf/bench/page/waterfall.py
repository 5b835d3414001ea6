"""The stages of a frame's way, one after the other, against the budget."""

from collections.abc import Mapping, Sequence
from typing import Any

from edgeclf.bench.page.axes import WIDTH, Scale, figure, label, line, shown_ms, x_axis
from edgeclf.bench.page.markup import Markup, element

__all__ = ["waterfall"]

_ROW, _LABEL, _LEFT = 32, 15, 72
_SERIAL = ("capture", "preprocess", "invoke", "head")


def waterfall(
    stages: Mapping[str, Any], judgements: Sequence[Mapping[str, Any]]
) -> Markup:
    """Return bars of the medians, each begun where the one before ended.

    A pale bar goes on to the p99; a red mark is a limit of the budget.

    Args:
        stages: By name, at least one, as in the report's ``latency.stages``.
        judgements: As in the report.
    """
    limits = [
        each for each in judgements if each["statistic"] and each["name"] in stages
    ]
    starts = _starts(stages)
    ends = [starts[name] + stage["p99_ns"] / 1e6 for name, stage in stages.items()]
    ends += [starts[each["name"]] + each["limit"] for each in limits]
    scale = Scale(low=0, high=max(*ends, 1e-3) * 1.03, start=_LEFT, end=WIDTH - 46)
    bottom = 6.0 + _ROW * len(stages) + _LABEL * len(limits)
    parts = x_axis(scale, 4, bottom, "ms")
    y = 6.0
    for name, stage in stages.items():
        marks = [each for each in limits if each["name"] == name]
        parts += _row(name, stage, starts[name], marks, scale, y)
        y += _ROW + _LABEL * len(marks)
    described = "; ".join(
        f"{name} median {shown_ms(stage['p50_ns'] / 1e6)} ms, p99 "
        f"{shown_ms(stage['p99_ns'] / 1e6)} ms"
        for name, stage in stages.items()
    )
    title = "Stages against the budget"
    return figure("waterfall", title, described, bottom + 32, parts)


def _starts(stages: Mapping[str, Any]) -> dict[str, float]:
    """Return where each stage's bar begins: behind those before it, or at 0."""
    starts, end = {}, 0.0
    for name, stage in stages.items():
        starts[name] = end if name in _SERIAL else 0.0
        if name in _SERIAL:
            end += stage["p50_ns"] / 1e6
    return starts


def _row(
    name: str,
    stage: Mapping[str, Any],
    start: float,
    limits: Sequence[Mapping[str, Any]],
    scale: Scale,
    y: float,
) -> list[Markup]:
    p50, p99 = start + stage["p50_ns"] / 1e6, start + stage["p99_ns"] / 1e6
    parts = [label(name, _LEFT - 6, y + 19, "end")]
    for low, high, kind in ((p50, p99, "tail"), (start, p50, "main")):
        width = max(scale(high) - scale(low), 1.0)
        parts.append(
            element("rect", x=scale(low), y=y + 10, width=width, height=13, class_=kind)
        )
    for number, each in enumerate(limits):
        x, below = scale(start + each["limit"]), y + 26 + number * _LABEL
        parts.append(line(x, y + 6, x, below + _LABEL - 3, "limit"))
        anchor, shift = ("end", -4) if x > WIDTH / 2 else ("start", 4)
        text = f"{each['statistic']} ≤ {each['limit']:g} ms"
        parts.append(label(text, x + shift, below + 10, anchor, "halo"))
    text = shown_ms(stage["p50_ns"] / 1e6)
    parts.append(label(text, scale(p99) + 4, y + 21, "start", "halo"))
    return parts
