import contextlib
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pytest

from edgeclf.errors import BackendError, SourceError
from edgeclf.sources import ClosedOnExit
from edgeclf.stream import (
    Decision,
    Event,
    LoopReport,
    Phase,
    Stop,
    run_loop,
    stop_on_signals,
)
from edgeclf.testing import FakeClock, FakeSource
from edgeclf.types import (
    Classification,
    EngineIdentity,
    Frame,
    Model,
    Prediction,
    TimestampOrigin,
)
from tests.models import tiny_model

PIXELS = np.zeros((4, 6, 3), np.uint8)
MS = 1_000_000
NO_ENGINE = EngineIdentity(
    engine="fake", version="0", threads_requested=1, threads=1, delegates=()
)


class ScriptedSource(ClosedOnExit):
    """Gives the frames it was given, each some time after it was asked for."""

    uri = "scripted:"
    live = False
    timestamp_origin: TimestampOrigin = "driver"
    unreadable = 2

    def __init__(self, frames: list[Frame], *, clock: FakeClock, wait_ns: int) -> None:
        self._frames = frames
        self._clock = clock
        self._wait_ns = wait_ns

    def __iter__(self) -> Iterator[Frame]:
        for frame in self._frames:
            self._clock.advance(self._wait_ns)
            yield frame

    def close(self) -> None: ...


@dataclass
class ScriptedClassifier:
    """Says the same of every frame, after 1 + 5 + 2 ms."""

    clock: FakeClock
    fails_at: int | None = None
    model: Model = field(default_factory=tiny_model)
    identity: EngineIdentity = NO_ENGINE

    def classify(self, frame: Frame) -> Prediction:
        if frame.sequence == self.fails_at:
            raise BackendError("the engine gave up")
        self.clock.advance(8 * MS)
        return Prediction(
            top=(Classification(index=1, label="cat", score=0.9),),
            stage_ns={"preprocess": 1 * MS, "invoke": 5 * MS, "head": 2 * MS},
            decided_ns=self.clock(),
            frame=frame,
        )


@dataclass
class Collector:
    decisions: list[Decision] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    reports: list[LoopReport] = field(default_factory=list)

    def decision(self, decision: Decision) -> None:
        self.decisions.append(decision)

    def event(self, event: Event) -> None:
        self.events.append(event)

    def report(self, report: LoopReport) -> None:
        self.reports.append(report)

    @property
    def sequences(self) -> list[int]:
        return [decision.frame.sequence for decision in self.decisions]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def classifier(clock: FakeClock) -> ScriptedClassifier:
    return ScriptedClassifier(clock)


def endless(clock: FakeClock) -> FakeSource:
    def pictures() -> Iterator[np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]:
        while True:
            yield PIXELS

    return FakeSource(pictures(), clock=clock)


def frame(
    sequence: int, *, captured_ns: int = 1_000_000_000, ready_ns: int | None = None
) -> Frame:
    return Frame(
        pixels=PIXELS,
        captured_ns=captured_ns,
        timestamp_origin="driver",
        sequence=sequence,
        ready_ns=ready_ns,
    )


def test_every_frame_is_decided_in_order_until_the_source_ends(
    clock: FakeClock, classifier: ScriptedClassifier
) -> None:
    sink = Collector()

    report = run_loop(
        FakeSource([PIXELS] * 5, clock=clock), classifier, sinks=[sink], clock=clock
    )

    assert sink.sequences == [0, 1, 2, 3, 4]
    assert report.ended == "end-of-source"
    assert (report.counts.captured, report.counts.decided) == (5, 5)
    assert sink.reports == [report]


def test_it_makes_as_many_decisions_as_were_asked_for(
    clock: FakeClock, classifier: ScriptedClassifier
) -> None:
    source = FakeSource([PIXELS] * 5, clock=clock)

    report = run_loop(source, classifier, frames=3, clock=clock)

    assert report.ended == "frames"
    assert (report.counts.captured, report.counts.decided) == (3, 3)
    assert len(list(source)) == 2


def test_no_frame_is_taken_after_the_duration(
    clock: FakeClock, classifier: ScriptedClassifier
) -> None:
    report = run_loop(endless(clock), classifier, duration_s=0.03, clock=clock)

    assert report.ended == "duration"
    assert report.counts.decided == 4  # 8 ms each: taken at 0, 8, 16 and 24 ms
    assert report.elapsed_ns == 32 * MS


