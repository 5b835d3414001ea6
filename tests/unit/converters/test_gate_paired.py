"""The statistics of the gate: intervals, clusters, and what more photos would tell."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from converters.gate.paired import (
    Paired,
    deviate,
    difference_interval,
    share_interval,
)

Z = deviate()


@st.composite
def pairs(draw: st.DrawFn) -> Paired:
    photos = draw(st.integers(1, 2000))
    lost = draw(st.integers(0, photos))
    won = draw(st.integers(0, photos - lost))
    return Paired(photos=photos, lost=lost, won=won)


def test_the_deviate_is_the_normal_distributions() -> None:
    assert deviate() == pytest.approx(1.959964, abs=1e-6)
    assert deviate(comparisons=10) == pytest.approx(2.807034, abs=1e-6)


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [
        (97, 100, 0.9154806, 0.9897450),
        (0, 10, 0.0, 0.2775328),
        (10, 10, 0.7224672, 1.0),
        (1, 2, 0.0945312, 0.9054688),
    ],
)
def test_the_interval_of_a_share_is_wilsons(
    hits: int, n: int, low: float, high: float
) -> None:
    assert share_interval(hits, n, Z) == pytest.approx((low, high), abs=1e-6)


@pytest.mark.parametrize("n", [1, 26, 500])
def test_without_a_difference_the_interval_is_as_wide_as_its_formula_says(
    n: int,
) -> None:
    half = Z**2 / (n + Z**2)  # where the score statistic with no discordance is z

    low, high = difference_interval(Paired(photos=n, lost=0, won=0), Z)

    assert (low, high) == pytest.approx((-half, half), abs=1e-9)


@settings(deadline=None)
@given(pairs())
def test_an_interval_holds_its_estimate_and_is_one_of_shares(made: Paired) -> None:
    low, high = difference_interval(made, Z)

    assert -1 <= low <= made.drop <= high <= 1


@settings(deadline=None)
@given(pairs())
def test_exchanging_the_models_mirrors_the_interval(made: Paired) -> None:
    mirrored = Paired(photos=made.photos, lost=made.won, won=made.lost)

    low, high = difference_interval(made, Z)

    assert difference_interval(mirrored, Z) == pytest.approx((-high, -low), abs=1e-9)


@settings(deadline=None)
@given(pairs(), st.floats(1.5, 100))
def test_more_of_the_same_photos_never_widen_an_interval(
    made: Paired, factor: float
) -> None:
    low, high = difference_interval(made, Z)
    closer_low, closer_high = difference_interval(made.scaled(factor), Z)

    assert low - 1e-9 <= closer_low
    assert closer_high <= high + 1e-9


@pytest.mark.parametrize(
    ("lost", "won", "photos"), [(0.02, 0.01, 500), (0.03, 0.03, 200), (0.1, 0.05, 100)]
)
def test_nineteen_of_twenty_intervals_hold_the_truth(
    lost: float, won: float, photos: int
) -> None:
    random = np.random.default_rng(0)
    drawn = random.multinomial(photos, [lost, won, 1 - lost - won], size=400)

    intervals = [
        difference_interval(Paired(photos=photos, lost=row[0], won=row[1]), Z)
        for row in drawn
    ]

    held = np.mean([low <= lost - won <= high for low, high in intervals])
    assert 0.92 <= held <= 0.99


def test_photos_without_likes_count_once_each() -> None:
    worse = np.arange(100) < 20

    made = Paired.measure(worse, np.zeros(100, bool), np.arange(100))

    assert (made.photos, made.lost, made.won) == (100, 20, 0)


def test_five_copies_of_each_photo_tell_no_more_than_one() -> None:
    random = np.random.default_rng(1)
    worse = np.repeat(random.random(200) < 0.2, 5)

    made = Paired.measure(worse, np.zeros(1000, bool), np.repeat(np.arange(200), 5))

    assert made.photos == pytest.approx(200, rel=0.02)
    assert made.drop == pytest.approx(worse.mean())


def test_crops_that_differ_by_chance_count_as_different_photos() -> None:
    random = np.random.default_rng(2)
    worse = random.random(1000) < 0.2

    made = Paired.measure(worse, np.zeros(1000, bool), np.repeat(np.arange(200), 5))

    assert made.photos > 800


def test_where_nothing_differs_crops_of_a_photo_count_as_one() -> None:
    none = np.zeros(100, bool)

    made = Paired.measure(none, none, np.repeat(np.arange(5), 20))

    assert made.photos == pytest.approx(5)
