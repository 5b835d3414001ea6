from functools import lru_cache
from typing import Any

import numpy as np
import pytest

from edgeclf.stream import ChangeLimits
from edgeclf.stream.gate import ChangeGate
from edgeclf.types import Frame

S = 1_000_000_000


def frame(pixels: "np.ndarray[Any, Any]", at_s: float = 0) -> Frame:
    return Frame(
        pixels=np.clip(pixels, 0, 255).astype(np.uint8),
        captured_ns=round(at_s * S),
        timestamp_origin="sensor",
        sequence=0,
    )


@lru_cache
def room(size: tuple[int, int] = (480, 640)) -> "np.ndarray[Any, Any]":
    down, across = np.mgrid[: size[0], : size[1]]
    return np.stack(
        [90 + 40 * np.sin(down / 50 + across / (70 + c)) for c in range(3)], -1
    )


def noisy(seed: int) -> "np.ndarray[Any, Any]":
    return room() + np.random.default_rng(seed).normal(0, 6, (480, 640, 3))


def test_the_first_frame_is_let_through_and_the_same_is_not() -> None:
    gate = ChangeGate(ChangeLimits())

    assert gate.lets_through(frame(room(), 0))
    assert not gate.lets_through(frame(room(), 1))


def test_noise_is_no_change() -> None:
    gate = ChangeGate(ChangeLimits())
    gate.lets_through(frame(noisy(0)))

    assert not any(gate.lets_through(frame(noisy(seed))) for seed in range(1, 20))


@pytest.mark.parametrize(
    ("threshold", "passes"), [(0.9, True), (1.1, False)], ids=["below", "above"]
)
def test_noise_of_six_levels_differs_by_one(threshold: float, passes: bool) -> None:
    gate = ChangeGate(ChangeLimits(threshold=threshold))
    gate.lets_through(frame(noisy(0)))

    assert gate.lets_through(frame(noisy(1))) == passes


def test_something_that_covers_a_twentieth_is_a_change() -> None:
    gate = ChangeGate(ChangeLimits())
    gate.lets_through(frame(room()))
    with_a_cat = room().copy()
    with_a_cat[200:308, 300:443] += 40  # 5 % of the picture

    assert gate.lets_through(frame(with_a_cat))


def test_what_changes_slowly_is_seen() -> None:
    gate = ChangeGate(ChangeLimits())
    gate.lets_through(frame(room()))

    passed = [gate.lets_through(frame(room() + step / 2)) for step in range(1, 10)]

    # Grey levels are whole numbers: half a level more is the same picture, or one.
    assert passed.index(True) in (3, 4)
    assert passed.count(True) == 2


def test_a_frame_is_let_through_when_the_last_one_is_long_ago() -> None:
    gate = ChangeGate(ChangeLimits(at_least_every_s=5))
    frames = [frame(room(), at_s) for at_s in (0, 4.9, 5, 9.9, 10)]

    passed = [gate.lets_through(each) for each in frames]

    assert passed == [True, False, True, False, True]


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (5, 700), (1081, 7), (270, 480)])
def test_every_size_of_frame_has_a_thumbnail(size: tuple[int, int]) -> None:
    gate = ChangeGate(ChangeLimits())

    assert gate.lets_through(frame(room()))
    assert gate.lets_through(frame(room(size)))
    assert not gate.lets_through(frame(room(size)))
    assert gate.lets_through(frame(room(size) + 30))


@pytest.mark.parametrize("channel", [0, 1, 2])
def test_a_change_of_one_colour_is_a_change(channel: int) -> None:
    gate = ChangeGate(ChangeLimits())
    gate.lets_through(frame(room()))
    other = room().copy()
    other[..., channel] += 20

    assert gate.lets_through(frame(other))


@pytest.mark.parametrize("wrong", [0, -1, 256, float("nan")])
def test_a_threshold_that_is_none_is_refused(wrong: float) -> None:
    with pytest.raises(ValueError, match="threshold"):
        ChangeLimits(threshold=wrong)


def test_a_time_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="at_least_every_s"):
        ChangeLimits(at_least_every_s=0)
