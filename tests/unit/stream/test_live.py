"""Live sources: captured apart, lost and found, with a clock that the test moves."""

import threading
import time
from collections.abc import Callable, Iterator
from itertools import chain, repeat
from typing import Any

import numpy as np
import pytest

from edgeclf.classifier import Classifier
from edgeclf.errors import BackendError, SourceError
from edgeclf.sources import Source
from edgeclf.stream import (
    Backoff,
    LoopReport,
    Recovery,
    Stop,
    Unopened,
    run_loop,
)
from edgeclf.testing import FakeClock, FakeSource
from edgeclf.types import Frame
from tests.live_sources import (
    PIXELS,
    Instant,
    S,
    Scripted,
    Step,
    Told,
    fail,
    give,
    give_from_the_future,
    hang,
)
from tests.models import tiny_model

AT_ONCE = Backoff(share=lambda: 0.0)


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    deadline_ns = time.monotonic_ns() + 10 * S
    while set(threading.enumerate()) - before and time.monotonic_ns() < deadline_ns:
        time.sleep(0.01)
    assert set(threading.enumerate()) <= before


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def then_hang(clock: FakeClock, silent_s: float) -> Step:
    """Return a step that hangs, and on whose clock so much time is gone by then."""

    def step(source: Scripted) -> Frame:
        clock.advance(round(silent_s * S))
        return hang(source)

    return step


class Reopening:
    """Gives one source after the other, and the last kind of them for ever."""

    def __init__(self, *openings: "Callable[[], Source]") -> None:
        self._openings = iter(openings)
        self._last = openings[-1]
        self.attempts = 0
        self.opened: list[Source] = []

    def __call__(self) -> Source:
        self.attempts += 1
        opened = next(self._openings, self._last)()
        self.opened.append(opened)
        return opened


def refused() -> Source:
    raise SourceError("connection refused")


def recovery(reopen: Callable[[], Source], **options: Any) -> Recovery:
    return Recovery(reopen=reopen, backoff=AT_ONCE, **options)


def always(clock: FakeClock) -> Scripted:
    return Scripted(repeat(give), clock=clock)


def test_a_source_that_fails_is_opened_again_and_the_numbers_go_on(
    clock: FakeClock,
) -> None:
    source = Scripted([give, give, fail], clock=clock)
    reopening = Reopening(lambda: Scripted([give, give, give], clock=clock))
    told = Told()

    report = run_loop(
        source,
        Instant(clock),
        sinks=[told],
        every_frame=True,
        frames=5,
        recovery=recovery(reopening),
        clock=clock,
    )

    assert told.lines == [
        *("decision 0", "decision 1", "lost start", "lost end"),
        *("decision 2", "decision 3", "decision 4", "report frames"),
    ]
    assert "the cable is out" in told.events[0].detail
    assert told.events[1].sequence == 2
    assert report.outages == 1
    assert source.closed


def test_a_read_that_blocks_is_noticed_and_its_thread_left_to_itself(
    clock: FakeClock,
) -> None:
    blocked = Scripted([give, then_hang(clock, 2.1)], clock=clock)
    told = Told()

    report = run_loop(
        blocked,
        Instant(clock),
        sinks=[told],
        frames=2,
        every_frame=True,
        recovery=recovery(Reopening(lambda: always(clock))),
        clock=clock,
    )
    told_before = list(told.lines)
    closed_before = blocked.closed
    blocked.freed.set()

    assert told_before[:3] == ["decision 0", "lost start", "lost end"]
    start = told.events[0]
    assert start.noticed_ns - start.at_ns == round(2.1 * S)
    assert "nothing came for 2.1 s" in start.detail
    assert not closed_before  # nobody pulls a device from under a library that reads
    assert report.counts.decided == 2
    assert told.lines == told_before


def test_a_source_that_hangs_short_of_the_limit_is_not_lost(clock: FakeClock) -> None:
    def slowly(source: Scripted) -> Frame:
        clock.advance(round(1.9 * S))
        time.sleep(0.15)  # so that somebody looks
        return give(source)

    told = Told()

    report = run_loop(
        Scripted([give, slowly, slowly], clock=clock),
        Instant(clock),
        sinks=[told],
        frames=3,
        every_frame=True,
        recovery=recovery(refused),
        clock=clock,
    )

    assert (report.outages, told.events) == (0, [])


