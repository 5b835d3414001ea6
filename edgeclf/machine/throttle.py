"""Whether a Raspberry Pi throttles, now and since it booted."""

import enum
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

from edgeclf.machine.tree import read_int

__all__ = ["RunTool", "ThrottleBits", "ThrottleReader", "run_tool"]

RunTool: TypeAlias = Callable[[Sequence[str]], str | None]
"""Runs a program and returns what it printed; ``None`` when it is not there."""

_BITS_FILES = "sys/devices/platform/soc*/soc*firmware/get_throttled"


class ThrottleBits(enum.IntFlag):
    """What the firmware says of the supply and the heat.

    Source: Raspberry Pi documentation, ``vcgencmd get_throttled``.
    """

    UNDER_VOLTAGE = 1 << 0
    CAPPED = 1 << 1
    THROTTLED = 1 << 2
    SOFT_LIMIT = 1 << 3
    UNDER_VOLTAGE_SINCE_BOOT = 1 << 16
    CAPPED_SINCE_BOOT = 1 << 17
    THROTTLED_SINCE_BOOT = 1 << 18
    SOFT_LIMIT_SINCE_BOOT = 1 << 19

    @property
    def now(self) -> "ThrottleBits":
        """Those that hold at this moment."""
        return self & 0xF

    @property
    def words(self) -> str:
        """The set ones for people, ``under voltage, throttled``."""
        names = [bit.name for bit in ThrottleBits if bit in self and bit.name]
        return ", ".join(name.lower().replace("_", " ") for name in names)


def run_tool(command: Sequence[str]) -> str | None:
    """Run a small program of the system and return what it printed.

    Returns:
        ``None`` when it is not installed, fails, or takes over two seconds.
    """
    program = shutil.which(command[0])
    if program is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603 - the command is ours, found on PATH
            [program, *command[1:]],
            capture_output=True,
            text=True,
            timeout=2,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


class ThrottleReader:
    """Reads the firmware's bits: from a file where the kernel has one, else by a tool.

    Attributes:
        is_cheap: Whether a reading is a file, not a new process.
    """

    def __init__(self, root: Path, tool: RunTool) -> None:
        self._tool = tool
        self._file = next(iter(sorted(root.glob(_BITS_FILES))), None)
        self.is_cheap = self._file is not None
        self._has_tool = not self.is_cheap

    def read(self) -> ThrottleBits | None:
        """Return the bits, or ``None`` on a board that has none."""
        if self._file is not None:
            bits = read_int(self._file.parent, self._file.name, base=16)
        else:
            bits = self._ask()
        return None if bits is None else ThrottleBits(bits & 0xF000F)

    def _ask(self) -> int | None:
        if not self._has_tool:
            return None
        text = self._tool(("vcgencmd", "get_throttled"))
        _, _, number = (text or "").strip().partition("throttled=")
        try:
            return int(number, 16)
        except ValueError:
            self._has_tool = False  # not a Raspberry Pi: do not ask every second
            return None
