"""Which settings are tried."""

from itertools import product
from typing import Final, NamedTuple

from edgeclf.watch import Smoothing, Thresholds

__all__ = ["SMOOTHINGS", "Grid", "grid_for"]

SMOOTHINGS: Final = (
    Smoothing(kind="none"),
    *(
        Smoothing(kind="ewma", time_constant_ms=each)
        for each in (50, 100, 200, 400, 800, 1600, 3200)
    ),
    *(Smoothing(kind="majority", frames=each) for each in (3, 5, 9, 15)),
)
"""From none to what takes seconds to notice something."""

_ENTERS: Final = (*(each / 20 for each in range(1, 20)), 0.975, 0.99, 0.999)
_EXITS: Final = (0.75, 0.5, 1.0, 0.25)
_MIN_DURATIONS_MS: Final = (0, 100, 250, 500, 1000)
_HOLDS_MS: Final = (300, 0, 1000)
# What comes first is taken where it makes no difference.


class Grid(NamedTuple):
    """Thresholds to try with one smoothing.

    Attributes:
        settings: All of them; ``enter`` rises, and changes last.
        per_enter: How many have the same ``enter``.
    """

    settings: tuple[Thresholds, ...]
    per_enter: int


def grid_for(smoothing: Smoothing) -> Grid:
    """Return the thresholds to try; a vote has only as many values as voters."""
    enters = _ENTERS
    if smoothing.kind == "majority":
        voters = smoothing.frames
        enters = tuple(each / voters for each in range(1, voters + 1))
    settings = tuple(
        Thresholds(
            enter=enter,
            exit=round(share * enter, 6) if share < 1 else enter,
            min_duration_ms=min_duration_ms,
            hold_ms=hold_ms,
        )
        for enter, share, min_duration_ms, hold_ms in product(
            enters, _EXITS, _MIN_DURATIONS_MS, _HOLDS_MS
        )
    )
    return Grid(settings, per_enter=len(settings) // len(enters))
