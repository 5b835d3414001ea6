"""Capture, classify, tell: the live loop, in one thread."""

import time
from collections.abc import Callable, Sequence
from typing import Protocol

from edgeclf.errors import EdgeclfError, SourceError
from edgeclf.latency import LatencyReport, StageTimer
from edgeclf.sources import Source
from edgeclf.stream.decision import Decision
from edgeclf.stream.event import Event, Watcher
from edgeclf.stream.report import Counts, Ended, LoopReport
from edgeclf.stream.sink_counts import settle_sinks
from edgeclf.stream.stop import Stop, StopWaiting
from edgeclf.types import EngineIdentity, Frame, Model, Prediction

__all__ = ["FrameClassifier", "Sink", "run_loop"]


class FrameClassifier(Protocol):
    """What the loop needs of a ``Classifier``."""

    @property
    def model(self) -> Model:
        """What it classifies with."""
        ...

    @property
    def identity(self) -> EngineIdentity:
        """What runs the model."""
        ...

    def classify(self, frame: Frame) -> Prediction:
        """Return what the model says of a frame."""
        ...


class Sink(Protocol):
    """Where decisions go."""

    def decision(self, decision: Decision) -> None:
        """Take one decision, in the order of the frames."""
        ...

    def event(self, event: Event) -> None:
        """Take what began or ended, after the decision that showed it."""
        ...

    def report(self, report: LoopReport) -> None:
        """Take the report; nothing follows it."""
        ...


def run_loop(  # noqa: PLR0913 - all but two are keyword-only options
    source: Source,
    classifier: FrameClassifier,
    *,
    sinks: Sequence[Sink] = (),
    watchers: Sequence[Watcher] = (),
    frames: int | None = None,
    duration_s: float | None = None,
    stop: Stop | None = None,
    clock: Callable[[], int] = time.monotonic_ns,
) -> LoopReport:
    """Classify the frames of a source until a limit, its end, or a request to stop.

    Every frame that is taken is decided before the next one is asked for, so nothing
    piles up here. An error of the source or the engine ends the loop; the sinks get
    the report of what was done until then, and the error goes on to the caller.

    Args:
        source: Left open.
        classifier: Left open.
        sinks: Each gets every decision, the events that it made, then the report.
        watchers: Each sees every decision and makes events of them.
        frames: Most decisions to make.
        duration_s: Seconds after which no further frame is taken.
        stop: Asks for the end from a signal handler or another thread.
        clock: Nanoseconds on the clock of ``Frame.captured_ns``.

    Raises:
        SourceError: Frames cannot be had, or contradict themselves.
        BackendError: The engine failed.
    """
    loop = _Loop(source, classifier, sinks, watchers, stop or Stop(), clock)
    try:
        ended = loop.run(frames, duration_s)
    except EdgeclfError:
        loop.finish("failed")
        raise
    return loop.finish(ended)


class _Loop:
    """One run: what it works with, and what it counts."""

    def __init__(
        self,
        source: Source,
        classifier: FrameClassifier,
        sinks: Sequence[Sink],
        watchers: Sequence[Watcher],
        stop: Stop,
        clock: Callable[[], int],
    ) -> None:
        self._source = source
        self._frames = iter(source)
        self._classifier = classifier
        self._sinks = sinks
        self._watchers = watchers
        self._stop = stop
        self._clock = clock
        self._timer = StageTimer(clock)
        self._captured = 0
        self._decided = 0
        self._next_sequence = 0
        self._started_ns = clock()

    def run(self, frames: int | None, duration_s: float | None) -> Ended:
        """Decide frame after frame, and return why that ended."""
        deadline_ns = (
            None if duration_s is None else self._started_ns + round(duration_s * 1e9)
        )
        while frames is None or self._decided < frames:
            asked_ns = self._clock()
            if deadline_ns is not None and asked_ns >= deadline_ns:
                return "duration"
            try:
                frame = self._stop.wait_for(self._take)
            except StopWaiting:
                return self._stop.reason or "terminated"
            if frame is None:
                return "end-of-source"
            started_ns = asked_ns if frame.ready_ns is None else frame.ready_ns
            self._decide(frame, started_ns)
        return "frames"

    def finish(self, ended: Ended) -> LoopReport:
        """Make the report and hand it to the sinks, after the last events."""
        for watcher in self._watchers:
            self._tell(watcher.finish(self._clock()))
        report = LoopReport(
            source=self._source.uri,
            model_name=self._classifier.model.name,
            model_digest=self._classifier.model.digest,
            engine=self._classifier.identity,
            counts=Counts(
                captured=self._captured,
                decided=self._decided,
                skipped=self._next_sequence - self._captured,
                unreadable=self._source.unreadable,
            ),
            latency=LatencyReport.from_timer(
                self._timer, age_origin=self._source.timestamp_origin
            ),
            elapsed_ns=self._clock() - self._started_ns,
            ended=ended,
            sinks=settle_sinks(self._sinks),
        )
        for sink in self._sinks:
            sink.report(report)
        return report

    def _tell(self, events: Sequence[Event]) -> None:
        for event in events:
            for sink in self._sinks:
                sink.event(event)

    def _take(self) -> Frame | None:
        return next(self._frames, None)

    def _decide(self, frame: Frame, started_ns: int) -> None:
        captured_ns = self._clock()
        self._count(frame, captured_ns)
        prediction = self._classifier.classify(frame)
        self._decided += 1
        decision = Decision(
            frame=frame,
            prediction=prediction,
            stage_ns={
                "capture": captured_ns - started_ns,
                **prediction.stage_ns,
                "total": prediction.decided_ns - started_ns,
            },
            age_ns=prediction.decided_ns - frame.captured_ns,
        )
        for stage, duration_ns in decision.stage_ns.items():
            self._timer.record(stage, duration_ns)
        self._timer.record("age", decision.age_ns)
        for sink in self._sinks:
            sink.decision(decision)
        for watcher in self._watchers:
            self._tell(watcher.watch(decision))

    def _count(self, frame: Frame, now_ns: int) -> None:
        """Take a frame into the counts.

        Raises:
            SourceError: It is no frame that could come next.
        """
        if frame.sequence < self._next_sequence:
            raise SourceError(
                f"{self._source.uri}: frame {frame.sequence} came after frame "
                f"{self._next_sequence - 1}: the source repeats itself"
            )
        if frame.captured_ns > now_ns:
            raise SourceError(
                f"{self._source.uri}: frame {frame.sequence} is from the future: its "
                "time is not on CLOCK_MONOTONIC"
            )
        self._captured += 1
        self._next_sequence = frame.sequence + 1
