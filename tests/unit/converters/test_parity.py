"""Agreement, its interval, score error, and the bars they are held against."""

from typing import Any

import numpy as np
import pytest

from converters.parity import Parity, accuracy, compare, judge, wilson_interval
from converters.pass_options import VerifyOptions
from edgeclf.errors import ConversionError, OutOfBoundsError
from edgeclf.provenance import Estimate


def scores(*rows: tuple[float, ...]) -> Any:
    return np.array(rows, np.float32)


def compared(reference: Any, artefact: Any, *, photos: bool = True) -> Parity:
    return compare(reference, artefact, photos=photos, photos_to_judge=3)


def options(**changes: Any) -> VerifyOptions:
    fields = {
        "photos_to_judge": 200,
        "min_agreement": 0.995,
        "synthetic_inputs": 32,
        "max_score_error": 0.001,
    }
    return VerifyOptions(**{**fields, **changes})


def estimate(value: float, *, judged: bool) -> Estimate:
    return Estimate(value=value, low=0.0, high=1.0, n=250, judged=judged)


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [
        (97, 100, 0.9154806, 0.9897450),
        (0, 10, 0.0, 0.2775328),
        (10, 10, 0.7224672, 1.0),
        (1, 2, 0.0945312, 0.9054688),
    ],
)
def test_the_interval_is_wilsons(hits: int, n: int, low: float, high: float) -> None:
    assert wilson_interval(hits, n) == pytest.approx((low, high), abs=1e-6)


def test_agreement_counts_equal_top_ones() -> None:
    reference = scores((1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 0, 0))
    artefact = scores((5, 0, 0), (0, 9, 0), (1, 0, 0), (2, 0, 1))

    agreement = compared(reference, artefact).agreement

    assert agreement is not None
    assert agreement.value == 0.75
    assert agreement.n == 4
    assert agreement.judged


def test_agreement_on_few_photos_is_not_judged() -> None:
    two = scores((1, 0), (0, 1))

    agreement = compared(two, two).agreement

    assert agreement is not None
    assert not agreement.judged


def test_top_ones_of_synthetic_pictures_mean_nothing() -> None:
    two = scores((1, 0), (0, 1))

    assert compared(two, two, photos=False).agreement is None


def test_score_error_is_the_largest_and_relative_to_the_range_of_its_picture() -> None:
    reference = scores((0, 10), (0, 1))
    artefact = scores((0, 10.5), (0, 1.1))

    parity = compared(reference, artefact)

    assert parity.score_error == pytest.approx(0.5)
    assert parity.relative_error == pytest.approx(0.1, rel=1e-2)


def test_scores_of_another_shape_are_refused() -> None:
    with pytest.raises(ConversionError, match="shape"):
        compared(scores((1, 0)), scores((1, 0, 0)))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_score_that_is_not_a_number_is_refused(value: float) -> None:
    with pytest.raises(ConversionError, match="artefact gives a score that is not"):
        compared(scores((1, 0)), scores((value, 0)))


def test_accuracy_counts_right_classes() -> None:
    share = accuracy(
        scores((1, 0), (0, 1), (1, 0)), np.array([0, 1, 1]), photos_to_judge=200
    )

    assert share.value == pytest.approx(2 / 3)
    assert not share.judged


def test_an_agreement_under_the_bar_is_out_of_parity() -> None:
    parity = Parity(
        agreement=estimate(0.994, judged=True), score_error=0.0, relative_error=0.0
    )

    with pytest.raises(OutOfBoundsError, match=r"99\.40% of 250 photos.*99\.50%"):
        judge(parity, options(), name="net")


def test_an_agreement_on_few_photos_fails_nothing() -> None:
    parity = Parity(
        agreement=estimate(0.5, judged=False), score_error=0.0, relative_error=0.0
    )

    judge(parity, options(), name="net")


def test_a_score_error_over_the_bar_is_out_of_parity_without_photos() -> None:
    parity = Parity(agreement=None, score_error=3.0, relative_error=0.002)

    with pytest.raises(OutOfBoundsError, match=r"differs from net's by 0\.002"):
        judge(parity, options(), name="net")


def test_bars_of_zero_judge_nothing() -> None:
    parity = Parity(
        agreement=estimate(0.2, judged=True), score_error=9.0, relative_error=0.9
    )

    judge(parity, options(min_agreement=0.0, max_score_error=0.0), name="net")
