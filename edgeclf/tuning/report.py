"""What tuning found, and how far it can be trusted."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgeclf.json_values import to_json_value
from edgeclf.tuning.chance import (
    HOURS_FOR_NONE,
)
from edgeclf.tuning.choice import Choice, Goal
from edgeclf.tuning.figures import Figures
from edgeclf.tuning.material import Material
from edgeclf.watch import EventRule

__all__ = ["TuneReport"]

_FEW_EVENTS = 20


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
        f"{low:.3g} to {high:.3g} an hour (95 %)"
    )
    if limit and high > limit:
        yield (
            f"that does not show that it stays below {limit:g} an hour: it would take "
            f"{HOURS_FOR_NONE / limit:.1f} h without a false alarm"
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
