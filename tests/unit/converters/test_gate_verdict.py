"""The gate's verdicts: pass, fail, undecided, and what would decide."""

from typing import Any

import numpy as np
import pytest

from converters.gate.outcome import accepted_or_refused
from converters.gate.verdict import Gate, judge_agreement, judge_drop
from converters.gate.wanted import fewest_to_pass
from converters.recipe import Recipe
from converters.recipe_document import recipe_from_dict, shipped_recipe
from edgeclf.errors import NoVerdictError, OutOfBoundsError
from edgeclf.gate_record import GateRecord, Measure

LABELS = tuple("abcdefghij")


def drop(
    photos: int,
    *,
    lost: int = 0,
    won: int = 0,
    classes: int = 2,
    gate: Gate | None = None,
) -> GateRecord:
    """Judge models of which one is wrong on the first photos, one on the next."""
    truth = np.arange(photos) % classes
    source, artefact = truth.copy(), truth.copy()
    artefact[:lost] = classes  # a class that is never right
    source[lost : lost + won] = classes
    return judge_drop(
        gate or Gate(),
        source=source,
        artefact=artefact,
        truth=truth,
        groups=np.arange(photos),
        labels=LABELS,
    )


def agreement(photos: int, differ: int, **gate: Any) -> GateRecord:
    source = np.zeros(photos, np.intp)
    artefact = source.copy()
    artefact[:differ] = 1
    return judge_agreement(
        Gate(**gate), source=source, artefact=artefact, groups=np.arange(photos)
    )


@pytest.mark.parametrize(
    ("photos", "lost", "won", "verdict"),
    [
        pytest.param(10_000, 60, 40, "pass", id="fifth-of-a-point-of-10000"),
        pytest.param(10_000, 300, 50, "fail", id="two-and-a-half-points-of-10000"),
        pytest.param(10_000, 150, 60, "undecided", id="nine-tenths-of-10000"),
        pytest.param(100, 0, 0, "undecided", id="none-of-100"),
        pytest.param(400, 0, 0, "pass", id="none-of-400"),
        pytest.param(100, 30, 0, "fail", id="thirty-of-100"),
    ],
)
def test_a_drop_is_judged_by_its_whole_interval(
    photos: int, lost: int, won: int, verdict: str
) -> None:
    record = drop(photos, lost=lost, won=won)

    assert record.verdict == verdict
    assert record.value == pytest.approx((lost - won) / photos)
    assert record.measure == "accuracy"


@pytest.mark.parametrize(
    ("photos", "differ", "verdict"),
    [(250, 2, "pass"), (250, 30, "fail"), (250, 6, "undecided"), (50, 0, "undecided")],
)
def test_agreement_is_judged_by_its_whole_interval(
    photos: int, differ: int, verdict: str
) -> None:
    record = agreement(photos, differ)

    assert record.verdict == verdict
    assert record.value == pytest.approx(1 - differ / photos)
    assert record.low <= record.value <= record.high
    assert record.measure == "agreement"


@pytest.mark.parametrize(("photos", "differ"), [(50, 0), (100, 2), (250, 6)])
def test_the_photos_that_would_decide_do_and_much_fewer_do_not(
    photos: int, differ: int
) -> None:
    more = agreement(photos, differ).more_photos

    assert more is not None
    scale = (photos + more) / photos
    assert agreement(photos + more, int(differ * scale)).verdict == "pass"
    fewer = photos + more // 2
    assert agreement(fewer, round(differ * fewer / photos)).verdict == "undecided"


def test_at_the_bar_no_number_of_photos_decides() -> None:
    record = agreement(100, 4)

    assert record.verdict == "undecided"
    assert record.more_photos is None


def test_a_class_that_is_forgotten_fails_though_the_whole_hardly_drops() -> None:
    photos, rare = 10_000, 60
    truth = np.where(np.arange(photos) < rare, 1, 0)
    artefact = np.where(np.arange(photos) < 50, 0, truth)

    record = judge_drop(
        Gate(),
        source=truth,
        artefact=artefact,
        truth=truth,
        groups=np.arange(photos),
        labels=LABELS,
    )

    assert record.verdict == "fail"
    assert record.worst_class is not None
    assert (record.worst_class.label, record.worst_class.photos) == ("b", 60)
    assert record.worst_class.classes == 2


def test_a_class_with_few_photos_is_not_judged() -> None:
    truth = np.where(np.arange(10_000) < 49, 1, 0)

    record = judge_drop(
        Gate(),
        source=truth,
        artefact=np.zeros(10_000, np.intp),
        truth=truth,
        groups=np.arange(10_000),
        labels=LABELS,
    )

    assert record.verdict == "pass"
    assert record.worst_class is not None
    assert record.worst_class.label == "a"


