import pytest

from edgeclf.stream import Counts
from edgeclf.stream.counts import Ledger


def test_counts_that_do_not_add_up_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="do not add up"):
        Counts(captured=3, decided=1, dropped=1, skipped=0, unreadable=0)


def test_what_came_to_nothing_is_left() -> None:
    ledger = Ledger()
    for skipped in (0, 4, 0, 0):
        ledger.captured(skipped=skipped)
    ledger.settled("decided")
    ledger.settled("dropped", 2)

    counts = ledger.close(unreadable=7)

    assert counts == Counts(
        captured=4, decided=1, dropped=2, left=1, skipped=4, unreadable=7
    )


def test_nothing_counts_after_the_close() -> None:
    ledger = Ledger()
    ledger.captured()
    counts = ledger.close(unreadable=0)

    ledger.captured()
    ledger.settled("decided")

    assert ledger.close(unreadable=9) == counts
