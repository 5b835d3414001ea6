import signal
import threading
import time

import pytest

from edgeclf.stream import Stop, StopWaiting, stop_on_signals


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
