"""Trying every setting on what was recorded."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from edgeclf.tuning.crossings import Crossings, put_in_turn, ripe, runs
from edgeclf.tuning.curves import smoothed
from edgeclf.tuning.grid import Grid, grid_for
from edgeclf.tuning.material import Booleans, Floats, Integers, Material
from edgeclf.tuning.outcome import Outcome, Windows, compare
from edgeclf.watch import Smoothing

__all__ = ["SettingFigures", "Tried", "try_all"]


class SettingFigures(NamedTuple):
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

    def figures(self, labels: Sequence[int]) -> SettingFigures:
        """Return what the settings do to some labels together."""
        rows = list(labels)
        return _setting_figures(
            self.rates[rows],
            self.repeats[rows],
            np.concatenate([self.delays_ms[label] for label in rows], axis=1),
            np.concatenate([self.overstays_ms[label] for label in rows], axis=1),
        )

    def together(self, chosen: Sequence[int]) -> SettingFigures:
        """Return what one setting for each label does to all of them, shape (1,) all."""
        labels = list(range(len(self.rates)))
        rows = list(zip(self.delays_ms, self.overstays_ms, chosen, strict=True))
        return _setting_figures(
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


class _Crossings:
    """All crossings of one curve by their thresholds; equal ones have one number."""

    def __init__(self, moments_ns: Integers, firsts: Booleans) -> None:
        self._moments_ns = moments_ns
        self._firsts = firsts
        self._numbers: dict[bytes, int] = {}
        self._found: dict[tuple[float, int], tuple[Crossings, int]] = {}

    def add(self, threshold: float, holds: Booleans, needed_ms: Iterable[int]) -> None:
        """Find the runs for which something holds, and when they are ripe."""
        found = runs(holds, self._firsts)
        for each in needed_ms:
            crossings = ripe(found, self._moments_ns, each)
            content = crossings.frames.tobytes() + crossings.since.tobytes()
            number = self._numbers.setdefault(content, len(self._numbers))
            self._found[threshold, each] = crossings, number

    def get(self, threshold: float, needed_ms: int) -> tuple[Crossings, int]:
        return self._found[threshold, needed_ms]


def _try_label(
    moments_ns: Integers, curve: Floats, grid: Grid, firsts: Booleans, windows: Windows
) -> _OfLabel:
    starts, ends = _Crossings(moments_ns, firsts), _Crossings(moments_ns, firsts)
    needed_ms = {each.min_duration_ms for each in grid.settings}
    for enter in {each.enter for each in grid.settings}:
        starts.add(enter, curve >= enter, needed_ms)
    held_ms = {each.hold_ms for each in grid.settings}
    for leave in {each.exit for each in grid.settings}:
        ends.add(leave, curve < leave, held_ms)
    resets = firsts.nonzero()[0]
    outcomes: dict[tuple[int, int], Outcome] = {}
    of_settings = []
    for each in grid.settings:
        start, start_number = starts.get(each.enter, each.min_duration_ms)
        end, end_number = ends.get(each.exit, each.hold_ms)
        # Many settings come to the same.
        numbers = start_number, end_number
        if numbers not in outcomes:
            told = put_in_turn(start, end, resets, len(moments_ns))
            outcomes[numbers] = compare(told, windows, moments_ns)
        of_settings.append(outcomes[numbers])
    alarms = [np.count_nonzero(~each.is_right) for each in of_settings]
    return _OfLabel(
        np.array(alarms) / windows.negative_hours,
        np.array([each.repeats for each in of_settings]),
        np.stack([each.delays_ms for each in of_settings]),
        np.stack([each.overstays_ms for each in of_settings]),
    )


def _setting_figures(
    rates: Floats, repeats: Integers, delays_ms: Floats, overstays_ms: Floats
) -> SettingFigures:
    """Return what settings do: rates and repeats a label, the rest an event."""
    return SettingFigures(
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
