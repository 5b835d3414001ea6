"""Two models' scores for the same pictures: errors, divergence, and what is reported."""

from typing import Any

import numpy as np
import pytest

from converters.gate.comparison import Comparison
from converters.gate.verdict import Gate
from converters.parity import require_parity
from converters.pass_options import VerifyOptions
from converters.pictures import PictureSet
from edgeclf.errors import ConversionError, OutOfBoundsError


def scores(*rows: tuple[float, ...]) -> Any:
    return np.array(rows, np.float32)


def compared(
    reference: Any, artefact: Any, *, origin: str = "evaluate", truth: Any = None
) -> Comparison:
    pixels = [np.zeros((2, 2, 3), np.uint8)] * len(reference)
    pictures = PictureSet(
        pixels=pixels, origin=origin, truth=None if truth is None else np.array(truth)
    )
    return Comparison(
        reference=reference,
        scores=artefact,
        kind="logits",
        pictures=pictures,
        labels=("a", "b", "c"),
    )


def test_agreement_counts_equal_top_ones() -> None:
    reference = scores((1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 0, 0))
    artefact = scores((5, 0, 0), (0, 9, 0), (1, 0, 0), (2, 0, 1))
    comparison = compared(reference, artefact)

    agreement = comparison.quality(comparison.judged(Gate())).agreement

    assert agreement is not None
    assert agreement.value == 0.75
    assert agreement.n == 4
    assert agreement.judged  # even 95.4 %, where its interval ends, is below the bar


def test_top_ones_of_synthetic_pictures_mean_nothing() -> None:
    two = scores((1, 0), (0, 1))
    comparison = compared(two, two, origin="synthetic")

    assert comparison.judged(Gate()) is None
    assert comparison.quality(None).agreement is None


def test_with_labels_both_accuracies_are_reported() -> None:
    reference, artefact = scores((1, 0), (0, 1), (1, 0)), scores((1, 0), (1, 0), (1, 0))
    comparison = compared(reference, artefact, truth=[0, 1, 1])

    record = comparison.judged(Gate())
    quality = comparison.quality(record)

    assert record is not None
    assert record.measure == "accuracy"
    assert record.value == pytest.approx(1 / 3, abs=1e-6)
    assert quality.accuracy is not None
    assert quality.accuracy.value == pytest.approx(1 / 3)
    assert quality.source_accuracy is not None
    assert quality.source_accuracy.value == pytest.approx(2 / 3)
    assert quality.gate == record


def test_score_error_is_the_largest_and_relative_to_the_range_of_its_picture() -> None:
    comparison = compared(scores((0, 10), (0, 1)), scores((0, 10.5), (0, 1.1)))

    assert comparison.score_error() == pytest.approx(0.5)
    assert comparison.relative_error() == pytest.approx(0.1, rel=1e-2)


def test_equal_scores_do_not_diverge_and_a_shift_of_logits_is_equal() -> None:
    reference = scores((3, 1, 0), (0, 2, 5))

    assert compared(reference, reference + 4).divergence() == 0


def test_divergence_is_that_of_the_probabilities() -> None:
    reference, artefact = scores((np.log(3), 0)), scores((0, 0))

    divergence = compared(reference, artefact).divergence()

    expected = 0.75 * np.log(0.75 / 0.5) + 0.25 * np.log(0.25 / 0.5)
    assert divergence == pytest.approx(expected, rel=1e-2)


def test_scores_of_another_shape_are_refused() -> None:
    with pytest.raises(ConversionError, match="shape"):
        compared(scores((1, 0)), scores((1, 0, 0)))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_score_that_is_not_a_number_is_refused(value: float) -> None:
    with pytest.raises(ConversionError, match="artefact gives a score that is not"):
        compared(scores((1, 0)), scores((value, 0)))


def test_a_score_error_over_the_bar_is_out_of_parity() -> None:
    comparison = compared(scores((0, 10)), scores((0, 10.5)))

    with pytest.raises(OutOfBoundsError, match=r"differs from net's by 0\.05"):
        require_parity(comparison, VerifyOptions(max_score_error=0.001), name="net")


def test_a_bar_of_zero_judges_no_scores() -> None:
    comparison = compared(scores((0, 10)), scores((0, 90)))

    require_parity(comparison, VerifyOptions(max_score_error=0.0), name="net")
