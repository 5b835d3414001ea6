"""Watching the board's heat while the loop runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edgeclf.commands.console import say
from edgeclf.machine import MachineReader, detect_board
from edgeclf.profiles import profile_for_board
from edgeclf.stream import HeatMonitor, HeatWatcher, OnThrottle, Stop

__all__ = ["heat_watchers"]


@contextmanager
def heat_watchers(
    on_throttle: OnThrottle, stop: Stop, *, root: Path = Path("/")
) -> Iterator[list[HeatWatcher]]:
    """Return what watches the heat; nothing where this machine shows none.

    The limit is where the profile of this very board says that throttling starts; a
    board without a profile is throttled when its firmware says so.

    Args:
        on_throttle: What to do beside telling.
        stop: Ends the run.
        root: ``/``, or a made-up tree.
    """
    profile = profile_for_board(detect_board(root))
    zones = profile.value("thermal.zone_types") if profile else None
    limit = profile.value("thermal.throttle_start_c") if profile else None
    limit_c = float(limit) if isinstance(limit, int | float) else None
    reader = MachineReader(
        root, zone_types=[str(z) for z in zones] if isinstance(zones, tuple) else ()
    )
    state = reader.read()
    if state.throttle is None and (state.temperature_c is None or limit_c is None):
        if on_throttle != "warn":
            say(f"--on-throttle {on_throttle}: this machine does not show its heat")
        yield []
        return

    def end(why: str) -> None:
        say(f"stopped: {why}; --on-throttle stop")
        stop.request("overheated")

    with HeatMonitor(reader) as monitor:
        yield [HeatWatcher(monitor, limit_c=limit_c, on_throttle=on_throttle, stop=end)]