def test_the_end_of_a_live_source_is_a_loss(clock: FakeClock) -> None:
    told = Told()

    run_loop(
        Scripted([give], clock=clock),
        Instant(clock),
        sinks=[told],
        frames=2,
        every_frame=True,
        recovery=recovery(Reopening(lambda: Scripted([give], clock=clock))),
        clock=clock,
    )

    assert told.lines[1:3] == ["lost start", "lost end"]
    assert "the stream ended" in told.events[0].detail


def test_without_a_recovery_the_end_is_the_end_and_an_error_an_error(
    clock: FakeClock,
) -> None:
    ending, failing = (Scripted([give, step], clock=clock) for step in (stop_, fail))
    told = Told()

    report = run_loop(ending, Instant(clock), clock=clock)
    with pytest.raises(SourceError, match="the cable is out"):
        run_loop(failing, Instant(clock), sinks=[told], clock=clock)

    assert report.ended == "end-of-source"
    assert [each.ended for each in told.reports] == ["failed"]
    assert not ending.closed
    assert not failing.closed


def stop_(_: Scripted) -> None:
    return None


def test_it_is_tried_until_it_opens_with_longer_and_longer_waits(
    clock: FakeClock,
) -> None:
    reopening = Reopening(*[refused] * 6, lambda: always(clock))
    waited: list[float] = []

    class Waits(Backoff):
        def wait_s(self, failures: int) -> float:
            waited.append(super().wait_s(failures))
            return 0.0

    told = Told()

    run_loop(
        Scripted([fail], clock=clock),
        Instant(clock),
        sinks=[told],
        frames=1,
        recovery=Recovery(reopen=reopening, backoff=Waits(share=lambda: 1.0)),
        clock=clock,
    )

    assert reopening.attempts == 7
    assert waited == [0.25, 0.5, 1, 2, 2, 2, 2]
    assert told.lines[:2] == ["lost start", "lost end"]


def test_a_source_that_was_well_for_a_while_is_tried_soon_again(
    clock: FakeClock,
) -> None:
    failures: list[int] = []

    class Kept(Backoff):
        def wait_s(self, failures_: int) -> float:
            failures.append(failures_)
            return 0.0

    def well(source: Scripted) -> Frame:
        clock.advance(3 * S)
        return give(source)

    run_loop(
        Scripted([give, fail], clock=clock),
        Instant(clock),
        every_frame=True,
        frames=6,
        recovery=Recovery(
            reopen=Reopening(
                lambda: Scripted([give, fail], clock=clock),
                lambda: Scripted([give, well, fail], clock=clock),
                lambda: Scripted([give, give], clock=clock),
            ),
            stall_s=100,
            backoff=Kept(),
        ),
        clock=clock,
    )

    assert failures == [0, 1, 0]


def test_an_outage_that_lasts_too_long_ends_the_run(clock: FakeClock) -> None:
    def refused_after_a_while() -> Source:
        clock.advance(4 * S)
        return refused()

    told = Told()

    with pytest.raises(SourceError, match=r"no frame came for \d+\.0 s.*refused"):
        run_loop(
            Scripted([give, fail], clock=clock),
            Instant(clock),
            sinks=[told],
            every_frame=True,
            recovery=recovery(refused_after_a_while, max_outage_s=10),
            clock=clock,
        )

    assert told.lines == ["decision 0", "lost start", "lost end", "report failed"]


def test_a_silent_source_is_not_given_up_before_its_first_frame_may_have_come(
    clock: FakeClock,
) -> None:
    def slow_start(source: Scripted) -> Frame:
        clock.advance(5 * S)
        assert heard.wait(10)
        return give(source)

    heard = threading.Event()

    class Hearing(Told):
        def event(self, event: Any) -> None:
            super().event(event)
            heard.set()

    told = Hearing()

    report = run_loop(
        Scripted([slow_start], clock=clock),
        Instant(clock),
        sinks=[told],
        frames=1,
        recovery=recovery(refused),
        clock=clock,
    )

    assert told.lines == ["lost start", "lost end", "decision 0", "report frames"]
    assert report.outages == 1


def test_a_source_that_never_begins_is_given_up_and_opened_again(
    clock: FakeClock,
) -> None:
    silent = Scripted([then_hang(clock, 10.1)], clock=clock)

    report = run_loop(
        silent,
        Instant(clock),
        frames=1,
        recovery=recovery(Reopening(lambda: always(clock))),
        clock=clock,
    )
    silent.freed.set()

    assert (report.counts.decided, report.outages) == (1, 1)


