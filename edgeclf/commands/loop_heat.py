"""Watching the board's heat while the loop runs."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from edgeclf.commands.console import say
from edgeclf.machine import MachineReader, MachineState, detect_board
from edgeclf.profiles import profile_for_board
from edgeclf.stream import HeatMonitor, HeatWatcher, OnThrottle, Stop

__all__ = ["Heat", "watched_heat"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heat:
    """The board's heat while the loop runs.

    Attributes:
        latest: Returns the last reading; ``None`` before the first.
        watchers: Make events of it; none where nobody knows what is too hot.
    """

    latest: Callable[[], MachineState | None]
    watchers: Sequence[HeatWatcher] = ()


@contextmanager
def watched_heat(
    on_throttle: OnThrottle, stop: Stop, *, root: Path = Path("/")
) -> Iterator[Heat]:
    """Read the heat now and then, and watch it where this machine shows any.

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
    knows_limit = state.temperature_c is not None and limit_c is not None
    with HeatMonitor(reader) as monitor:
        if state.throttle is None and not knows_limit:
            if on_throttle != "warn":
                say(f"--on-throttle {on_throttle}: this machine does not show its heat")
            yield Heat(latest=monitor)
            return

        def end(why: str) -> None:
            say(f"stopped: {why}; --on-throttle stop")
            stop.request("overheated")

        watcher = HeatWatcher(
            monitor, limit_c=limit_c, on_throttle=on_throttle, stop=end
        )
        yield Heat(latest=monitor, watchers=(watcher,))
