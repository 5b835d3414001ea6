"""From what was recorded to the rule that does best on it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from edgeclf.errors import SpecError
from edgeclf.tuning.choice import Goal, candidates, choose, curve
from edgeclf.tuning.figures import Figures, figures_of
from edgeclf.tuning.grid import SMOOTHINGS
from edgeclf.tuning.material import Material
from edgeclf.tuning.outcome import Windows, windows_of
from edgeclf.tuning.report import TuneReport
from edgeclf.tuning.search import try_all
from edgeclf.types import Model
from edgeclf.watch import Measured, Smoothing

__all__ = ["TuneOptions", "tune"]

_DEFAULT_GOAL: Final = Goal(max_false_alarms_per_hour=1.0)


def _no_progress() -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class TuneOptions:
    """How to tune.

    Attributes:
        goal: The limits.
        per_label: Give each label thresholds of its own.
        tolerance_s: How early or late a start may come, 0 to 60.
        max_gap_ms: Of the rule.
        smoothings: To try.
        on_progress: Called after each smoothing that was tried.
    """

    goal: Goal = _DEFAULT_GOAL
    per_label: bool = False
    tolerance_s: float = 0.5
    max_gap_ms: int = 10_000
    smoothings: tuple[Smoothing, ...] = SMOOTHINGS
    on_progress: Callable[[], None] = _no_progress

    def __post_init__(self) -> None:
        if not 0 <= self.tolerance_s <= 60:
            raise ValueError(f"tolerance_s must be 0 to 60, got {self.tolerance_s}")


def tune(
    material: Material, model: Model, *, clips_sha256: str, options: TuneOptions
) -> TuneReport:
    """Try every setting on the material, and choose.

    Args:
        material: What ``record`` gave.
        model: What gave the scores.
        clips_sha256: Of the table that the material comes from.
        options: How.

    Raises:
        SpecError: A label is to be seen all the time: nothing could be a false alarm.
    """
    windows = [
        windows_of(material, truth, options.tolerance_s) for truth in material.truths
    ]
    _require_time_without(material, windows)
    field = []
    for each in try_all(
        material, windows, options.smoothings, max_gap_ms=options.max_gap_ms
    ):
        field.append(candidates(each, per_label=options.per_label))
        options.on_progress()
    choice = choose(field, options.goal)
    rule, figures = None, None
    if choice is not None:
        rule = choice.rule(material.labels, max_gap_ms=options.max_gap_ms)
        figures = figures_of(rule, material, windows)
        measured = _measured(figures, material, model, clips_sha256)
        rule = replace(rule, measured=measured)
    return TuneReport(
        material=material,
        clips_sha256=clips_sha256,
        model_name=model.name,
        model_digest=model.digest,
        goal=options.goal,
        per_label=options.per_label,
        tolerance_s=options.tolerance_s,
        settings_tried=sum(len(each.tried.grid.settings) for each in field),
        curve=tuple(curve(field)),
        rule=rule,
        figures=figures,
    )


def _require_time_without(material: Material, windows: list[Windows]) -> None:
    for label, window in zip(material.labels, windows, strict=True):
        if window.negative_hours <= 0:
            raise SpecError(
                f"{label!r} is to be seen in every clip all the time, so that nothing "
                "could be a false alarm: add clips without it"
            )


def _measured(
    figures: Figures, material: Material, model: Model, clips_sha256: str
) -> Measured:
    low, high = figures.rate_interval
    return Measured(
        model_name=model.name,
        model_digest=model.digest,
        clips_sha256=clips_sha256,
        clips=len(material.clips),
        hours=material.total_ns / 3.6e12,
        events=figures.events,
        missed=len(figures.missed),
        false_alarms=len(figures.false_alarms),
        false_alarms_per_hour=figures.rate,
        false_alarms_per_hour_low=low,
        false_alarms_per_hour_high=high,
        median_delay_ms=figures.median_delay_ms,
    )
