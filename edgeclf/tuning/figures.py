"""What one rule does to the clips."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from edgeclf.tuning.chance import Interval, rate_interval, share_interval
from edgeclf.tuning.crossings import predict
from edgeclf.tuning.material import Floats, Material
from edgeclf.tuning.outcome import Outcome, Windows, compare
from edgeclf.watch import EventRule

__all__ = ["Figures", "LabelFigures", "Place", "figures_of"]


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


def _quantile(values: Floats, share: float) -> float | None:
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
