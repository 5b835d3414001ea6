import json
import threading
import time
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path

import numpy as np
import pytest

from edgeclf.classifier import Classifier
from edgeclf.errors import BackendError, SourceError
from edgeclf.sinks import open_sinks
from edgeclf.stream import Stop, run_loop
from edgeclf.testing import FakeClock, FakeSource
from edgeclf.types import Frame, Uint8Image
from tests.brokers import until
from tests.live_sources import PIXELS, Instant, Scripted, Told, fail, give
from tests.models import tiny_model


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def unequal(clock: FakeClock, workers: int) -> list[Instant]:
    """Return workers of which the first takes its time with every frame."""
    slow = Instant(clock, before=lambda _: time.sleep(0.004))
    return [slow, *(Instant(clock) for _ in range(workers - 1))]


@pytest.mark.parametrize("workers", [2, 3, 5])
def test_decisions_come_in_the_order_of_the_frames(
    workers: int, clock: FakeClock
) -> None:
    first, *others = unequal(clock, workers)
    told = Told()

    report = run_loop(
        FakeSource([PIXELS] * 60, clock=clock),
        first,
        beside=others,
        sinks=[told],
        clock=clock,
    )

    assert told.sequences == list(range(60))
    assert report.workers == workers
    assert report.ended == "end-of-source"
    assert 0 < len(first.seen) < 60
    assert sum(len(each.seen) for each in (first, *others)) == 60


def test_two_workers_decide_at_the_same_time(clock: FakeClock) -> None:
    meeting = threading.Barrier(2)

    report = run_loop(
        FakeSource([PIXELS] * 10, clock=clock),
        Instant(clock, before=lambda _: meeting.wait(10)),
        beside=[Instant(clock, before=lambda _: meeting.wait(10))],
        clock=clock,
    )

    assert report.counts.decided == 10


def test_a_frame_is_read_while_another_is_decided(clock: FakeClock) -> None:
    is_deciding, was_read = threading.Event(), threading.Event()

    def pictures() -> Iterator[Uint8Image]:
        yield PIXELS
        assert is_deciding.wait(10)
        was_read.set()
        yield PIXELS

    def before(frame: Frame) -> None:
        if frame.sequence == 0:
            is_deciding.set()
            assert was_read.wait(10)

    classifiers = [Instant(clock, before=before) for _ in range(2)]

    report = run_loop(
        FakeSource(pictures(), clock=clock),
        classifiers[0],
        beside=classifiers[1:],
        clock=clock,
    )

    assert report.counts.decided == 2


def test_a_slow_worker_holds_the_others_up_rather_than_let_results_pile_up(
    clock: FakeClock,
) -> None:
    seen: list[int] = []
    ahead: list[int] = []

    def before(frame: Frame) -> None:
        seen.append(frame.sequence)
        if frame.sequence == 3:
            time.sleep(0.2)
            ahead.append(max(seen))

    classifiers = [Instant(clock, before=before) for _ in range(2)]

    run_loop(
        FakeSource([PIXELS] * 50, clock=clock),
        classifiers[0],
        beside=classifiers[1:],
        clock=clock,
    )

    assert ahead[0] <= 3 + 3  # four places, of which the slow one takes the first


@pytest.mark.parametrize("live", [True, False])
def test_a_worker_that_fails_ends_the_run_after_all_frames_before_its_own(
    live: bool, clock: FakeClock
) -> None:
    first, *others = unequal(clock, 3)
    for each in (first, *others):
        each.fails_at = 20
    told = Told()

    with pytest.raises(BackendError, match="gave up"):
        run_loop(
            Scripted(repeat(give), clock=clock, live=live),
            first,
            beside=others,
            sinks=[told],
            every_frame=True,
            clock=clock,
        )

    assert told.sequences == list(range(20))
    assert told.lines[-1] == "report failed"
    assert told.reports[0].counts.left >= 1


def test_a_worker_that_breaks_is_raised_and_what_was_decided_before_is_written(
    clock: FakeClock, tmp_path: Path
) -> None:
    def breaks(frame: Frame) -> None:
        if frame.sequence == 20:
            raise MemoryError("nobody thought of this")

    log = tmp_path / "log.jsonl"
    before = threading.active_count()

    with (
        open_sinks([f"jsonl:{log}"]) as sinks,
        pytest.raises(MemoryError, match="nobody thought"),
    ):
        run_loop(
            Scripted(repeat(give), clock=clock),
            Instant(clock, before=breaks),
            beside=[Instant(clock, before=breaks)] * 2,
            sinks=sinks,
            every_frame=True,
            clock=clock,
        )

    written = [json.loads(line)["sequence"] for line in log.read_text().splitlines()]
    assert written == list(range(20))
    until(lambda: threading.active_count() == before)


def test_a_source_that_fails_ends_the_run_after_all_frames_before_that(
    clock: FakeClock,
) -> None:
    first, *others = unequal(clock, 3)
    told = Told()

    with pytest.raises(SourceError, match="the cable is out"):
        run_loop(
            Scripted([*[give] * 20, fail], clock=clock, live=False),
            first,
            beside=others,
            sinks=[told],
            clock=clock,
        )

    assert told.sequences == list(range(20))


def test_it_makes_exactly_as_many_decisions_as_were_asked_for(
    clock: FakeClock,
) -> None:
    first, *others = unequal(clock, 3)
    source = FakeSource([PIXELS] * 100, clock=clock)

    report = run_loop(source, first, beside=others, frames=37, clock=clock)

    assert (report.counts.captured, report.counts.decided) == (37, 37)
    assert report.ended == "frames"
    assert len(list(source)) == 63


def test_a_stop_lets_the_frames_at_hand_be_finished(clock: FakeClock) -> None:
    stop = Stop()
    told = Told(
        on_decision=lambda each: stop.request() if each.frame.sequence == 9 else None
    )
    first, *others = unequal(clock, 3)

    report = run_loop(
        Scripted(repeat(give), clock=clock, live=False),
        first,
        beside=others,
        sinks=[told],
        stop=stop,
        clock=clock,
    )

    assert report.ended == "terminated"
    assert told.sequences == list(range(len(told.sequences)))
    assert report.counts.captured == report.counts.decided


def test_no_thread_is_left_behind(clock: FakeClock) -> None:
    before = threading.active_count()

    run_loop(
        FakeSource([PIXELS] * 5, clock=clock, live=True),
        Instant(clock),
        beside=[Instant(clock)] * 3,
        clock=clock,
    )

    assert threading.active_count() == before


def test_workers_say_what_one_says_on_a_real_engine() -> None:
    random = np.random.default_rng(0)
    pictures = [random.integers(0, 256, (40, 50, 3), np.uint8) for _ in range(24)]
    model = tiny_model()
    alone, together = Told(), Told()

    with Classifier(model) as first, Classifier(model) as second:
        run_loop(FakeSource(pictures), first, sinks=[alone])
        run_loop(FakeSource(pictures), first, beside=[second], sinks=[together])

    assert [each.prediction.top for each in together.decisions] == [
        each.prediction.top for each in alone.decisions
    ]
