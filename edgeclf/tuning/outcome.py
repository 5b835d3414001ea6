"""What events amount to, beside what was to be seen: false alarms, misses, delays."""

from typing import NamedTuple

import numpy as np

from edgeclf.tuning.crossings import Occurrences
from edgeclf.tuning.material import Booleans, Floats, Integers, Material, Truth

__all__ = ["Outcome", "Windows", "compare", "windows_of"]


class Windows(NamedTuple):
    """When the start of an event is right.

    Attributes:
        starts_ns: When something came, shape (events,).
        ends_ns: When it went.
        opens_ns: From when on a start belongs to it.
        closes_ns: Until when.
        negative_hours: How long a start would be a false alarm.
    """

    starts_ns: Integers
    ends_ns: Integers
    opens_ns: Integers
    closes_ns: Integers
    negative_hours: float


class Outcome(NamedTuple):
    """How one label's events compare.

    Attributes:
        is_right: Of each event that was told: whether there was something.
        delays_ms: Of each event that there was: from its start to the first frame that
            told it, not below 0; infinite when none did.
        overstays_ms: Likewise from its end to when the last event that told it ended;
            below 0 when that was earlier.
        repeats: How often an event that was told already was told again.
    """

    is_right: Booleans
    delays_ms: Floats
    overstays_ms: Floats
    repeats: int


def windows_of(material: Material, truth: Truth, tolerance_s: float) -> Windows:
    """Return when a start of a label is right: from start to end, and a little around.

    Labels are set by people, and by the frame: so a start may come ``tolerance_s``
    early or late. Two windows meet halfway between what they belong to.
    """
    tolerance_ns = round(tolerance_s * 1e9)
    starts, ends = truth.starts_ns, truth.ends_ns
    halfway = (ends[:-1] + starts[1:]) // 2
    opens, closes = starts - tolerance_ns, ends + tolerance_ns
    opens[1:] = np.maximum(opens[1:], halfway + 1)
    closes[:-1] = np.minimum(closes[:-1], halfway)
    watched_ns = 0
    for clip in material.clips:
        first_ns = int(material.moments_ns[clip.first])
        inside = np.clip(closes, first_ns, clip.end_ns) - np.clip(
            opens, first_ns, clip.end_ns
        )
        watched_ns += int(inside.sum())
    return Windows(
        starts, ends, opens, closes, (material.total_ns - watched_ns) / 3.6e12
    )


def compare(told: Occurrences, windows: Windows, moments_ns: Integers) -> Outcome:
    """Return what events amount to.

    An event is right when the frame that started it is in a window. One that began
    before and goes on into a window is a false alarm, and tells nobody of what came
    later: else an alarm that never ends would be the best.
    """
    starts_ns = moments_ns[told.starts]
    ends_ns = moments_ns[told.ends_since]
    window = np.searchsorted(windows.closes_ns, starts_ns)
    is_there = window < len(windows.closes_ns)
    is_right = is_there.copy()
    is_right[is_there] = windows.opens_ns[window[is_there]] <= starts_ns[is_there]
    belongs = window[is_right]
    found, firsts = np.unique(belongs, return_index=True)
    lasts = np.searchsorted(belongs, found, side="right") - 1
    delays = np.full(len(windows.starts_ns), np.inf)
    overstays = np.full(len(windows.starts_ns), np.inf)
    late_ns = starts_ns[is_right][firsts] - windows.starts_ns[found]
    delays[found] = np.maximum(late_ns, 0) / 1e6
    overstays[found] = (ends_ns[is_right][lasts] - windows.ends_ns[found]) / 1e6
    return Outcome(is_right, delays, overstays, len(belongs) - len(found))
