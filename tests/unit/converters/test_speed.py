"""Times are compared in turns, and a time becomes a share of multiply-accumulates."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.prune.budget import estimated_share, published_law
from converters.prune.search import share_for_time
from converters.prune.speed import Speedup, compare_speed, shortest_ms
from converters.prune.worth import judge_speedup
from edgeclf.errors import OutOfBoundsError, SpecError
from edgeclf.profiles import load_profile
from edgeclf.testing import FakeBackend
from edgeclf.types import Tensor
from tests.models import tiny_model

SPEC = tiny_model("float32", classes=2, size=(4, 6)).spec


class Clocked(FakeBackend):
    """A backend that takes as long as it is told on a clock that it moves."""

    def __init__(self, now: list[int], duration: Callable[[], float]) -> None:
        super().__init__(SPEC, scores=[[0.5, 0.5]])
        self._now = now
        self._duration = duration

    def run(self, tensor: Tensor) -> Tensor:
        self._now[0] += int(self._duration() * 1e6)
        return super().run(tensor)


def compared(
    before: Callable[[], float], after: Callable[[], float], rounds: int = 31
) -> Speedup:
    now = [0]
    return compare_speed(
        Clocked(now, before), Clocked(now, after), rounds=rounds, clock=lambda: now[0]
    )


def noisy(milliseconds: float, seed: int) -> Callable[[], float]:
    numbers = np.random.default_rng(seed)
    return lambda: milliseconds * (1 + numbers.exponential(0.3))


def test_the_ratio_is_that_of_the_times() -> None:
    speedup = compared(lambda: 6.0, lambda: 4.0)

    assert speedup.ratio == pytest.approx(1.5)
    assert (speedup.low, speedup.high) == pytest.approx((1.5, 1.5))
    assert (speedup.before_ms, speedup.after_ms) == pytest.approx((6.0, 4.0))


def test_noise_widens_the_interval_around_the_ratio() -> None:
    speedup = compared(noisy(30, 1), noisy(20, 2))

    assert speedup.low < 1.5 < speedup.high
    assert speedup.high - speedup.low > 0.01


def test_a_machine_that_slows_down_slows_both() -> None:
    now = [0]

    def pace() -> float:
        return 1 + now[0] / 1e9

    speedup = compare_speed(
        Clocked(now, lambda: 3 * pace()),
        Clocked(now, lambda: 2 * pace()),
        clock=lambda: now[0],
    )

    assert speedup.ratio == pytest.approx(1.5, rel=0.03)


def test_one_models_time_is_its_shortest_run() -> None:
    now = [0]
    assert shortest_ms(Clocked(now, lambda: 7.0), clock=lambda: now[0]) == 7.0


@pytest.mark.parametrize(
    "board",
    [pytest.param("raspberry-pi-4b", id="other"), pytest.param(None, id="none")],
)
def test_elsewhere_a_small_speedup_is_reported_and_not_refused(
    board: str | None,
) -> None:
    profile = None if board is None else load_profile(board)
    speedup = compared(lambda: 1.0, lambda: 1.0)

    words = judge_speedup(speedup, profile, min_speedup=1.1, engine="litert")

    assert "1.00 times as fast" in words
    assert f"unverified on {board or 'the board'}" in words


def test_on_the_profiles_own_machine_a_small_speedup_is_refused() -> None:
    speedup = compared(lambda: 1.09, lambda: 1.0)

    with pytest.raises(OutOfBoundsError, match=r"1\.09 times .* 1\.10 times is asked"):
        judge_speedup(
            speedup, load_profile("generic-cpu"), min_speedup=1.1, engine="litert"
        )

    fast = compared(lambda: 1.2, lambda: 1.0)
    words = judge_speedup(
        fast, load_profile("generic-cpu"), min_speedup=1.1, engine="litert"
    )
    assert "unverified" not in words


def test_a_published_time_becomes_a_share_and_says_that_it_is_an_estimate() -> None:
    law = published_law("raspberry-pi-4b", "litert", is_int8=False)
    assert law is not None

    share, words = estimated_share(50.0, 385e6, law, board="raspberry-pi-4b")

    assert law.milliseconds((1 - share) * 385e6) == pytest.approx(50.0)
    assert 0.1 < share < 0.5
    assert "an estimate, not a measurement" in words
    assert "37 published models" in words
    assert "MLPerf" in words


def test_published_times_lie_within_the_stated_spread() -> None:
    law = published_law("raspberry-pi-4b", "litert", is_int8=True)
    assert law is not None

    assert 1 < law.spread < 1.8
    assert law.milliseconds(300_774_272) == pytest.approx(23.0, rel=law.spread - 1)


@pytest.mark.parametrize(
    ("profile", "engine"),
    [
        pytest.param("raspberry-pi-5", "litert", id="no-times"),
        pytest.param("raspberry-pi-4b", "onnxruntime", id="other-engine"),
    ],
)
def test_there_is_no_law_without_published_times(profile: str, engine: str) -> None:
    assert published_law(profile, engine, is_int8=False) is None


@pytest.mark.parametrize(
    ("target", "macs", "message"),
    [
        pytest.param(1.0, 385e6, "begin with a smaller model", id="too-fast"),
        pytest.param(50.0, 9e9, "are far from those of the models", id="too-large"),
    ],
)
def test_no_estimate_is_made_without_ground(
    target: float, macs: float, message: str
) -> None:
    law = published_law("raspberry-pi-4b", "litert", is_int8=False)
    assert law is not None

    with pytest.raises(SpecError, match=message):
        estimated_share(target, macs, law, board="raspberry-pi-4b")


@given(
    fixed=st.floats(0.1, 3),
    exponent=st.floats(0.6, 1.2),
    wanted=st.floats(0.35, 1.2),
)
def test_the_search_meets_a_time_that_can_be_met(
    fixed: float, exponent: float, wanted: float
) -> None:
    def time_of(share: float) -> float:
        return fixed + 10 * float((1 - share) ** exponent)

    target = fixed + 10 * wanted

    share, milliseconds = share_for_time(target, time_of)

    assert milliseconds == time_of(share) <= target
    assert share == 0 or milliseconds > 0.8 * target


def test_a_time_that_cannot_be_met_is_refused() -> None:
    with pytest.raises(SpecError, match="the model still takes 9"):
        share_for_time(5.0, lambda share: 10 - share)