def test_intervals_of_many_classes_are_wider_than_of_one() -> None:
    few = drop(1000, lost=20, classes=2).worst_class
    wide = Gate(max_class_drop=1.0)
    many = drop(5000, lost=100, classes=10, gate=wide).worst_class

    assert few is not None
    assert many is not None
    assert few.photos == many.photos
    assert few.value == pytest.approx(many.value)
    assert many.high - many.low > few.high - few.low


def recipe(**changes: Any) -> Recipe:
    document = {**shipped_recipe("tflite", changes.pop("precision", "int8")), **changes}
    return recipe_from_dict(document, name="test")


def test_a_fail_is_refused_with_its_figures_and_the_bar() -> None:
    with pytest.raises(
        OutOfBoundsError, match=r"drops by 2\.50 points.*1\.00 points allowed"
    ):
        accepted_or_refused(drop(10_000, lost=250), recipe(), name="net")


def test_agreement_is_never_called_accuracy() -> None:
    with pytest.raises(OutOfBoundsError) as caught:
        accepted_or_refused(agreement(250, 30), recipe(), name="net")

    assert "decisions agree on 88.0%" in str(caught.value)
    assert "accura" not in str(caught.value)


def test_undecided_names_the_photos_that_would_decide_and_the_way_round() -> None:
    with pytest.raises(NoVerdictError, match=r"about \d+ more photos.*--accept-undec"):
        accepted_or_refused(agreement(50, 0), recipe(), name="net")


def views(things: int, of_each: int, *, differ: int = 0) -> GateRecord:
    """Judge views of a few things; all views of the first ones differ."""
    groups = np.repeat(np.arange(things), of_each)
    source = np.zeros(things * of_each, np.intp)
    return judge_agreement(
        Gate(), source=source, artefact=(groups < differ).astype(np.intp), groups=groups
    )


def test_views_of_a_few_things_want_other_things_and_not_thousands_of_the_same() -> (
    None
):
    record = views(2, 200)

    assert record.verdict == "undecided"
    assert record.more_photos is None
    with pytest.raises(NoVerdictError) as caught:
        accepted_or_refused(record, recipe(), name="net")
    assert (
        "all 400 photos show only 2 different things, and at least 93 are needed: "
        "photos of other things would decide, more of the same would not"
    ) in str(caught.value)


def test_more_photos_are_counted_in_different_things() -> None:
    record = views(40, 10)
    alone = agreement(40, 0)

    assert record.verdict == "undecided"
    assert record.more_photos == alone.more_photos
    with pytest.raises(NoVerdictError, match=r"about 53 photos of other things"):
        accepted_or_refused(record, recipe(), name="net")


@pytest.mark.parametrize(
    ("measure", "bar"), [("agreement", 0.96), ("agreement", 0.9), ("accuracy", 0.01)]
)
def test_the_fewest_that_can_pass_do_and_one_fewer_do_not(
    measure: Measure, bar: float
) -> None:
    fewest = fewest_to_pass(measure, bar)

    assert fewest is not None
    verdicts = [
        agreement(count, 0, min_agreement=bar).verdict
        if measure == "agreement"
        else drop(count, gate=Gate(max_drop=bar, max_class_drop=1.0)).verdict
        for count in (fewest, fewest - 1)
    ]
    assert verdicts == ["pass", "undecided"]


def test_no_number_of_photos_passes_a_bar_that_allows_nothing() -> None:
    assert fewest_to_pass("agreement", 1.0) is None
    assert fewest_to_pass("accuracy", 0.0) is None


def test_undecided_and_accepted_is_written_down() -> None:
    accepting = recipe(accept_undecided=True)

    record = accepted_or_refused(agreement(50, 0), accepting, name="net")

    assert record is not None
    assert record.accepted
    assert record.verdict == "undecided"


def test_accepting_the_undecided_does_not_accept_a_fail() -> None:
    with pytest.raises(OutOfBoundsError):
        accepted_or_refused(
            agreement(250, 30), recipe(accept_undecided=True), name="net"
        )


def test_a_float_artefact_of_an_unchanged_model_need_not_be_decided() -> None:
    record = agreement(50, 0)

    assert accepted_or_refused(record, recipe(precision="fp32"), name="net") == record
    assert accepted_or_refused(None, recipe(precision="fp32"), name="net") is None


def test_eight_bits_without_photos_to_compare_on_are_undecided() -> None:
    with pytest.raises(NoVerdictError, match="no photos to compare"):
        accepted_or_refused(None, recipe(), name="net")