def test_gaps_in_the_sequence_are_counted_as_skipped(
    clock: FakeClock, classifier: ScriptedClassifier
) -> None:
    frames = [frame(each, captured_ns=each) for each in (1, 2, 7)]

    report = run_loop(
        ScriptedSource(frames, clock=clock, wait_ns=0), classifier, clock=clock
    )

    assert report.counts.captured == 3
    assert report.counts.skipped == 5
    assert report.counts.unreadable == 2


def test_capture_leaves_the_waiting_out_when_the_source_says_when_data_were_ready(
    clock: FakeClock, classifier: ScriptedClassifier
) -> None:
    taken_ns = clock.now_ns + 17 * MS
    ready_ns = clock.now_ns + 30 * MS
    frames = [frame(0, captured_ns=taken_ns, ready_ns=ready_ns)]
    sink = Collector()

    run_loop(
        ScriptedSource(frames, clock=clock, wait_ns=33 * MS),
        classifier,
        sinks=[sink],
        clock=clock,
    )

    assert sink.decisions[0].stage_ns == {
        "capture": 3 * MS,
        "preprocess": 1 * MS,
        "invoke": 5 * MS,
        "head": 2 * MS,
        "total": 11 * MS,
    }
    assert sink.decisions[0].age_ns == 24 * MS


def test_capture_is_all_of_the_time_when_the_source_does_not_say(
    clock: FakeClock, classifier: ScriptedClassifier
) -> None:
    sink = Collector()

    run_loop(
        ScriptedSource([frame(0)], clock=clock, wait_ns=33 * MS),
        classifier,
        sinks=[sink],
        clock=clock,
    )

    assert sink.decisions[0].stage_ns["capture"] == 33 * MS
    assert sink.decisions[0].stage_ns["total"] == 41 * MS


def test_the_report_holds_every_stage_the_age_and_its_origin(
    clock: FakeClock, classifier: ScriptedClassifier
) -> None:
    frames = [frame(0, captured_ns=1), frame(1, captured_ns=2)]
    source = ScriptedSource(frames, clock=clock, wait_ns=0)

    report = run_loop(source, classifier, clock=clock)

    assert list(report.latency.stages) == [
        "capture",
        "preprocess",
        "invoke",
        "head",
        "total",
        "age",
    ]
    assert {stage.count for stage in report.latency.stages.values()} == {2}
    assert report.latency.age_origin == "driver"
    assert report.model_digest == classifier.model.digest


def test_a_source_that_fails_is_reported_and_then_raised(
    clock: FakeClock, classifier: ScriptedClassifier
) -> None:
    sink = Collector()
    source = FakeSource([PIXELS] * 2, clock=clock, error="the cable is out")

    with pytest.raises(SourceError, match="the cable is out"):
        run_loop(source, classifier, sinks=[sink], clock=clock)

    assert [report.ended for report in sink.reports] == ["failed"]
    assert sink.reports[0].counts.decided == 2


def test_a_frame_that_the_engine_failed_on_is_captured_and_not_decided(
    clock: FakeClock,
) -> None:
    sink = Collector()
    source = FakeSource([PIXELS] * 5, clock=clock)

    with pytest.raises(BackendError):
        run_loop(
            source, ScriptedClassifier(clock, fails_at=3), sinks=[sink], clock=clock
        )

    counts = sink.reports[0].counts
    assert (counts.captured, counts.decided, counts.left) == (4, 3, 1)


def test_a_frame_that_comes_twice_is_counted_and_not_decided_again(
    clock: FakeClock, classifier: ScriptedClassifier
) -> None:
    sink = Collector()
    frames = [frame(4), frame(4), frame(5, captured_ns=900_000_000)]
    source = ScriptedSource(frames, clock=clock, wait_ns=0)

    report = run_loop(source, classifier, sinks=[sink], clock=clock)

    assert sink.sequences == [4, 5]
    assert (report.counts.captured, report.counts.duplicated) == (3, 1)


def test_a_picture_with_the_cameras_time_of_the_one_before_is_the_one_before(
    clock: FakeClock, classifier: ScriptedClassifier
) -> None:
    frames = [frame(0, captured_ns=7), frame(1, captured_ns=7), frame(2, captured_ns=8)]
    source = ScriptedSource(frames, clock=clock, wait_ns=0)
    sink = Collector()

    report = run_loop(source, classifier, sinks=[sink], clock=clock)

    assert sink.sequences == [0, 2]
    assert (report.counts.duplicated, report.counts.skipped) == (1, 0)