def test_no_more_than_four_threads_hang_in_a_dead_source(clock: FakeClock) -> None:
    silent: list[Scripted] = []

    def dead() -> Source:
        silent.append(Scripted([then_hang(clock, 10.1)], clock=clock))
        return silent[-1]

    stop = Stop()
    timer = threading.Timer(1.5, stop.request)
    timer.start()

    run_loop(dead(), Instant(clock), recovery=recovery(dead), stop=stop, clock=clock)
    timer.join()
    for each in silent:
        each.freed.set()

    assert 2 <= len(silent) <= 4


def test_a_stand_in_for_a_source_that_cannot_be_opened_yet_is_replaced(
    clock: FakeClock,
) -> None:
    told = Told()

    report = run_loop(
        Unopened("rtsp:…", SourceError("no route to host")),
        Instant(clock),
        sinks=[told],
        frames=1,
        recovery=recovery(Reopening(refused, lambda: always(clock))),
        clock=clock,
    )

    assert told.events[0].detail == "no route to host"
    assert report.source == "scripted:"


def test_files_that_turn_up_late_are_read_whole_and_end_the_run(
    clock: FakeClock,
) -> None:
    told = Told()

    report = run_loop(
        Unopened("images:…", SourceError("no such folder")),
        Instant(clock),
        sinks=[told],
        recovery=recovery(lambda: FakeSource([PIXELS] * 40, clock=clock)),
        clock=clock,
    )

    assert told.sequences == list(range(40))
    assert report.ended == "end-of-source"


def test_a_frame_from_the_future_is_no_frame(clock: FakeClock) -> None:
    told = Told()

    report = run_loop(
        Scripted([give_from_the_future], clock=clock),
        Instant(clock),
        sinks=[told],
        frames=1,
        recovery=recovery(lambda: always(clock)),
        clock=clock,
    )

    assert "from the future" in told.events[0].detail
    assert report.counts.decided == 1
    assert all(each.age_ns >= 0 for each in told.decisions)


def test_what_is_no_source_error_is_raised_to_the_caller(clock: FakeClock) -> None:
    def bug(_: Scripted) -> Frame:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_loop(
            Scripted([give, bug], clock=clock),
            Instant(clock),
            recovery=recovery(refused),
            clock=clock,
        )


def test_a_change_of_resolution_goes_through() -> None:
    sizes = [(48, 64), (30, 20), (480, 640), (48, 64)]
    steps: list[Step] = [
        lambda source, size=size: source.frame(  # type: ignore[misc] # bound here
            pixels=np.full((*size, 3), 128, np.uint8)
        )
        for size in sizes
    ]
    told = Told()

    with Classifier(tiny_model()) as classifier:
        run_loop(
            Scripted(steps, clock=time.monotonic_ns),
            classifier,
            sinks=[told],
            every_frame=True,
        )

    assert [each.frame.pixels.shape[:2] for each in told.decisions] == sizes


def run_while_deciding_takes_long(
    clock: FakeClock, *, every_frame: bool
) -> tuple[Scripted, Told, LoopReport]:
    """Give 30 frames while the first one is decided, and 10 later."""
    all_given = threading.Event()
    first_is_decided = threading.Event()

    def wait_for_the_first(source: Scripted) -> Frame:
        assert first_is_decided.wait(10)
        return give(source)

    def last(_: Scripted) -> None:
        all_given.set()

    def before(frame: Frame) -> None:
        if frame.sequence == 0:
            if every_frame:
                time.sleep(0.05)  # the source fills the queue, and waits
                given.append(len(source.handed))
            else:
                assert all_given.wait(10)

    given: list[int] = []
    first: list[Step] = [give]
    source = Scripted([*first, *[give] * 39, last], clock=clock)
    told = Told()
    report = run_loop(
        source,
        Instant(clock, before=before),
        sinks=[told],
        every_frame=every_frame,
        clock=clock,
    )
    assert all(each <= 6 for each in given)  # decided, four that wait, one at the door
    return source, told, report


def test_the_newest_frame_is_decided_and_those_before_it_are_dropped(
    clock: FakeClock,
) -> None:
    source, told, report = run_while_deciding_takes_long(clock, every_frame=False)

    # Which is first depends on how soon the loop looks.
    assert told.sequences[-1] == 39
    assert len(told.sequences) <= 2 or told.sequences[0] > 0
    assert report.counts.captured == len(source.handed) == 40
    assert report.counts.dropped == 40 - len(told.sequences)


