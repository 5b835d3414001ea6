"""What the page shows of a running loop: the newest of everything."""

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, TypeAlias

from edgeclf.latency import LatencyBudget, LatencyReport, Readings
from edgeclf.machine import MachineState
from edgeclf.page.recent import RecentTimes
from edgeclf.preprocess.geometry import seen_part
from edgeclf.stream import Decision, Event, LoopReport
from edgeclf.types import EngineIdentity, Model

__all__ = ["EVENTS", "LivePage"]

_LoopPhase: TypeAlias = Literal["starting", "running", "ended"]

EVENTS: Final = 50
"""Events that are kept to be shown."""

_SUMMARY_NS: Final = 1_000_000_000
"""How often percentiles are worked out anew while somebody looks."""

_RATE_NS: Final = 5_000_000_000
"""The time that decisions a second speak of."""


@dataclass(frozen=True, slots=True)
class _Newest:
    """The newest decision, and when it was made."""

    decision: Decision
    decided_ns: int


class LivePage:
    """A sink that keeps what a page shows; the loop pays for a few references.

    Its own methods are called by the loop's thread; ``newest`` and ``state`` by
    whoever serves the page.

    Args:
        model: What decides; its preprocessing says what part of a picture it sees.
        budget: What each stage may take; ``None`` when nobody said.
        is_own_budget: Whether the budget is this very machine's.
        counts: Returns what became of the frames so far.
        machine: Returns the last reading of temperature, clock and throttle bits.
        clock: Nanoseconds on the clock of ``Frame.captured_ns``.
    """

    def __init__(
        self,
        *,
        model: Model,
        budget: LatencyBudget | None = None,
        is_own_budget: bool = False,
        counts: Callable[[], Mapping[str, int]] = dict,
        machine: Callable[[], MachineState | None] = lambda: None,
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._model = model
        self._budget = budget
        self._is_own_budget = is_own_budget
        self._counts = counts
        self._machine = machine
        self._clock = clock
        self._run = secrets.token_hex(6)
        self._phase: _LoopPhase = "starting"
        self._started_ns = clock()
        self._loop: Mapping[str, Any] | None = None
        self._newest: _Newest | None = None
        self._times = RecentTimes()
        self._events: tuple[Event, ...] = ()
        self._ended: str | None = None
        self._summed_up: tuple[int, LatencyReport] | None = None

    def started(self, *, source: str, engine: EngineIdentity, workers: int) -> None:
        """Take note that the loop begins.

        Args:
            source: Fit to be shown.
            engine: What runs the model, as read back.
            workers: Frames that are decided at once.
        """
        self._loop = {"source": source, "engine": asdict(engine), "workers": workers}
        self._started_ns = self._clock()
        self._phase = "running"

    def decision(self, decision: Decision) -> None:
        """Keep a decision, and forget the one before."""
        decided_ns = decision.frame.captured_ns + decision.age_ns
        self._newest = _Newest(decision, decided_ns)
        self._times.add(decision, decided_ns=decided_ns)

    def event(self, event: Event) -> None:
        """Keep an event, newest first."""
        self._events = (event, *self._events)[:EVENTS]

    def report(self, report: LoopReport) -> None:
        """Take note that the loop has ended."""
        self._ended = report.ended
        self._phase = "ended"

    @property
    def newest(self) -> Decision | None:
        """The newest decision, its picture included; ``None`` before the first."""
        newest = self._newest
        return None if newest is None else newest.decision

    def state(self) -> dict[str, Any]:
        """Return all but the picture, JSON-ready; docs/page.md says what is what.

        Times are ages in milliseconds: this machine's clocks mean nothing to a browser.
        """
        now_ns = self._clock()
        machine = self._machine()
        return {
            "schema": "edgeclf.page",
            "version": 1,
            "run": self._run,
            "phase": self._phase,
            "ended": self._ended,
            "up_ms": (now_ns - self._started_ns) / 1e6,
            "model": {"name": self._model.name, "digest": self._model.digest},
            "loop": self._loop,
            "decision": self._decision(now_ns),
            "decisions_per_s": self._times.per_s(
                now_ns, since_ns=max(self._started_ns, now_ns - _RATE_NS)
            ),
            "counts": dict(self._counts()),
            "machine": None if machine is None else _machine(machine, now_ns),
            **self._latency(now_ns, machine),
            "events": [_event(each, now_ns) for each in self._events],
        }

    def _decision(self, now_ns: int) -> dict[str, Any] | None:
        newest = self._newest
        if newest is None:
            return None
        frame = newest.decision.frame
        height, width = frame.pixels.shape[:2]
        return {
            "sequence": frame.sequence,
            "size": [width, height],
            "seen": seen_part((height, width), self._model.spec.preprocess),
            "top": [each._asdict() for each in newest.decision.prediction.top],
            "age_ms": newest.decision.age_ns / 1e6,
            "timestamp_origin": frame.timestamp_origin,
            "since_ms": (now_ns - newest.decided_ns) / 1e6,
        }

    def _latency(self, now_ns: int, machine: MachineState | None) -> dict[str, Any]:
        """Return percentiles and judgements, worked out at most once a second."""
        if self._summed_up is None or now_ns - self._summed_up[0] >= _SUMMARY_NS:
            readings = Readings(
                temperature_c=None if machine is None else machine.temperature_c
            )
            report = self._times.report(self._budget, readings)
            self._summed_up = (now_ns, report)
        report = self._summed_up[1]
        budget = self._budget
        return {
            "stages": {
                name: {
                    key.removesuffix("_ns") + "_ms": value / 1e6
                    for key, value in stage.to_dict().items()
                    if key != "count"
                }
                for name, stage in report.stages.items()
            },
            "budget": None
            if budget is None
            else {
                "name": budget.name,
                "is_own": self._is_own_budget,
                # Of the process: a page is opened long after a cold start.
                "limits": [
                    each.to_dict()
                    for each in report.judgements
                    if each.statistic is not None or each.name == "temperature"
                ],
            },
        }


def _machine(state: MachineState, now_ns: int) -> dict[str, Any]:
    return {
        "temperature_c": state.temperature_c,
        "clock_mhz": state.clock_mhz,
        "throttle": None if state.throttle is None else state.throttle.now.words,
        "load_1m": state.load_1m,
        "available_mib": state.available_mib,
        "since_ms": (now_ns - state.at_ns) / 1e6,
    }


def _event(event: Event, now_ns: int) -> dict[str, Any]:
    return {
        "kind": event.kind,
        "name": event.name,
        "phase": event.phase,
        "since_ms": (now_ns - event.at_ns) / 1e6,
        "score": event.score,
        "detail": event.detail,
    }
