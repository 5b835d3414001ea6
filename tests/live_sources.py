"""Live sources that misbehave as they are told, and what a loop is run with on them."""

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from time import sleep
from typing import Any

import numpy as np

from edgeclf.errors import BackendError, SourceError
from edgeclf.sources import ClosedOnExit
from edgeclf.stream import Decision, Event, LoopReport
from edgeclf.types import (
    Classification,
    EngineIdentity,
    Frame,
    Model,
    Prediction,
    TimestampOrigin,
)
from tests.models import tiny_model

S = 1_000_000_000
PIXELS = np.zeros((4, 6, 3), np.uint8)
MODEL = tiny_model()
Step = Callable[["Scripted"], Frame | None]
"""What one read does: it returns a frame, or ``None`` for the end, or raises."""


class Scripted(ClosedOnExit):
    """Does one step a read, and ends after the last.

    Attributes:
        handed: The frames that it gave.
        impossible: How many of them no loop may take.
        repeated: How many had the number of the one before.
        closed: Whether it was closed.
        freed: Set by a test to end the reads that hang.
    """

    unreadable = 0
    timestamp_origin: TimestampOrigin = "driver"

    def __init__(
        self,
        steps: Iterable[Step],
        *,
        clock: Callable[[], int],
        live: bool = True,
        uri: str = "scripted:",
    ) -> None:
        self.uri = uri
        self.live = live
        self.clock = clock
        self.handed: list[Frame] = []
        self.impossible = 0
        self.repeated = 0
        self.closed = False
        self.freed = threading.Event()
        self.next_sequence = 0
        self._steps = iter(steps)

    def __iter__(self) -> Iterator[Frame]:
        return self

    def __next__(self) -> Frame:
        step = next(self._steps, None)
        made = None if step is None else step(self)
        if made is None:
            raise StopIteration
        self.handed.append(made)
        return made

    def frame(
        self,
        *,
        gap: int = 0,
        captured_ns: int | None = None,
        pixels: "np.ndarray[Any, Any]" = PIXELS,
    ) -> Frame:
        sequence = self.next_sequence + gap
        self.next_sequence = sequence + 1
        return Frame(
            pixels=pixels.copy(),
            captured_ns=self.clock() if captured_ns is None else captured_ns,
            timestamp_origin="arrival",
            sequence=sequence,
        )

    def close(self) -> None:
        self.closed = True


def give(source: Scripted) -> Frame:
    return source.frame()


def give_after_gap(source: Scripted) -> Frame:
    return source.frame(gap=3)


def give_again(source: Scripted) -> Frame:
    """Give the last number once more; the first time there is none."""
    if source.next_sequence:
        source.next_sequence -= 1
        source.repeated += 1
    return source.frame()


def give_from_the_future(source: Scripted) -> Frame:
    source.impossible += 1
    return source.frame(captured_ns=source.clock() + S)


def fail(source: Scripted) -> Frame:
    raise SourceError(f"{source.uri}: the cable is out")


def hang(source: Scripted) -> Frame:
    source.freed.wait()
    return source.frame()


def let_others_run(source: Scripted) -> Frame:
    sleep(0.001)
    return source.frame()


@dataclass
class Instant:
    """Says the same of every frame, at once; fails where it is told to.

    Attributes:
        before: Called with each frame before it is decided.
        seen: Numbers of the frames that it was asked about.
    """

    clock: Callable[[], int]
    fails_at: int | None = None
    before: Callable[[Frame], object] = lambda _: None
    seen: list[int] = field(default_factory=list)
    model: Model = MODEL
    identity: EngineIdentity = field(
        default_factory=lambda: EngineIdentity(
            engine="fake", version="0", threads_requested=1, threads=1, delegates=()
        )
    )

    def classify(self, frame: Frame) -> Prediction:
        self.seen.append(frame.sequence)
        self.before(frame)
        if self.fails_at is not None and frame.sequence >= self.fails_at:
            raise BackendError("the engine gave up")
        return Prediction(
            top=(Classification(index=1, label="cat", score=0.9),),
            stage_ns={"preprocess": 0, "invoke": 0, "head": 0},
            decided_ns=self.clock(),
            frame=frame,
        )


@dataclass
class Told:
    """A sink that keeps what it is told, in order.

    Attributes:
        lines: ``decision 7``, ``lost start``, ``report frames`` …
        on_decision: Called with each.
    """

    on_decision: Callable[[Decision], object] = lambda _: None
    lines: list[str] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    reports: list[LoopReport] = field(default_factory=list)

    def decision(self, decision: Decision) -> None:
        self.lines.append(f"decision {decision.frame.sequence}")
        self.decisions.append(decision)
        self.on_decision(decision)

    def event(self, event: Event) -> None:
        self.lines.append(f"{event.name} {event.phase}")
        self.events.append(event)

    def report(self, report: LoopReport) -> None:
        self.lines.append(f"report {report.ended}")
        self.reports.append(report)

    @property
    def sequences(self) -> list[int]:
        return [each.frame.sequence for each in self.decisions]
