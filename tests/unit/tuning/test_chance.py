"""Intervals of counts, against tables."""

import pytest

from edgeclf.tuning.chance import HOURS_FOR_NONE, rate_interval, share_interval


@pytest.mark.parametrize(
    ("count", "low", "high"),
    [  # Exact limits of a Poisson mean, as in any table of them.
        (0, 0, 3.689),
        (1, 0.0253, 5.572),
        (5, 1.623, 11.668),
        (10, 4.795, 18.390),
        (100, 81.364, 121.627),
    ],
)
def test_a_count_has_the_exact_poisson_interval(
    count: int, low: float, high: float
) -> None:
    found = rate_interval([count], [2.0])

    assert found == pytest.approx((low / 2, high / 2), abs=5e-4)


def test_counts_over_the_same_time_are_one_count() -> None:
    assert rate_interval([3, 0, 2], [0.5] * 3) == pytest.approx(
        rate_interval([5], [0.5]), rel=1e-6
    )


def test_what_was_watched_shortly_widens_the_interval() -> None:
    even, uneven = rate_interval([2, 2], [1, 1]), rate_interval([4, 0], [1.9, 0.1])

    assert uneven.high > 3 * even.high


def test_so_many_hours_without_one_leave_less_than_one_an_hour() -> None:
    assert rate_interval([0], [HOURS_FOR_NONE]).high == pytest.approx(1, rel=1e-6)


@pytest.mark.parametrize(
    ("count", "total", "low", "high"),
    [(0, 10, 0, 0.2775), (1, 10, 0.0179, 0.4042), (10, 10, 0.7225, 1)],
)
def test_a_share_has_wilsons_interval(
    count: int, total: int, low: float, high: float
) -> None:
    assert share_interval(count, total) == pytest.approx((low, high), abs=1e-4)
