"""The wall clock of a program that a test starts, set while it runs."""

import os
import time
from pathlib import Path
from typing import Final

from tests.preloaded import compiled

__all__ = ["SINCE_1970_S", "WallClock"]

SINCE_1970_S: Final = time.clock_gettime(time.CLOCK_REALTIME)
"""How far back a board without a battery begins."""


class WallClock:
    """A clock on a wall that others may set: back, and to where no battery kept it.

    Args:
        folder: Where it is kept.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / "wall-clock"

    def environment(self) -> dict[str, str]:
        """Return the variables of a program that reads this clock."""
        return {
            **os.environ,
            "LD_PRELOAD": str(compiled("wall_clock")),
            "WALL_CLOCK": str(self._file),
        }

    def put_back(self, seconds: float) -> None:
        """Show a time so many seconds before the true one; negative: after it."""
        new = self._file.with_suffix(".new")
        new.write_text(str(-round(seconds)))
        new.replace(self._file)  # never half a number
