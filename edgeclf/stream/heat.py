"""A board that is too hot or starved of power: told as events, and acted on."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from edgeclf.machine import MachineReader, MachineState, ThrottleBits
from edgeclf.stream.decision import Decision
from edgeclf.stream.event import Event

__all__ = ["HeatMonitor", "HeatWatcher", "OnThrottle"]

OnThrottle: TypeAlias = Literal["warn", "slow", "stop"]
"""Tell; rest as long as each decision took; end the run."""

_EVERY_S: Final = 5.0
"""Heat moves slowly, and on a Raspberry Pi a reading may take a process."""

_COOLER_C: Final = 3.0
"""How far below its limit a board is no longer hot, so that it does not flutter."""

_BITS: Final[Mapping[str, ThrottleBits]] = MappingProxyType(
    {
        "under-voltage": ThrottleBits.UNDER_VOLTAGE,
        "throttled": ThrottleBits.CAPPED
        | ThrottleBits.THROTTLED
        | ThrottleBits.SOFT_LIMIT,
    }
)
"""What each event stands for in the firmware's bits."""


class HeatMonitor:
    """Reads temperature and throttle bits now and then, in a thread of its own.

    Args:
        reader: Reads the machine.
        interval_s: Between two readings.
    """

    def __init__(self, reader: MachineReader, *, interval_s: float = _EVERY_S) -> None:
        self._reader = reader
        self._interval_s = interval_s
        self._ended = threading.Event()
        self._thread = threading.Thread(
            target=self._read_on, name="edgeclf-heat", daemon=True
        )
        self._latest: MachineState | None = None

    def __call__(self) -> MachineState | None:
        """Return the last reading; ``None`` before the first."""
        return self._latest

    def __enter__(self) -> "HeatMonitor":  # noqa: PYI034 - no Self in Python 3.10
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        # Not joined: it may wait for a tool, and it is a daemon.
        self._ended.set()

    def _read_on(self) -> None:
        while True:
            self._latest = self._reader.read()
            if self._ended.wait(self._interval_s):
                return


class HeatWatcher:
    """Makes events ``hot``, ``throttled`` and ``under-voltage`` of the readings.

    A decision that falls into one of them may be followed by a rest, or be the last.

    Args:
        latest: Returns the last reading, such as a ``HeatMonitor``.
        limit_c: From here on the board is hot; ``None``: nobody knows its limit.
        on_throttle: What to do beside telling.
        stop: Ends the run; called once, with one line that says why.
        sleep: Waits for some seconds.
    """

    def __init__(
        self,
        latest: Callable[[], MachineState | None],
        *,
        limit_c: float | None = None,
        on_throttle: OnThrottle = "warn",
        stop: Callable[[str], None],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._latest = latest
        self._limit_c = limit_c
        self._on_throttle = on_throttle
        self._stop = stop
        self._sleep = sleep
        self._seen: MachineState | None = None
        self._going_on: dict[str, str] = {}
        self._has_stopped = False

    def watch(self, decision: Decision) -> list[Event]:
        """Return what began or ended since the last reading, and act on it."""
        state = self._latest()
        events = []
        if state is not None and state is not self._seen:
            self._seen = state
            events = list(self._changes(state, decision))
        if self._going_on:
            self._act(decision)
        return events

    def finish(self, now_ns: int) -> list[Event]:
        """Return the ends of all that is still going on."""
        names, self._going_on = list(self._going_on), {}
        return [
            Event(kind="heat", name=name, phase="end", at_ns=now_ns, noticed_ns=now_ns)
            for name in names
        ]

    def _changes(self, state: MachineState, decision: Decision) -> Iterator[Event]:
        now = self._conditions(state)
        for name in ("hot", *_BITS):
            if (name in now) == (name in self._going_on):
                continue
            yield Event(
                kind="heat",
                name=name,
                phase="start" if name in now else "end",
                at_ns=min(state.at_ns, decision.prediction.decided_ns),
                noticed_ns=decision.prediction.decided_ns,
                sequence=decision.frame.sequence,
                detail=now.get(name) or _reading(state),
            )
        self._going_on = now

    def _conditions(self, state: MachineState) -> dict[str, str]:
        """Return what holds at a reading, each with a line for people."""
        found = {}
        if self._is_hot(state.temperature_c):
            found["hot"] = f"{_reading(state)}, at least {self._limit_c:g} °C"
        for name, bits in _BITS.items():
            held = (state.throttle or ThrottleBits(0)) & bits
            if held:
                found[name] = f"{held.words}; {_reading(state)}"
        return found

    def _is_hot(self, temperature_c: float | None) -> bool:
        if temperature_c is None or self._limit_c is None:
            return False
        was_hot = "hot" in self._going_on
        return temperature_c >= self._limit_c - (_COOLER_C if was_hot else 0.0)

    def _act(self, decision: Decision) -> None:
        if self._on_throttle == "slow":
            self._sleep(decision.stage_ns["total"] / 1e9)
        elif self._on_throttle == "stop" and not self._has_stopped:
            self._has_stopped = True
            name, words = next(iter(self._going_on.items()))
            self._stop(f"the board is {name.replace('-', ' ')} ({words})")


def _reading(state: MachineState) -> str:
    if state.temperature_c is None:
        return "temperature unknown"
    return f"{state.temperature_c:.1f} °C"
