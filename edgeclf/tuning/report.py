"""What tuning found, and how far it can be trusted."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from edgeclf.json_values import to_json_value
from edgeclf.tuning.chance import (
    HOURS_FOR_NONE,
    Interval,
    rate_interval,
    share_interval,
)
from edgeclf.tuning.choice import Choice, Goal
from edgeclf.tuning.crossings import predict
from edgeclf.tuning.material import Material
from edgeclf.tuning.outcome import Outcome, Windows, compare
from edgeclf.watch import EventRule

__all__ = ["Figures", "LabelFigures", "Place", "TuneReport", "figures_of"]

_FEW_EVENTS = 20


class Place(NamedTuple):
    """Where in the clips something is.

    Attributes:
        clip: As the table has it.
        second: In the clip.
        label: What was there, or was told.
    """

    clip: str
    second: float
    label: str


class LabelFigures(NamedTuple):
    """What a rule does to one label.

    Attributes:
        label: Its name.
        events: How often it was to be seen.
        missed: How many of them were not told.
        false_alarms: How often it was told and not there.
        negative_hours: How long it was not there.
        median_delay_ms: Of those told; ``None`` when none was.
    """

    label: str
    events: int
    missed: int
    false_alarms: int
    negative_hours: float
    median_delay_ms: float | None


class Figures(NamedTuple):
    """What a rule does to the clips.

    Attributes:
        labels: One each.
        rate: False alarms an hour: the sum of the labels', each over the time in which
            it was not there.
        rate_interval: 95 %.
        missed_interval: Of the share of events that are missed, 95 %.
        median_delay_ms: Over all events that were told; ``None`` when none was.
        p90_delay_ms: Likewise: nine of ten were told earlier.
        repeats: How often one event was told more than once.
        changes_per_minute: Starts and ends.
        missed: Where.
        false_alarms: Where.
    """

    labels: tuple[LabelFigures, ...]
    rate: float
    rate_interval: Interval
    missed_interval: Interval
    median_delay_ms: float | None
    p90_delay_ms: float | None
    repeats: int
    changes_per_minute: float
    missed: tuple[Place, ...]
    false_alarms: tuple[Place, ...]

    @property
    def events(self) -> int:
        """How many there were."""
        return sum(each.events for each in self.labels)


def figures_of(
    rule: EventRule, material: Material, windows: Sequence[Windows]
) -> Figures:
    """Return what a rule does to the clips, exactly as the live loop would."""
    told = predict(rule, material)
    outcomes = [
        compare(each, window, material.moments_ns)
        for each, window in zip(told, windows, strict=True)
    ]
    labels = tuple(
        _label_figures(label, outcome, window)
        for label, outcome, window in zip(
            material.labels, outcomes, windows, strict=True
        )
    )
    delays = np.concatenate([each.delays_ms for each in outcomes])
    found = delays[np.isfinite(delays)]
    counts = [each.false_alarms for each in labels]
    hours = [each.negative_hours for each in labels]
    return Figures(
        labels=labels,
        rate=sum(count / hour for count, hour in zip(counts, hours, strict=True)),
        rate_interval=rate_interval(counts, hours),
        missed_interval=share_interval(len(delays) - len(found), len(delays)),
        median_delay_ms=_quantile(found, 0.5),
        p90_delay_ms=_quantile(found, 0.9),
        repeats=sum(each.repeats for each in outcomes),
        changes_per_minute=2
        * sum(len(each.starts) for each in told)
        / (material.total_ns / 6e10),
        missed=tuple(_missed(material, outcomes, windows)),
        false_alarms=tuple(
            _place(material, int(material.moments_ns[frame]), label)
            for label, each, outcome in zip(
                material.labels, told, outcomes, strict=True
            )
            for frame in each.starts[~outcome.is_right]
        ),
    )


def _label_figures(label: str, outcome: Outcome, window: Windows) -> LabelFigures:
    found = outcome.delays_ms[np.isfinite(outcome.delays_ms)]
    return LabelFigures(
        label=label,
        events=len(outcome.delays_ms),
        missed=len(outcome.delays_ms) - len(found),
        false_alarms=int(np.count_nonzero(~outcome.is_right)),
        negative_hours=window.negative_hours,
        median_delay_ms=_quantile(found, 0.5),
    )


def _quantile(values: "np.ndarray[Any, Any]", share: float) -> float | None:
    return float(np.quantile(values, share)) if len(values) else None


def _missed(
    material: Material, outcomes: Sequence[Outcome], windows: Sequence[Windows]
) -> Iterator[Place]:
    for label, outcome, window in zip(material.labels, outcomes, windows, strict=True):
        for start_ns in window.starts_ns[np.isinf(outcome.delays_ms)]:
            yield _place(material, int(start_ns), label)


def _place(material: Material, moment_ns: int, label: str) -> Place:
    clip = [each for each in material.clips if each.start_ns <= moment_ns][-1]
    return Place(clip.path, (moment_ns - clip.start_ns) / 1e9, label)


@dataclass(frozen=True, slots=True, kw_only=True)
class TuneReport:
    """Everything that tuning found.

    Attributes:
        material: What it was found on.
        clips_sha256: Of the table of clips.
        model_name: For people.
        model_digest: Of what gave the scores.
        goal: The limits.
        per_label: Whether each label has thresholds of its own.
        tolerance_s: How early or late a start may come.
        settings_tried: How many settings were tried on each label.
        curve: From no false alarm to as many as one likes.
        rule: The choice with what was measured; ``None`` when nothing keeps the goal.
        figures: What the rule does; ``None`` likewise.
    """

    material: Material
    clips_sha256: str
    model_name: str
    model_digest: str
    goal: Goal
    per_label: bool
    tolerance_s: float
    settings_tried: int
    curve: tuple[Choice, ...]
    rule: EventRule | None
    figures: Figures | None

    @property
    def flips_per_minute(self) -> float:
        """How often the best label changes from frame to frame, without a rule."""
        best = self.material.best
        is_change = best[1:] != best[:-1]
        is_change &= ~self.material.firsts(86_400_000)[1:]
        return float(np.count_nonzero(is_change) / (self.material.total_ns / 6e10))

    @property
    def notes(self) -> tuple[str, ...]:
        """What to keep in mind, one sentence each."""
        return () if self.figures is None else tuple(_notes(self.figures, self.goal))

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the frames, JSON-ready."""
        material = self.material
        return {
            "model": {"name": self.model_name, "digest": self.model_digest},
            "clips": {
                "sha256": self.clips_sha256,
                "count": len(material.clips),
                "frames": len(material.moments_ns),
                "hours": material.total_ns / 3.6e12,
                "labels": list(material.labels),
                "flips_per_minute": self.flips_per_minute,
            },
            "goal": {
                "max_false_alarms_per_hour": self.goal.max_false_alarms_per_hour,
                "max_delay_s": self.goal.max_delay_s,
            },
            "per_label": self.per_label,
            "tolerance_s": self.tolerance_s,
            "settings_tried": self.settings_tried,
            "curve": [_choice_dict(each) for each in self.curve],
            "rule": None if self.rule is None else to_json_value(self.rule),
            "figures": None if self.figures is None else _figures_dict(self.figures),
            "notes": list(self.notes),
        }


