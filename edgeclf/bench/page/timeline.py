"""Something that was read over and over, along the run."""

from collections.abc import Sequence
from dataclasses import dataclass

from edgeclf.bench.page.axes import WIDTH, Scale, figure, label, line, ticks, x_axis
from edgeclf.bench.page.markup import Markup, element

__all__ = ["Track", "timeline"]

_LEFT, _TOP, _BOTTOM = 40, 22, 150


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One line of a chart.

    Attributes:
        name: What it shows.
        at_s: Seconds since the run began, rising.
        values: At those; ``None`` where there was none.
    """

    name: str
    at_s: Sequence[float]
    values: Sequence[float | None]

    @property
    def known(self) -> tuple[float, ...]:
        """The values that there are."""
        return tuple(each for each in self.values if each is not None)


def timeline(
    name: str, title: str, unit: str, tracks: Sequence[Track], *, from_zero: bool
) -> Markup:
    """Return one or two lines over seconds, broken where a value is missing.

    Args:
        name: Of the figure within the page.
        title: For people.
        unit: Of the values.
        tracks: One or two, with at least one value among them.
        from_zero: Whether the axis begins at 0.
    """
    values = [value for track in tracks for value in track.known]
    low, high = (0.0 if from_zero else min(values)), max(values)
    pad = max((high - low) * 0.08, abs(high) * 0.01, 1e-3)
    up = Scale(
        low=0.0 if from_zero else low - pad, high=high + pad, start=_BOTTOM, end=_TOP
    )
    longest = max([*(at for track in tracks for at in track.at_s), 1.0])
    along = Scale(low=0, high=longest, start=_LEFT, end=WIDTH - 12)
    parts = x_axis(along, _TOP, _BOTTOM, "s")
    for value in ticks(up.low, up.high):
        parts.append(line(_LEFT, up(value), along.end, up(value), "grid"))
        parts.append(label(f"{value:g}", _LEFT - 4, up(value) + 4, "end", "soft"))
    parts.append(label(unit, _LEFT - 4, 10, "end", "soft"))
    for number, track in enumerate(tracks):
        kind = "2" if number else ""
        x = _LEFT + 14 + number * 90
        parts.append(element("circle", cx=x - 8, cy=8, r=4, class_=f"dot{kind}"))
        parts.append(label(track.name, x, 12))
        parts += _pieces(track, along, up, kind)
    described = "; ".join(
        f"{track.name} from {min(track.known):.4g} to {max(track.known):.4g} {unit}"
        for track in tracks
        if track.known
    )
    return figure(name, title, described, _BOTTOM + 32, parts)


def _pieces(track: Track, along: Scale, up: Scale, kind: str) -> list[Markup]:
    """Return a line for each stretch without a gap, and a dot for a lonely value."""
    stretches: list[list[tuple[float, float]]] = [[]]
    for at, value in zip(track.at_s, track.values, strict=True):
        if value is None:
            stretches.append([])
        else:
            stretches[-1].append((along(at), up(value)))
    parts = []
    for points in filter(None, stretches):
        if len(points) == 1:
            ((x, y),) = points
            parts.append(element("circle", cx=x, cy=y, r=2.5, class_=f"dot{kind}"))
        else:
            text = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
            parts.append(element("polyline", points=text, class_=f"line{kind}"))
    return parts