def test_every_frame_is_decided_when_asked_for_and_the_source_waits(
    clock: FakeClock,
) -> None:
    _, told, report = run_while_deciding_takes_long(clock, every_frame=True)

    assert told.sequences == list(range(40))
    assert (report.counts.dropped, report.counts.left) == (0, 0)


def test_what_is_too_old_when_its_turn_comes_is_late(clock: FakeClock) -> None:
    ages_ms = [0, 99, 101, 100, 5000, 1]
    steps: list[Step] = [
        lambda source, age_ms=age_ms: source.frame(  # type: ignore[misc] # bound here
            captured_ns=clock.now_ns - age_ms * 1_000_000 + source.next_sequence
        )
        for age_ms in ages_ms
    ]
    clock.advance(60 * S)
    told = Told()

    report = run_loop(
        Scripted(steps, clock=clock),
        Instant(clock),
        sinks=[told],
        every_frame=True,
        max_age_ms=100.1,
        clock=clock,
    )

    assert told.sequences == [0, 1, 3, 5]
    assert report.counts.late == 2


def test_the_time_is_over_though_the_source_is_silent() -> None:
    source = FakeSource([PIXELS], live=True, hangs=True)

    report = run_loop(source, Instant(time.monotonic_ns), duration_s=0.2)
    source.close()

    assert report.ended == "duration"
    assert 0.2 * S <= report.elapsed_ns < 10 * S


@pytest.mark.parametrize(
    ("live", "workers"), [(True, 1), (True, 2), (False, 2)], ids=str
)
def test_a_source_that_blocks_does_not_hold_up_the_end(
    live: bool, workers: int
) -> None:
    source = FakeSource([PIXELS] * 3, live=live, hangs=True)
    stop = Stop()
    told = Told()
    asked_ns: list[int] = []

    def ask() -> None:
        asked_ns.append(time.monotonic_ns())
        stop.request()

    timer = threading.Timer(0.3, ask)
    timer.start()

    clock = time.monotonic_ns
    report = run_loop(
        source,
        Instant(clock),
        beside=[Instant(clock)] * (workers - 1),
        sinks=[told],
        stop=stop,
    )
    took_ns = time.monotonic_ns() - asked_ns[0]
    timer.join()
    source.interrupt()

    assert report.ended == "terminated"
    assert told.lines[-1] == "report terminated"
    assert took_ns < 8 * S  # 1 s and less; a loaded machine takes its time


def test_an_outage_that_goes_on_is_ended_with_the_run(clock: FakeClock) -> None:
    told = Told()
    stop = Stop()
    told_of_loss = threading.Event()

    class Stopping(Told):
        def event(self, event: Any) -> None:
            super().event(event)
            told_of_loss.set()
            stop.request()

    told = Stopping()

    run_loop(
        Scripted([give, fail], clock=clock),
        Instant(clock),
        sinks=[told],
        recovery=Recovery(reopen=refused),
        stop=stop,
        clock=clock,
    )

    assert told.lines[-3:] == ["lost start", "lost end", "report terminated"]


def test_an_engine_that_fails_ends_a_live_run(clock: FakeClock) -> None:
    told = Told()

    with pytest.raises(BackendError):
        run_loop(
            always(clock),
            Instant(clock, fails_at=0),
            sinks=[told],
            recovery=recovery(refused),
            clock=clock,
        )

    assert told.lines == ["report failed"]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"first_s": 0}, "waits must be above 0"),
        ({"first_s": 3, "longest_s": 2}, "the longest not below the first"),
    ],
)
def test_waits_that_make_no_sense_are_refused(
    options: dict[str, float], problem: str
) -> None:
    with pytest.raises(ValueError, match=problem):
        Backoff(**options)  # type: ignore[arg-type] # the values are what is tested


def test_waits_never_pass_their_longest_however_often_it_failed() -> None:
    shares = chain([1.0, 0.5], repeat(1.0))
    backoff = Backoff(share=lambda: next(shares))

    assert [backoff.wait_s(0), backoff.wait_s(0)] == [0.25, 0.125]
    assert backoff.wait_s(1_000_000) == 2.0


@pytest.mark.parametrize("name", ["stall_s", "start_s", "max_outage_s"])
def test_a_recovery_without_time_is_refused(name: str) -> None:
    options: Any = {name: -1.0}

    with pytest.raises(ValueError, match="times must be finite and above 0"):
        Recovery(reopen=refused, **options)
