"""Trying every setting on what was recorded."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from edgeclf.tuning.crossings import Crossings, put_in_turn, ripe, runs
from edgeclf.tuning.curves import smoothed
from edgeclf.tuning.grid import Grid, grid_for
from edgeclf.tuning.material import Booleans, Floats, Integers, Material
from edgeclf.tuning.outcome import Windows, compare
from edgeclf.watch import Smoothing

__all__ = ["Figures", "Tried", "try_all"]


class Figures(NamedTuple):
    """What each setting of a grid does, shape (settings,) all."""

    rate: Floats
    missed: Floats
    delay_ms: Floats
    repeats: Floats
    overstay_ms: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One smoothing with every setting of its grid.

    Attributes:
        smoothing: The smoothing.
        grid: Its settings.
        rates: False alarms an hour, shape (labels, settings).
        repeats: Events told again, likewise.
        delays_ms: For each label, shape (settings, events); infinite for a miss.
        overstays_ms: Likewise.
    """

    smoothing: Smoothing
    grid: Grid
    rates: Floats
    repeats: Integers
    delays_ms: tuple[Floats, ...] = field(repr=False)
    overstays_ms: tuple[Floats, ...] = field(repr=False)

    def figures(self, labels: Sequence[int]) -> Figures:
        """Return what the settings do to some labels together."""
        rows = list(labels)
        return _figures(
            self.rates[rows],
            self.repeats[rows],
            np.concatenate([self.delays_ms[label] for label in rows], axis=1),
            np.concatenate([self.overstays_ms[label] for label in rows], axis=1),
        )

    def together(self, chosen: Sequence[int]) -> Figures:
        """Return what one setting for each label does to all of them, shape (1,) all."""
        labels = list(range(len(self.rates)))
        rows = list(zip(self.delays_ms, self.overstays_ms, chosen, strict=True))
        return _figures(
            self.rates[labels, chosen][:, None],
            self.repeats[labels, chosen][:, None],
            np.concatenate([delays[place] for delays, _, place in rows])[None],
            np.concatenate([overstays[place] for _, overstays, place in rows])[None],
        )


def try_all(
    material: Material,
    windows: Sequence[Windows],
    smoothings: Sequence[Smoothing],
    *,
    max_gap_ms: int,
) -> Iterator[Tried]:
    """Try every setting of every smoothing's grid on every label.

    Args:
        material: What was recorded.
        windows: When starts are right, one a label.
        smoothings: To try.
        max_gap_ms: After which everything starts anew.
    """
    firsts = material.firsts(max_gap_ms)
    for smoothing, curves in smoothed(material, smoothings, firsts):
        grid = grid_for(smoothing)
        of_labels = [
            _try_label(material.moments_ns, curves[:, column], grid, firsts, each)
            for column, each in enumerate(windows)
        ]
        yield Tried(
            smoothing=smoothing,
            grid=grid,
            rates=np.stack([each.rates for each in of_labels]),
            repeats=np.stack([each.repeats for each in of_labels]),
            delays_ms=tuple(each.delays_ms for each in of_labels),
            overstays_ms=tuple(each.overstays_ms for each in of_labels),
        )


class _OfLabel(NamedTuple):
    rates: Floats
    repeats: Integers
    delays_ms: Floats
    overstays_ms: Floats


class _Numbered:
    """Crossings by their thresholds; equal ones have the same number."""

    def __init__(self) -> None:
        self._numbers: dict[bytes, int] = {}
        self._found: dict[tuple[float, int], tuple[Crossings, int]] = {}

    def add(self, key: tuple[float, int], crossings: Crossings) -> None:
        content = crossings.frames.tobytes() + crossings.since.tobytes()
        number = self._numbers.setdefault(content, len(self._numbers))
        self._found[key] = crossings, number

    def get(self, key: tuple[float, int]) -> tuple[Crossings, int]:
        return self._found[key]


def _try_label(
    moments_ns: Integers, curve: Floats, grid: Grid, firsts: Booleans, windows: Windows
) -> _OfLabel:
    settings = grid.settings
    events = len(windows.starts_ns)
    found = _OfLabel(
        np.empty(len(settings)),
        np.empty(len(settings), np.int64),
        np.empty((len(settings), events)),
        np.empty((len(settings), events)),
    )
    resets = firsts.nonzero()[0]
    ends, starts = _Numbered(), _Numbered()
    for leave in {each.exit for each in settings}:
        below = runs(curve < leave, firsts)
        for hold_ms in {each.hold_ms for each in settings}:
            ends.add((leave, hold_ms), ripe(below, moments_ns, hold_ms))
    for enter in {each.enter for each in settings}:
        above = runs(curve >= enter, firsts)
        for needed_ms in {each.min_duration_ms for each in settings}:
            starts.add((enter, needed_ms), ripe(above, moments_ns, needed_ms))
    first_with: dict[tuple[int, int], int] = {}
    for number, each in enumerate(settings):
        start, start_number = starts.get((each.enter, each.min_duration_ms))
        end, end_number = ends.get((each.exit, each.hold_ms))
        same = first_with.setdefault((start_number, end_number), number)
        if same != number:
            for values in found:
                values[number] = values[same]
            continue
        told = put_in_turn(start, end, resets, len(moments_ns))
        outcome = compare(told, windows, moments_ns)
        false_alarms = len(outcome.is_right) - np.count_nonzero(outcome.is_right)
        found.rates[number] = false_alarms / windows.negative_hours
        found.repeats[number] = outcome.repeats
        found.delays_ms[number] = outcome.delays_ms
        found.overstays_ms[number] = outcome.overstays_ms
    return found


def _figures(
    rates: Floats, repeats: Integers, delays_ms: Floats, overstays_ms: Floats
) -> Figures:
    """Return what settings do: rates and repeats a label, the rest an event."""
    return Figures(
        rate=rates.sum(axis=0),
        missed=np.isinf(delays_ms).sum(axis=1).astype(np.float64),
        delay_ms=_finite_median(delays_ms),
        repeats=repeats.sum(axis=0).astype(np.float64),
        overstay_ms=np.abs(_finite_median(overstays_ms)),
    )


def _finite_median(values: Floats) -> Floats:
    """Return the median of each row's finite values; infinite when there are none."""
    ordered = np.sort(values, axis=1)
    count = np.isfinite(ordered).sum(axis=1)
    rows = np.arange(len(values))
    low = ordered[rows, np.maximum(count - 1, 0) // 2]
    high = ordered[rows, np.minimum(count // 2, np.maximum(count - 1, 0))]
    medians: Floats = np.where(count > 0, (low + high) / 2, np.inf)
    return medians
