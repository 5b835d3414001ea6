"""What small programs of the system say of it; ``vcgencmd`` is the machine reader's."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from edgeclf.machine import run_tool

__all__ = ["TOOLS", "ask_tools"]

TOOLS: Final = {
    "nvpmodel": ("nvpmodel", "-q"),
    "timedatectl": ("timedatectl", "show"),
}
"""What is asked, by name; each has two seconds."""


def ask_tools() -> Mapping[str, str | None]:
    """Ask all of ``TOOLS`` at the same time.

    Returns:
        What each printed; ``None`` when it is not installed, fails or hangs.
    """
    with ThreadPoolExecutor(len(TOOLS)) as pool:
        return dict(zip(TOOLS, pool.map(run_tool, TOOLS.values()), strict=True))