def _notes(figures: Figures, goal: Goal) -> Iterator[str]:
    alarms = sum(each.false_alarms for each in figures.labels)
    hours = min(each.negative_hours for each in figures.labels)
    low, high = figures.rate_interval
    limit = goal.max_false_alarms_per_hour
    yield (
        f"{alarms} false alarms in {hours:.2f} h without events: the true rate is "
        f"{low:.2g} to {high:.2g} an hour (95 %)"
    )
    if limit and high > limit:
        yield (
            f"that does not show that it stays below {limit:g} an hour: it would take "
            f"{HOURS_FOR_NONE * len(figures.labels) / limit:.1f} h without a false alarm"
        )
    missed = len(figures.missed)
    low, high = figures.missed_interval
    yield (
        f"{missed} of {figures.events} events missed: the true share is {low:.0%} to "
        f"{high:.0%} (95 %)"
    )
    if figures.events < _FEW_EVENTS:
        yield (
            f"{figures.events} events are few: the delay and the thresholds may be luck; "
            f"{_FEW_EVENTS} or more of each label tell more"
        )
    yield (
        "the settings were chosen on these clips: on others they do somewhat worse; "
        "keep some clips back to see how much"
    )


def _choice_dict(choice: Choice) -> dict[str, Any]:
    return {
        "false_alarms_per_hour": choice.rate,
        "missed": round(choice.missed),
        "median_delay_ms": _finite(choice.delay_ms),
        "repeats": round(choice.repeats),
        "smoothing": str(choice.smoothing),
        "thresholds": [to_json_value(each) for each in choice.thresholds],
    }


def _figures_dict(figures: Figures) -> Mapping[str, Any]:
    return {
        "labels": [each._asdict() for each in figures.labels],
        "events": figures.events,
        "missed": [each._asdict() for each in figures.missed],
        "missed_share_interval": list(figures.missed_interval),
        "false_alarms": [each._asdict() for each in figures.false_alarms],
        "false_alarms_per_hour": figures.rate,
        "false_alarms_per_hour_interval": list(figures.rate_interval),
        "median_delay_ms": figures.median_delay_ms,
        "p90_delay_ms": figures.p90_delay_ms,
        "repeats": figures.repeats,
        "changes_per_minute": figures.changes_per_minute,
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
