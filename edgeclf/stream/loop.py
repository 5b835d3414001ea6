"""Capture, decide, tell: the live loop."""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from edgeclf.errors import EdgeclfError
from edgeclf.latency import LatencyReport, StageTimer
from edgeclf.sources import Source
from edgeclf.stream.agreement import LoresAgreement
from edgeclf.stream.choice import WorkerChoice
from edgeclf.stream.counts import Ledger
from edgeclf.stream.decision import Decision, FrameClassifier
from edgeclf.stream.event import Event, Watcher
from edgeclf.stream.feed import Feed, PulledFeed
from edgeclf.stream.gate import ChangeGate, ChangeLimits
from edgeclf.stream.intake import Intake, Limits
from edgeclf.stream.live import LiveFeed
from edgeclf.stream.outage import Recovery
from edgeclf.stream.report import Ended, LoopReport
from edgeclf.stream.sink_counts import settle_sinks
from edgeclf.stream.stop import Stop
from edgeclf.stream.workers import Decider, Outcome, SoleDecider, Workers

__all__ = ["FrameClassifier", "Sink", "run_loop"]


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
    beside: Sequence[FrameClassifier] = (),
    choice: WorkerChoice | None = None,
    lores: LoresAgreement | None = None,
    sinks: Sequence[Sink] = (),
    watchers: Sequence[Watcher] = (),
    frames: int | None = None,
    duration_s: float | None = None,
    max_age_ms: float | None = None,
    every_frame: bool = False,
    on_change: ChangeLimits | None = None,
    recovery: Recovery | None = None,
    alive: Callable[[], None] | None = None,
    ledger: Ledger | None = None,
    stop: Stop | None = None,
    clock: Callable[[], int] = time.monotonic_ns,
) -> LoopReport:
    """Classify the frames of a source until a limit, its end, or a request to stop.

    A live source is read by a thread of its own, and the newest frame is decided; a
    source that waits is read when a frame is wanted. Nothing piles up anywhere. An
    error of the source or the engine ends the loop; the sinks get the report of what
    was done until then, and the error goes on to the caller.

    Args:
        source: Left open; a live one with a ``recovery`` is taken over, and closed.
        classifier: Left open.
        beside: Further classifiers of the same model. Each decides frames in a thread
            of its own, and so does ``classifier`` then; results come in order anyway.
            Left open.
        choice: Why these classifiers, for the report.
        lores: What ``measure_lores`` returned, for the report.
        sinks: Each gets every decision, the events that it made, then the report.
        watchers: Each sees every decision and makes events of them.
        frames: Most decisions to make.
        duration_s: Seconds after which no further frame is taken.
        max_age_ms: A frame that is older when its turn comes is late: not decided.
        every_frame: Decide every frame of a live source, however old it gets; the
            source waits while a few frames do.
        on_change: Decide only frames that show something new.
        recovery: How to get a lost live source back. Without one, its error or its end
            ends the loop, and it may be silent as long as it likes.
        alive: Called again and again by who takes the frames, ten times a second while
            none come: what a watchdog needs. A loop that hangs does not call it.
        ledger: Counts the frames; whoever made it may ask it meanwhile.
        stop: Asks for the end from a signal handler or another thread.
        clock: Nanoseconds on the clock of ``Frame.captured_ns``.

    Raises:
        SourceError: Frames cannot be had, or contradict themselves.
        BackendError: The engine failed.
    """
    stop = stop or Stop()
    ledger = ledger or Ledger()
    started_ns = clock()
    teller = _Teller(sinks, watchers, ledger, clock)
    feed: Feed = (
        LiveFeed(source, ledger, clock, every_frame=every_frame, recovery=recovery)
        if source.live
        else PulledFeed(source, ledger, stop, clock)
    )
    intake = Intake(
        feed,
        ledger,
        Limits(frames=frames, duration_s=duration_s, max_age_ms=max_age_ms),
        stop=stop,
        clock=clock,
        gate=None if on_change is None else ChangeGate(on_change),
        alive=alive,
    )
    decider: Decider = (
        Workers((classifier, *beside), intake, stop)
        if beside
        else SoleDecider(classifier, intake)
    )

    def finish(ended: Ended) -> LoopReport:
        decider.close()
        teller.tell_all(feed.close(clock()))
        teller.finish_watching()
        report = LoopReport(
            source=feed.source.uri,
            model_name=classifier.model.name,
            model_digest=classifier.model.digest,
            engine=classifier.identity,
            counts=ledger.close(unreadable=feed.unreadable),
            latency=LatencyReport.from_timer(
                teller.timer, age_origin=feed.source.timestamp_origin
            ),
            elapsed_ns=clock() - started_ns,
            ended=ended,
            workers=1 + len(beside),
            choice=choice,
            outages=feed.outages,
            lores=lores,
            sinks=settle_sinks(sinks, timeout_s=stop.patience_s("records")),
        )
        teller.report(report)
        return report

    try:
        try:
            for outcome in decider.outcomes():
                teller.tell(outcome)
        except EdgeclfError:
            finish("failed")
            raise
        return finish(intake.ended or stop.reason or "terminated")
    finally:
        decider.close()
        feed.close(clock())
        # Threads that do not end in time are left behind: they are daemons.
        decider.join(stop.patience_s("threads"))
        feed.join(stop.patience_s("threads"))


class _Teller:
    """Tells sinks and watchers what comes, measures it, and sums it up.

    Called by one thread, in the order of the frames.
    """

    def __init__(
        self,
        sinks: Sequence[Sink],
        watchers: Sequence[Watcher],
        ledger: Ledger,
        clock: Callable[[], int],
    ) -> None:
        self._sinks = sinks
        self._watchers = watchers
        self._ledger = ledger
        self._clock = clock
        self.timer = StageTimer(clock)

    def tell(self, outcome: Outcome) -> None:
        """Tell one decision, with the events that it makes, or one event."""
        if isinstance(outcome, Event):
            self.tell_all((outcome,))
            return
        self._ledger.settled("decided")
        for stage, duration_ns in outcome.stage_ns.items():
            self.timer.record(stage, duration_ns)
        self.timer.record("age", outcome.age_ns)
        for sink in self._sinks:
            sink.decision(outcome)
        for watcher in self._watchers:
            self.tell_all(watcher.watch(outcome))

    def tell_all(self, events: Iterable[Event]) -> None:
        """Tell events."""
        for event in events:
            for sink in self._sinks:
                sink.event(event)

    def finish_watching(self) -> None:
        """Tell the ends of all that is still going on."""
        for watcher in self._watchers:
            self.tell_all(watcher.finish(self._clock()))

    def report(self, report: LoopReport) -> None:
        """Hand on the report; nothing follows it."""
        for sink in self._sinks:
            sink.report(report)
