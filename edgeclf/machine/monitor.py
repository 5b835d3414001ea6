"""Watching the machine while something is measured."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from edgeclf.machine.state import MachineReader, MachineState
from edgeclf.machine.throttle import ThrottleBits

__all__ = ["MachineMonitor", "RunConditions"]

_SHORTEST_NS = 1_000_000_000
"""The kernel counts in hundredths of a second: over less than this they say little."""

_COSTLY_EVERY = 5
"""Where throttle bits take a new process, only every fifth sample asks for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConditions:
    """How the machine was during a run; ``None`` where it could not be seen.

    Attributes:
        duration_s: From the first sample to the last.
        samples: How many.
        temperature_start_c: At the start.
        temperature_max_c: The highest.
        clock_min_mhz: Slowest that the fastest core was.
        clock_max_mhz: Fastest that it was.
        throttle: Bits that held at some time during the run, or came up in it.
        load_start: Load average of the minute before.
        foreign_cores: Cores' worth of processor time that others took, steal included;
            ``None`` also for less than a second.
        swapped_pages: Pages moved to and from swap.
        available_min_mib: Least memory that was left.
        sampling_ns: Processor time that watching took.
    """

    duration_s: float
    samples: int
    temperature_start_c: float | None
    temperature_max_c: float | None
    clock_min_mhz: float | None
    clock_max_mhz: float | None
    throttle: ThrottleBits | None
    load_start: float | None
    foreign_cores: float | None
    swapped_pages: int | None
    available_min_mib: int | None
    sampling_ns: int

    @classmethod
    def from_states(
        cls, states: Sequence[MachineState], *, sampling_ns: int = 0
    ) -> "RunConditions":
        """Sum up at least one state."""
        first, last = states[0], states[-1]
        temperatures = [s.temperature_c for s in states if s.temperature_c is not None]
        clocks = [s.clock_mhz for s in states if s.clock_mhz is not None]
        memory = [s.available_mib for s in states if s.available_mib is not None]
        return cls(
            duration_s=(last.at_ns - first.at_ns) / 1e9,
            samples=len(states),
            temperature_start_c=first.temperature_c,
            temperature_max_c=max(temperatures, default=None),
            clock_min_mhz=min(clocks, default=None),
            clock_max_mhz=max(clocks, default=None),
            throttle=_throttle(states),
            load_start=first.load_1m,
            foreign_cores=_foreign_cores(first, last),
            swapped_pages=_difference(first.swapped_pages, last.swapped_pages),
            available_min_mib=min(memory, default=None),
            sampling_ns=sampling_ns,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the fields, JSON-ready."""
        return {
            name: getattr(self, name)
            for name in self.__dataclass_fields__
            if name != "throttle"
        } | {"throttle_bits": None if self.throttle is None else int(self.throttle)}


class MachineMonitor:
    """Takes a sample at the start, at least one a second, and one at the end.

    It runs in a thread of its own, so that a slow frame does not delay a sample.

    Args:
        reader: What reads a sample.
        interval_s: Between samples.
        limit: Samples kept; beyond it every second one is dropped and the pace
            halved, so that a run of days takes no more memory than one of minutes.
    """

    def __init__(
        self, reader: MachineReader, *, interval_s: float = 1.0, limit: int = 4096
    ) -> None:
        self._reader = reader
        self._interval_s = interval_s
        self._limit = limit
        self._states: list[MachineState] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._sampling_ns = 0

    def __enter__(self) -> "MachineMonitor":  # noqa: PYI034 - no Self in Python 3.10
        self._states.append(self._reader.read())
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()
        self._states.append(self._reader.read())

    @property
    def states(self) -> tuple[MachineState, ...]:
        """The samples so far, oldest first."""
        return tuple(self._states)

    @property
    def conditions(self) -> RunConditions:
        """Sum up the samples so far."""
        return RunConditions.from_states(self.states, sampling_ns=self._sampling_ns)

    def _watch(self) -> None:
        started_ns = time.thread_time_ns()
        number = 0
        while not self._ended.wait(self._interval_s):
            number += 1
            is_cheap = self._reader.throttle.is_cheap
            self._states.append(
                self._reader.read(throttle=is_cheap or number % _COSTLY_EVERY == 0)
            )
            if len(self._states) >= self._limit:
                del self._states[1:-1:2]
            self._sampling_ns = time.thread_time_ns() - started_ns


def _difference(before: int | None, after: int | None) -> int | None:
    return None if before is None or after is None else after - before


def _foreign_cores(first: MachineState, last: MachineState) -> float | None:
    """Return what the machine did beyond this process, in cores; never below 0."""
    busy_ns = _difference(first.busy_ns, last.busy_ns)
    if busy_ns is None or last.at_ns - first.at_ns < _SHORTEST_NS:
        return None
    foreign_ns = busy_ns - (last.own_ns - first.own_ns)
    return max(0.0, foreign_ns / (last.at_ns - first.at_ns))


def _throttle(states: Sequence[MachineState]) -> ThrottleBits | None:
    """Return the bits that held at any sample, and those since boot that came up.

    Each sample is compared with the one before, not with the first: Linux's
    raspberrypi-hwmon driver has the firmware clear the bits since boot now and then.
    """
    known = [state.throttle for state in states if state.throttle is not None]
    if not known:
        return None
    before, seen = known[0], ThrottleBits(0)
    for bits in known:
        seen |= bits.now | (bits & ~before)
        before = bits
    return seen
