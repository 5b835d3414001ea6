import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from converters.probabilities import (
    divergence,
    expected_calibration_error,
    fit_temperature,
    log_likelihood,
    match_temperature,
    softmax,
)

Logits = NDArray[np.float64]
Truth = NDArray[np.intp]


def calibrated(photos: int = 20_000, classes: int = 10) -> tuple[Logits, Truth]:
    """Return logits whose softmax is the very chance of each class, and draws of it."""
    random = np.random.default_rng(0)
    logits = random.normal(0, 2, (photos, classes))
    chances = softmax(logits).cumsum(axis=1)
    truth = (random.random((photos, 1)) > chances).sum(axis=1)
    return logits, np.minimum(truth, classes - 1).astype(np.intp)


LOGITS, TRUTH = calibrated()


@pytest.mark.parametrize("temperature", [0.5, 1.0, 1.7, 3.0])
def test_a_temperature_is_found_again_from_labels(temperature: float) -> None:
    assert fit_temperature(LOGITS * temperature, TRUTH) == pytest.approx(
        temperature, rel=0.02
    )


@given(st.floats(0.3, 3.5))
def test_a_temperature_is_found_again_from_the_sources_logits(
    temperature: float,
) -> None:
    source = LOGITS[:200]

    found = match_temperature(source * temperature, source)

    assert found == pytest.approx(temperature, rel=1e-3)


@pytest.mark.parametrize("too_sure", [0.6, 2.0])
def test_the_fitted_temperature_lowers_error_and_raises_likelihood(
    too_sure: float,
) -> None:
    logits = LOGITS * too_sure
    before = softmax(logits)
    after = softmax(logits, fit_temperature(logits, TRUTH))

    assert log_likelihood(after, TRUTH) > log_likelihood(before, TRUTH)
    assert expected_calibration_error(after, TRUTH) < 0.01
    assert expected_calibration_error(before, TRUTH) > 0.05


def test_a_temperature_changes_no_decision() -> None:
    decisions = softmax(LOGITS, 3.3).argmax(axis=1)

    assert (decisions == LOGITS.argmax(axis=1)).all()


def test_photos_that_are_all_right_do_not_make_a_model_endlessly_sure() -> None:
    logits = np.array([[2.0, 0.0], [0.0, 1.0]])

    assert fit_temperature(logits, np.array([0, 1])) == 0.25


def test_scores_that_are_all_alike_have_no_temperature() -> None:
    assert fit_temperature(np.ones((3, 4)), np.array([0, 1, 2])) == 1.0


def test_calibration_error_is_the_gap_between_sureness_and_being_right() -> None:
    # Ten decisions at 0.9, of which seven are right; ten at 0.6, all right.
    sure = np.tile([0.9, 0.1], (10, 1))
    unsure = np.tile([0.6, 0.4], (10, 1))
    truth = np.array([0] * 7 + [1] * 3 + [0] * 10)

    error = expected_calibration_error(np.concatenate([sure, unsure]), truth)

    assert error == pytest.approx(0.5 * 0.2 + 0.5 * 0.4)


def test_a_bin_holds_its_upper_edge() -> None:
    # With two bins 0.5 is in the lower one: errors of 0.5 and -0.25 do not cancel.
    probabilities = np.array([[0.5, 0.5], [0.75, 0.25]])

    error = expected_calibration_error(probabilities, np.array([0, 1]), bins=2)

    assert error == pytest.approx((0.5 + 0.75) / 2)


def test_probabilities_are_no_distance_from_themselves() -> None:
    shares = softmax(LOGITS[:50])

    assert divergence(shares, shares) == 0
    assert divergence(softmax(LOGITS[:50] * 2), shares) > 0


def test_a_right_class_without_any_probability_is_not_an_infinite_loss() -> None:
    assert np.isfinite(log_likelihood(np.array([[0.0, 1.0]]), np.array([0])))


def test_logits_far_apart_do_not_overflow() -> None:
    assert softmax(np.array([[1e4, -1e4]])).tolist() == [[1.0, 0.0]]


def test_scores_without_their_photos_are_refused() -> None:
    with pytest.raises(ValueError, match=r"got \(3, 4\) for 2 photos"):
        fit_temperature(np.ones((3, 4)), np.array([0, 1]))
