import threading

import pytest

from edgeclf.errors import SourceError
from edgeclf.sources.handover import Handover


def put_many(handover: Handover[str], items: str) -> threading.Thread:
    def put_all() -> None:
        for item in items:
            handover.put(item)

    thread = threading.Thread(target=put_all, daemon=True)
    thread.start()
    return thread


def test_the_newest_is_had_and_the_numbers_show_what_was_not() -> None:
    handover: Handover[str] = Handover(keeps_all=False)

    put_many(handover, "abc").join()
    first = handover.take(1)
    put_many(handover, "defg").join()
    second = handover.take(1)

    assert first == (0, "c")
    assert second == (4, "g")


def test_what_is_to_be_kept_is_kept_and_who_puts_waits_for_room() -> None:
    handover: Handover[str] = Handover(keeps_all=True)
    putting = put_many(handover, "abcdefghijklmnopqrst")
    putting.join(0.05)

    assert putting.is_alive()
    taken = [handover.take(5) for _ in range(20)]

    assert taken == list(enumerate("abcdefghijklmnopqrst"))
    putting.join(5)
    assert not putting.is_alive()


def test_waiting_has_an_end() -> None:
    with pytest.raises(TimeoutError):
        Handover(keeps_all=False).take(0.001)


def test_a_failure_comes_after_what_was_put_before_it_and_stays() -> None:
    handover: Handover[str] = Handover(keeps_all=False)
    handover.put("last")
    handover.fail(SourceError("unplugged"))

    assert handover.take(1) == (0, "last")
    for _ in range(2):
        with pytest.raises(SourceError, match="unplugged"):
            handover.take(1)


def test_closing_ends_who_waits_to_take() -> None:
    handover: Handover[str] = Handover(keeps_all=False)
    closing = threading.Timer(0.05, handover.close)
    closing.start()

    with pytest.raises(StopIteration):
        handover.take(10)


def test_closing_ends_who_waits_to_put_and_keeps_nothing() -> None:
    handover: Handover[str] = Handover(keeps_all=True)
    putting = put_many(handover, "abcdefghijklmnopqrst")
    putting.join(0.05)

    handover.close()
    putting.join(5)

    assert not putting.is_alive()
    assert handover.is_closed
    with pytest.raises(StopIteration):
        handover.take(1)
