"""Smoothing: time constants hold however uneven the frames come."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeclf.watch import Smoothing, left_after
from edgeclf.watch.smoothing import Scores
from tests.streams import LAW, MS, S

Frames = list[tuple[int, list[float]]]

_SCORES = st.lists(st.floats(0, 1), min_size=3, max_size=3)


@st.composite
def frames(draw: st.DrawFn) -> Frames:
    gaps = draw(st.lists(st.integers(0, 3 * S), min_size=1, max_size=20))
    moments = np.cumsum(gaps).tolist()
    return [(int(moment), draw(_SCORES)) for moment in moments]


def smoothed(smoothing: Smoothing, stream: Frames) -> list[Scores]:
    smoother = smoothing.start()
    return [smoother.step(moment, np.array(scores)) for moment, scores in stream]


@LAW
@given(st.floats(0, 100))
def test_what_is_left_is_the_exponential(time_constants: float) -> None:
    expected = math.exp(-min(time_constants, 40))

    assert left_after(time_constants) == pytest.approx(expected, rel=1e-9)


@LAW
@given(st.lists(st.floats(0, 100), min_size=1, max_size=50))
def test_many_at_a_time_have_the_bits_of_one_at_a_time(values: list[float]) -> None:
    together = left_after(np.array(values))

    assert together.tolist() == [left_after(value) for value in values]


def test_decay_has_the_same_bits_on_every_machine() -> None:
    assert left_after(0.1).hex() == "0x1.cf46d99d52abfp-1"
    assert left_after(2.5).hex() == "0x1.50385c094f36dp-4"


@LAW
@given(frames())
def test_a_time_constant_of_zero_is_no_smoothing(stream: Frames) -> None:
    none = smoothed(Smoothing(kind="none"), stream)
    zero = smoothed(Smoothing(kind="ewma", time_constant_ms=0), stream)

    assert np.array_equal(none, zero)


@LAW
@given(frames(), st.integers(1, 5000))
def test_an_average_stays_among_what_it_averages(
    stream: Frames, time_constant_ms: int
) -> None:
    smoothing = Smoothing(kind="ewma", time_constant_ms=time_constant_ms)
    scores = np.array([each for _, each in stream])

    for index, values in enumerate(smoothed(smoothing, stream)):
        assert (values >= scores[: index + 1].min(axis=0) - 1e-12).all()
        assert (values <= scores[: index + 1].max(axis=0) + 1e-12).all()


def test_an_average_depends_on_time_and_not_on_the_number_of_frames() -> None:
    smoothing = Smoothing(kind="ewma", time_constant_ms=200)
    often = [(moment * MS, [float(moment > 0)]) for moment in range(0, 401, 10)]
    rarely = [(moment * MS, [float(moment > 0)]) for moment in (0, 130, 400)]

    at_30, at_3 = smoothed(smoothing, often)[-1], smoothed(smoothing, rarely)[-1]

    assert at_30[0] == pytest.approx(1 - math.exp(-2), abs=1e-9)
    assert at_3[0] == pytest.approx(at_30[0], abs=1e-9)


@LAW
@given(frames(), st.integers(1, 8))
def test_a_vote_is_the_share_of_the_last_frames(stream: Frames, count: int) -> None:
    best = [int(np.argmax(scores)) for _, scores in stream]

    for index, votes in enumerate(
        smoothed(Smoothing(kind="majority", frames=count), stream)
    ):
        last = best[max(0, index + 1 - count) : index + 1]
        assert votes.tolist() == [last.count(label) / count for label in range(3)]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        pytest.param({"kind": "mean"}, "kind must be one of", id="kind"),
        pytest.param(
            {"kind": "ewma", "time_constant_ms": -1}, "0 to 3600000", id="negative"
        ),
        pytest.param({"kind": "majority", "frames": 0}, "1 to 1000", id="nobody"),
        pytest.param({"kind": "none", "time_constant_ms": 5}, "goes with", id="time"),
        pytest.param({"kind": "ewma", "frames": 5}, "goes with", id="frames"),
    ],
)
def test_a_smoothing_that_cannot_be_is_refused(
    settings: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Smoothing(**settings)  # type: ignore[arg-type] # wrong on purpose
