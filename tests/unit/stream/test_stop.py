import signal
import threading
import time

import pytest

from edgeclf.stream import Stop, StopWaiting, stop_on_signals
from edgeclf.stream.stop import Wait
from edgeclf.testing import FakeClock


def test_a_signal_ends_a_wait_at_once() -> None:
    stop = Stop()
    began_ns = time.monotonic_ns()
    thread = threading.Timer(
        0.05, signal.pthread_kill, (threading.get_ident(), signal.SIGTERM)
    )

    with stop_on_signals(stop):
        thread.start()
        with pytest.raises(StopWaiting):
            stop.wait_for(lambda: time.sleep(20))

    thread.join()
    assert time.monotonic_ns() - began_ns < 10e9
    assert stop.reason == "terminated"


def test_a_signal_outside_a_wait_only_leaves_a_note() -> None:
    stop = Stop()

    with stop_on_signals(stop):
        signal.raise_signal(signal.SIGINT)

    assert stop.reason == "interrupted"


def test_a_wait_does_not_begin_after_the_end_was_asked_for() -> None:
    stop = Stop()
    stop.request()

    with pytest.raises(StopWaiting):
        stop.wait_for(lambda: pytest.fail("it began"))


def test_a_wait_returns_what_was_waited_for() -> None:
    assert Stop().wait_for(lambda: 7) == 7


def test_a_second_signal_gets_the_systems_own_answer() -> None:
    stop = Stop()

    with stop_on_signals(stop):
        signal.raise_signal(signal.SIGINT)

        assert signal.getsignal(signal.SIGINT) is signal.SIG_DFL
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_the_handlers_are_given_back() -> None:
    before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]

    with stop_on_signals(Stop()):
        signal.raise_signal(signal.SIGTERM)

    assert [
        signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)
    ] == before


def test_what_a_shell_made_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    stop = Stop()
    try:
        with stop_on_signals(stop):
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)

    assert stop.reason is None


def test_the_first_reason_stays() -> None:
    stop = Stop()

    stop.request("interrupted")
    stop.request("terminated")

    assert stop.reason == "interrupted"


WAITS: tuple[Wait, ...] = ("frames", "records", "threads", "closing")


def test_all_that_hangs_together_is_waited_for_less_than_a_service_has() -> None:
    clock = FakeClock()
    stop = Stop(clock=clock)

    stop.request()
    began_ns = clock()
    for wait in WAITS:
        clock.advance(round(stop.patience_s(wait) * 1e9))

    assert clock() - began_ns < 1.3e9  # of 2 s: the rest is a busy machine's


def test_what_one_wait_does_not_need_is_there_for_the_next() -> None:
    clock = FakeClock()
    stop = Stop(clock=clock)

    stop.request()
    after_all = stop.patience_s("records")
    clock.advance(600_000_000)
    after_slow_frames = stop.patience_s("records")

    assert after_all == pytest.approx(0.9)
    assert after_slow_frames == pytest.approx(0.3)


def test_a_frame_that_took_all_of_the_time_leaves_a_moment_to_those_in_order() -> None:
    clock = FakeClock()
    stop = Stop(clock=clock)

    stop.request()
    clock.advance(5_000_000_000)

    assert [stop.patience_s(wait) for wait in WAITS] == [0, 0.1, 0, 0.1]


def test_a_run_that_ends_by_itself_has_time() -> None:
    assert [Stop().patience_s(wait) for wait in WAITS] == [1, 1, 0.3, 0.3]


def test_asking_again_gives_no_more_time() -> None:
    clock = FakeClock()
    stop = Stop(clock=clock)

    stop.request()
    clock.advance(800_000_000)
    stop.request()

    assert stop.patience_s("records") == pytest.approx(0.1)
