"""The frame of a chart: a scale, its ticks, and what a screen reader is told."""

import math
from dataclasses import dataclass

from edgeclf.bench.page.markup import Markup, element

__all__ = ["WIDTH", "Scale", "figure", "label", "line", "shown_ms", "ticks", "x_axis"]

WIDTH = 340
"""Of every chart, in its own units; small, so that its text can be read on a phone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """A linear scale from values to places.

    Attributes:
        low: Value at ``start``.
        high: Value at ``end``; above ``low``.
        start: Place of ``low``.
        end: Place of ``high``.
    """

    low: float
    high: float
    start: float
    end: float

    def __post_init__(self) -> None:
        if not self.high > self.low:
            raise ValueError(f"a scale needs an extent, got {self.low} to {self.high}")

    def __call__(self, value: float) -> float:
        """Return where a value lies; one outside lies at the nearer end."""
        inside = min(max(value, self.low), self.high)
        share = (inside - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)


def ticks(low: float, high: float, about: int = 4) -> tuple[float, ...]:
    """Return round values from low to high, with steps of 1, 2 or 5."""
    raw = (high - low) / about
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(each * power for each in (1, 2, 5, 10) if each * power >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return tuple(number * step for number in range(first, last + 1))


def shown_ms(ms: float) -> str:
    """Return milliseconds with three digits that matter, no more."""
    if abs(ms) >= 100:
        return f"{ms:.0f}"
    return f"{ms:.1f}" if abs(ms) >= 10 else f"{ms:.3g}"


def label(
    text: str, x: float, y: float, anchor: str = "start", kind: str | None = None
) -> Markup:
    """Return a text at a place."""
    return element("text", text, x=x, y=y, text_anchor=anchor, class_=kind)


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> Markup:
    """Return a straight line."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=kind)


def x_axis(scale: Scale, top: float, bottom: float, unit: str) -> list[Markup]:
    """Return grid lines with their values below, and the unit."""
    parts = []
    for value in ticks(scale.low, scale.high):
        x = scale(value)
        parts.append(line(x, top, x, bottom, "grid"))
        parts.append(label(f"{value:g}", x, bottom + 14, "middle", "soft"))
    parts.append(label(unit, scale.end, bottom + 27, "end", "soft"))
    return parts


def figure(
    name: str, title: str, description: str, height: float, parts: list[Markup]
) -> Markup:
    """Return a chart with a title and a description in words."""
    return element(
        "svg",
        element("title", title, id=f"{name}-title"),
        element("desc", description, id=f"{name}-desc"),
        *parts,
        viewBox=f"0 0 {WIDTH} {height:g}",
        role="img",
        aria_labelledby=f"{name}-title {name}-desc",
    )
