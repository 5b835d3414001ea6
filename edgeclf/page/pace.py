"""How often viewers get something new, so that looking never costs the loop much."""

from typing import Final

__all__ = ["Pace"]

_FASTEST_NS: Final = 100_000_000
"""Ten pictures a second move; more show nothing that a person acts on."""

_SLOWEST_NS: Final = 2_000_000_000

_SHARE: Final = 0.04
"""Of one core: what all viewers together may cost. The promise is 0.05."""


class Pace:
    """Picks the pause after each round by the processor time that the round took.

    A board that is ten times as slow shows a third as many pictures, at the same cost.
    """

    def __init__(self) -> None:
        self._cost_ns = 0.0

    def period_ns(self, cost_ns: int) -> int:
        """Return the time from the start of a round to the start of the next.

        Args:
            cost_ns: Processor time since the last call. One round may be dearer than
                the others, so a moving mean counts.
        """
        self._cost_ns += (cost_ns - self._cost_ns) / (4 if self._cost_ns else 1)
        return round(min(max(self._cost_ns / _SHARE, _FASTEST_NS), _SLOWEST_NS))
