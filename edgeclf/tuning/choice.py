"""Choosing among what was tried."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from edgeclf.tuning.material import Booleans
from edgeclf.tuning.search import SettingFigures, Tried
from edgeclf.watch import EventRule, Smoothing, Thresholds

__all__ = ["Candidates", "Choice", "Goal", "candidates", "choose", "curve"]

_STEPS_PER_HOUR = (0.0, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
"""Limits for which the curve is drawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What the rule must keep to.

    Attributes:
        max_false_alarms_per_hour: Over all labels; ``None`` for no limit.
        max_delay_s: Of the median; ``None`` for no limit.
    """

    max_false_alarms_per_hour: float | None = None
    max_delay_s: float | None = None

    @property
    def rate(self) -> float:
        """The limit of false alarms an hour; infinite when there is none."""
        limit = self.max_false_alarms_per_hour
        return float("inf") if limit is None else limit

    @property
    def delay_ms(self) -> float:
        """The limit of the median delay; infinite when there is none."""
        return float("inf") if self.max_delay_s is None else self.max_delay_s * 1000


class Choice(NamedTuple):
    """A smoothing, thresholds for each label, and what they do together.

    Attributes:
        smoothing: The smoothing.
        thresholds: One a label.
        rate: False alarms an hour.
        missed: Events that were not told.
        delay_ms: The median of the others; infinite when there are none.
        repeats: Events that were told again.
        at_edge: For how many groups of labels the goal is missed one step of ``enter``
            away: the fewer, the better it will do on other clips.
        overstay_ms: Median of how far the ends were off, either way.
    """

    smoothing: Smoothing
    thresholds: tuple[Thresholds, ...]
    rate: float
    missed: float
    delay_ms: float
    repeats: float
    at_edge: float
    overstay_ms: float

    def rule(self, labels: Sequence[str], *, max_gap_ms: int) -> EventRule:
        """Return it as a rule for these labels."""
        is_shared = len(set(self.thresholds)) == 1
        own = {} if is_shared else dict(zip(labels, self.thresholds, strict=True))
        return EventRule(
            smoothing=self.smoothing,
            thresholds=self.thresholds[0],
            labels=own,
            watched=tuple(labels),
            max_gap_ms=max_gap_ms,
        )


class Candidates(NamedTuple):
    """One smoothing, ready to be chosen from again and again.

    Attributes:
        tried: Every setting of its grid.
        groups: Labels that share thresholds, as positions.
        figures: What the settings do to each group.
    """

    tried: Tried
    groups: tuple[tuple[int, ...], ...]
    figures: tuple[SettingFigures, ...]


def candidates(tried: Tried, *, per_label: bool) -> Candidates:
    """Return what to choose from.

    Args:
        tried: One smoothing with its grid.
        per_label: Thresholds of each label's own, instead of the same for all.
    """
    labels = range(len(tried.rates))
    groups = tuple((label,) for label in labels) if per_label else (tuple(labels),)
    return Candidates(tried, groups, tuple(map(tried.figures, groups)))


def choose(field: Sequence[Candidates], goal: Goal) -> Choice | None:
    """Return the best choice within the limits, or ``None`` when there is none.

    The fewest misses come first; then what keeps the goal one step of ``enter`` away,
    too; then the shorter delay, or where only the delay is limited, fewer false alarms;
    then fewer repeats, truer ends, and of equals the middle one. Labels that have
    thresholds of their own may each have an equal part of the false alarms.
    """
    choices = [
        choice for each in field if (choice := _choose_one(each, goal)) is not None
    ]
    return min(choices, key=lambda choice: _key(goal, choice), default=None)


def curve(field: Sequence[Candidates]) -> Iterator[Choice]:
    """Yield the best choices from no false alarm to as many as one likes."""
    last: Choice | None = None
    for limit in (*_STEPS_PER_HOUR, None):
        choice = choose(field, Goal(max_false_alarms_per_hour=limit))
        if choice is None:
            continue
        is_better = last is None or (choice.missed, choice.delay_ms) < (
            last.missed,
            last.delay_ms,
        )
        if is_better:
            yield choice
            last = choice


def _key(goal: Goal, choice: Choice) -> tuple[float, ...]:
    wanted = (choice.delay_ms, choice.rate)
    if goal.max_false_alarms_per_hour is None and goal.max_delay_s is not None:
        wanted = (choice.rate, choice.delay_ms)
    return (
        choice.missed,
        choice.at_edge,
        *wanted,
        choice.repeats,
        choice.overstay_ms,
    )


def _choose_one(each: Candidates, goal: Goal) -> Choice | None:
    """Return the best settings of one smoothing, one for each group of labels."""
    tried = each.tried
    share = Goal(
        max_false_alarms_per_hour=goal.rate / len(each.groups),
        max_delay_s=goal.max_delay_s,
    )
    settings = tried.grid.settings
    chosen: dict[int, int] = {}
    at_edge = 0
    for group, figures in zip(each.groups, each.figures, strict=True):
        edges = _at_edge(figures, share, tried.grid.per_enter)
        best = _best(figures, share, edges, goal, tried.grid.per_enter)
        if best is None:
            return None
        chosen.update(dict.fromkeys(group, best))
        at_edge += int(edges[best])
    together = tried.together([chosen[label] for label in range(len(chosen))])
    return Choice(
        tried.smoothing,
        tuple(settings[chosen[label]] for label in range(len(chosen))),
        rate=float(together.rate[0]),
        missed=float(together.missed[0]),
        delay_ms=float(together.delay_ms[0]),
        repeats=float(together.repeats[0]),
        at_edge=at_edge,
        overstay_ms=float(together.overstay_ms[0]),
    )


def _at_edge(figures: SettingFigures, goal: Goal, per_enter: int) -> Booleans:
    """Return which settings a small change of the scores would spoil."""
    rates = np.concatenate([np.full(per_enter, np.inf), figures.rate[:-per_enter]])
    misses = np.concatenate([figures.missed[per_enter:], np.full(per_enter, np.inf)])
    edges: Booleans = (rates > goal.rate) | (misses > figures.missed)
    return edges


def _best(
    figures: SettingFigures, share: Goal, edges: Booleans, goal: Goal, per_enter: int
) -> int | None:
    """Return the best setting; of equals, one in the middle of their ``enter``."""
    fits = (figures.rate <= share.rate) & (figures.delay_ms <= share.delay_ms)
    fits &= np.isfinite(figures.delay_ms)  # what tells nothing is no rule
    [places] = fits.nonzero()
    if not len(places):
        return None
    wanted = [figures.delay_ms, figures.rate]
    if goal.max_false_alarms_per_hour is None and goal.max_delay_s is not None:
        wanted.reverse()
    keys = (figures.missed, edges, *wanted, figures.repeats, figures.overstay_ms)
    found = np.stack([key[places] for key in keys])
    # The last key of a lexsort counts first.
    best = found[:, np.lexsort(found[::-1])[0]]
    equals = places[(found == best[:, None]).all(axis=0)]
    enters = np.unique(equals // per_enter)
    return int(equals[equals // per_enter == enters[len(enters) // 2]][0])