def test_a_source_that_goes_back_is_an_error(
    clock: FakeClock, classifier: ScriptedClassifier
) -> None:
    source = ScriptedSource([frame(4), frame(2)], clock=clock, wait_ns=0)

    with pytest.raises(SourceError, match="frame 2 came after frame 4"):
        run_loop(source, classifier, clock=clock)


def test_a_frame_from_the_future_is_an_error(
    clock: FakeClock, classifier: ScriptedClassifier
) -> None:
    frames = [frame(0, captured_ns=clock.now_ns + 1)]

    with pytest.raises(SourceError, match="from the future"):
        run_loop(
            ScriptedSource(frames, clock=clock, wait_ns=0), classifier, clock=clock
        )


def test_a_source_without_frames_gives_a_report_without_stages(
    clock: FakeClock, classifier: ScriptedClassifier
) -> None:
    report = run_loop(FakeSource([], clock=clock), classifier, clock=clock)

    assert report.latency.stages == {}
    assert report.decisions_per_s == 0


def test_another_thread_can_end_the_loop(
    clock: FakeClock, classifier: ScriptedClassifier
) -> None:
    stop = Stop()
    thread = threading.Timer(0.05, stop.request)
    thread.start()

    report = run_loop(endless(clock), classifier, stop=stop, clock=clock)

    thread.join()
    assert report.ended == "terminated"
    assert report.counts.captured == report.counts.decided


@dataclass
class Raiser(Collector):
    """A sink that sends this process a signal when it gets a certain frame."""

    number: signal.Signals = signal.SIGINT
    at: int = 2

    def decision(self, decision: Decision) -> None:
        super().decision(decision)
        if decision.frame.sequence == self.at:
            signal.raise_signal(self.number)


@pytest.mark.parametrize(
    ("number", "ended"),
    [(signal.SIGINT, "interrupted"), (signal.SIGTERM, "terminated")],
)
def test_a_signal_lets_the_frame_be_finished(
    number: signal.Signals,
    ended: str,
    clock: FakeClock,
    classifier: ScriptedClassifier,
) -> None:
    stop = Stop()
    raiser, behind_it = Raiser(number=number), Collector()

    with stop_on_signals(stop):
        report = run_loop(
            endless(clock),
            classifier,
            sinks=[raiser, behind_it],
            stop=stop,
            clock=clock,
        )

    assert report.ended == ended
    assert behind_it.sequences == [0, 1, 2]
    assert report.counts.captured == 3


class EverySecond:
    """A watcher that sees something in frame 1, which is never over by itself."""

    def watch(self, decision: Decision) -> list[Event]:
        if decision.frame.sequence != 1:
            return []
        return [
            self._event("start", decision.frame.captured_ns, decision.frame.sequence)
        ]

    def finish(self, now_ns: int) -> list[Event]:
        return [self._event("end", now_ns, None)]

    def _event(self, phase: Phase, at_ns: int, sequence: int | None) -> Event:
        return Event(
            kind="label",
            name="cat",
            phase=phase,
            at_ns=at_ns,
            noticed_ns=at_ns,
            sequence=sequence,
        )


@pytest.mark.parametrize("fails_at", [None, 2])
def test_what_a_watcher_sees_is_told_and_ended_before_the_report(
    fails_at: int | None, clock: FakeClock
) -> None:
    told: list[str] = []

    class Order(Collector):
        def decision(self, decision: Decision) -> None:
            told.append(f"decision {decision.frame.sequence}")

        def event(self, event: Event) -> None:
            told.append(f"event {event.phase}")

        def report(self, report: LoopReport) -> None:
            told.append(f"report {report.ended}")

    source = FakeSource([PIXELS] * 3, clock=clock)
    classifier = ScriptedClassifier(clock, fails_at=fails_at)
    with contextlib.suppress(BackendError):
        run_loop(
            source, classifier, sinks=[Order()], watchers=[EverySecond()], clock=clock
        )

    rest = ["decision 2"] if fails_at is None else []
    ended = "report end-of-source" if fails_at is None else "report failed"
    seen = ["decision 0", "decision 1", "event start"]
    assert told == [*seen, *rest, "event end", ended]


def test_an_event_is_never_noticed_before_it_happens() -> None:
    with pytest.raises(ValueError, match="noticed when it is there or later"):
        Event(kind="heat", name="hot", phase="start", at_ns=2, noticed_ns=1)
