"""Viewers cost a fixed share of a core, whatever the board."""

import pytest

from edgeclf.page.pace import Pace

MS = 1_000_000


@pytest.mark.parametrize(
    ("cost_ms", "period_ms"), [(0, 100), (1, 100), (4, 100), (10, 250), (40, 1000)]
)
def test_a_dear_round_is_followed_by_a_long_pause(cost_ms: int, period_ms: int) -> None:
    pace = Pace()

    assert pace.period_ns(cost_ms * MS) == period_ms * MS
    assert pace.period_ns(cost_ms * MS) == period_ms * MS


def test_no_pause_is_so_long_that_a_viewer_thinks_the_loop_is_gone() -> None:
    assert Pace().period_ns(10_000 * MS) == 2_000 * MS


def test_one_slow_round_does_not_stop_the_picture() -> None:
    pace = Pace()
    for _ in range(20):
        pace.period_ns(2 * MS)

    assert pace.period_ns(20 * MS) < 200 * MS
