"""When events start and end on a smoothed curve, for many thresholds quickly.

What ``edgeclf.watch.Hysteresis`` does frame by frame, from whole runs of frames: a
start can only come from a run at or above ``enter``, an end from one below ``exit``.
No run begins in the wrong state, as ``exit`` is never above ``enter``; so the runs are
found once a threshold, and starts and ends only have to be put in turn.
"""

from typing import NamedTuple

import numpy as np

from edgeclf.tuning.curves import smoothed
from edgeclf.tuning.material import Booleans, Floats, Integers, Material
from edgeclf.watch import EventRule

__all__ = ["Crossings", "Occurrences", "predict", "put_in_turn", "ripe", "runs"]


class Runs(NamedTuple):
    """Frames in a row for which something holds: the first and the last of each."""

    firsts: Integers
    lasts: Integers


class Crossings(NamedTuple):
    """Frames at which runs have lasted long enough, and the first frame of each run."""

    frames: Integers
    since: Integers


class Occurrences(NamedTuple):
    """Events, in turn.

    Attributes:
        starts: Frame at which each was noticed.
        starts_since: Frame with which it began.
        ends: Frame at which its end was noticed: the number of frames, or the first
            frame after a gap, where the stream ended first.
        ends_since: Frame with which it ended.
    """

    starts: Integers
    starts_since: Integers
    ends: Integers
    ends_since: Integers


def runs(holds: Booleans, firsts: Booleans) -> Runs:
    """Return the runs of frames for which something holds, none across a gap."""
    before = np.empty_like(holds)
    before[0] = False
    before[1:] = holds[:-1]
    begins = holds & (firsts | ~before)
    begin_frames = begins.nonzero()[0]
    breaks = (~holds | begins).nonzero()[0]
    after = np.searchsorted(breaks, begin_frames, side="right")
    ends = np.append(breaks, len(holds))[after] - 1
    return Runs(begin_frames, ends)


def ripe(found: Runs, moments_ns: Integers, needed_ms: int) -> Crossings:
    """Return at which frame each run has lasted long enough; short ones are left out."""
    due_ns = moments_ns[found.firsts] + needed_ms * 1_000_000
    frames = np.maximum(np.searchsorted(moments_ns, due_ns), found.firsts)
    lasts = frames <= found.lasts
    return Crossings(frames[lasts], found.firsts[lasts])


def put_in_turn(
    starts: Crossings, ends: Crossings, resets: Integers, frames: int
) -> Occurrences:
    """Return the events that starts and ends make.

    Args:
        starts: Where one could start.
        ends: Where one could end.
        resets: Frames before which everything ends.
        frames: How many there are.
    """
    stops = np.append(resets, frames)
    # A reset comes before whatever its frame does.
    order = np.concatenate(
        [2 * starts.frames + 1, 2 * ends.frames + 1, 2 * stops]
    ).argsort(kind="stable")
    is_start = np.zeros(len(order), np.bool_)
    is_start[: len(starts.frames)] = True
    is_start = is_start[order]
    changes = is_start.copy()
    changes[1:] = is_start[1:] != is_start[:-1]
    frame = np.concatenate([starts.frames, ends.frames, stops])[order][changes]
    since = np.concatenate([starts.since, ends.since, stops - 1])[order][changes]
    return Occurrences(frame[::2], since[::2], frame[1::2], since[1::2])


def predict(rule: EventRule, material: Material) -> tuple[Occurrences, ...]:
    """Return what the live loop would make of the clips: the events of each label."""
    firsts = material.firsts(rule.max_gap_ms)
    [(_, curves)] = smoothed(material, [rule.smoothing], firsts)
    return tuple(
        _occurrences(rule, material, label, curves[:, column], firsts)
        for column, label in enumerate(material.labels)
    )


def _occurrences(
    rule: EventRule, material: Material, label: str, curve: Floats, firsts: Booleans
) -> Occurrences:
    thresholds = rule.of(label)
    above = runs(curve >= thresholds.enter, firsts)
    below = runs(curve < thresholds.exit, firsts)
    return put_in_turn(
        ripe(above, material.moments_ns, thresholds.min_duration_ms),
        ripe(below, material.moments_ns, thresholds.hold_ms),
        firsts.nonzero()[0],
        len(firsts),
    )
