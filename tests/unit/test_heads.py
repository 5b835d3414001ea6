import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgeclf.errors import BackendError, SpecError
from edgeclf.heads import Head, open_head
from edgeclf.types import DType, QuantParams, ScoreKind, Task, Tensor, TensorSpec

PROBABILITY = {
    "int8": QuantParams(scale=1 / 256, zero_point=-128),
    "uint8": QuantParams(scale=1 / 256, zero_point=0),
}
LOGIT = {
    "int8": QuantParams(scale=0.125, zero_point=-7),
    "uint8": QuantParams(scale=0.125, zero_point=121),
}


def head(
    classes: int,
    *,
    dtype: DType = "float32",
    scores: ScoreKind = "probabilities",
    quantization: QuantParams | None = None,
    temperature: float = 1.0,
) -> Head:
    output = TensorSpec(
        name="scores", shape=(1, classes), dtype=dtype, quantization=quantization
    )
    return open_head(
        Task(scores=scores, temperature=temperature),
        output,
        [f"label {index}" for index in range(classes)],
    )


def raw(values: list[float], dtype: str = "float32") -> Tensor:
    return np.array([values], dtype)


def softmax(logits: Tensor) -> NDArray[np.float64]:
    powers = np.exp(logits.astype(np.float64) - logits.max())
    result: NDArray[np.float64] = powers / powers.sum()
    return result


def indices(head: Head, scores: Tensor, top_k: int) -> list[int]:
    return [each.index for each in head(scores, top_k=top_k)]


def test_the_best_come_first_with_their_label_and_score() -> None:
    first, second = head(4)(raw([0.125, 0.5, 0.0, 0.375]), top_k=2)

    assert (first.index, first.label, first.score) == (1, "label 1", 0.5)
    assert (second.index, second.label, second.score) == (3, "label 3", 0.375)


@pytest.mark.parametrize("top_k", [4, 5, 1000])
def test_asking_for_more_labels_than_there_are_gives_all(top_k: int) -> None:
    assert indices(head(4), raw([0.1, 0.4, 0.2, 0.3]), top_k) == [1, 3, 2, 0]


def test_a_model_with_one_class_is_decided() -> None:
    assert indices(head(1), raw([0.7]), 5) == [0]


def test_asking_for_no_label_is_refused() -> None:
    with pytest.raises(ValueError, match="top_k must be at least 1, got 0"):
        head(4)(raw([0.1, 0.4, 0.2, 0.3]), top_k=0)


@pytest.mark.parametrize("dtype", ["float32", "int8", "uint8"])
@pytest.mark.parametrize("scores", ["probabilities", "logits"])
@given(data=st.data())
def test_ties_come_in_the_order_of_their_index(
    dtype: DType, scores: ScoreKind, data: st.DataObject
) -> None:
    # Few values, so that most lists have ties, also at the edge of the top k.
    values = data.draw(st.lists(st.integers(0, 3), min_size=1, max_size=40))
    top_k = data.draw(st.integers(1, 45))
    quantization = None if dtype == "float32" else LOGIT[dtype]

    found = indices(
        head(len(values), dtype=dtype, scores=scores, quantization=quantization),
        raw(list(values), dtype),
        top_k,
    )

    expected = sorted(range(len(values)), key=lambda index: (-values[index], index))
    assert found == expected[:top_k]


@pytest.mark.parametrize(
    ("dtype", "stored", "expected"),
    [
        ("int8", [-128, 127, 0], [0.0, 255 / 256, 0.5]),
        ("uint8", [0, 255, 128], [0.0, 255 / 256, 0.5]),
    ],
)
def test_stored_integers_become_probabilities(
    dtype: DType, stored: list[float], expected: list[float]
) -> None:
    quantized = head(3, dtype=dtype, quantization=PROBABILITY[dtype])

    assert quantized.probabilities(raw(stored, dtype)).tolist() == expected
    assert quantized(raw(stored, dtype), top_k=1)[0].score == 255 / 256


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
@pytest.mark.parametrize("scores", ["probabilities", "logits"])
def test_integers_say_what_their_real_numbers_say(
    dtype: DType, scores: ScoreKind
) -> None:
    params = (PROBABILITY if scores == "probabilities" else LOGIT)[dtype]
    limits = np.iinfo(dtype)
    stored = np.arange(limits.min, limits.max + 1).astype(dtype)[np.newaxis]
    np.random.default_rng(0).shuffle(stored, axis=1)
    real = ((stored.astype(np.float32) - params.zero_point) * params.scale).astype("f4")
    quantized = head(256, dtype=dtype, scores=scores, quantization=params)
    plain = head(256, scores=scores)

    np.testing.assert_allclose(
        quantized.probabilities(stored), plain.probabilities(real), rtol=1e-5
    )
    for one, other in zip(
        quantized(stored, top_k=7), plain(real, top_k=7), strict=True
    ):
        assert (one.index, one.label) == (other.index, other.label)
        assert one.score == pytest.approx(other.score, rel=1e-5)


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
@pytest.mark.parametrize("scores", ["probabilities", "logits"])
def test_every_byte_has_its_place_in_the_order(dtype: DType, scores: ScoreKind) -> None:
    limits = np.iinfo(dtype)
    upwards = [float(stored) for stored in range(limits.min, limits.max + 1)]
    quantized = head(256, dtype=dtype, scores=scores, quantization=LOGIT[dtype])

    assert indices(quantized, raw(upwards, dtype), 256) == list(range(255, -1, -1))


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_huge_steps_do_not_overflow(dtype: DType) -> None:
    params = QuantParams(scale=50.0, zero_point=0)
    wide = head(4, dtype=dtype, scores="logits", quantization=params)
    stored = raw([0, 3, 3, 1], dtype)

    np.testing.assert_allclose(wide.probabilities(stored), [0, 0.5, 0.5, 0], atol=1e-6)
    assert [each.score for each in wide(stored, top_k=2)] == [0.5, 0.5]


@given(
    st.lists(st.floats(-1000, 1000, width=32), min_size=1, max_size=50),
    st.integers(1, 60),
)
def test_logits_become_probabilities_without_overflow(
    logits: list[float], top_k: int
) -> None:
    scores = raw(logits)
    logits_head = head(len(logits), scores="logits")

    expected = softmax(scores[0])
    found = logits_head.probabilities(scores)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-6)
    for each in logits_head(scores, top_k=top_k):
        assert each.score == pytest.approx(expected[each.index], rel=1e-3, abs=1e-6)


def test_probabilities_are_kept_between_0_and_1() -> None:
    scores = raw([1.0000002, -0.0000002, 0.5])

    assert head(3)(scores, top_k=3)[0].score == 1.0
    assert head(3)(scores, top_k=3)[2].score == 0.0
    assert head(3).probabilities(scores).tolist() == [1.0, 0.0, 0.5]


def test_quantized_probabilities_are_kept_between_0_and_1() -> None:
    params = QuantParams(scale=1 / 200, zero_point=-100)
    quantized = head(2, dtype="int8", quantization=params)

    assert quantized.probabilities(raw([127, -128], "int8")).tolist() == [1.0, 0.0]


@pytest.mark.parametrize("scores", ["probabilities", "logits"])
@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_scores_that_are_not_numbers_are_refused(
    scores: ScoreKind, broken: float
) -> None:
    with pytest.raises(BackendError, match="not finite"):
        head(6, scores=scores)(raw([0.1, 0.2, broken, 0.3, 0.4, 0.5]), top_k=2)


@pytest.mark.parametrize("scores", ["probabilities", "logits"])
@pytest.mark.parametrize("top_k", [1, 3, 40])
def test_nan_does_not_hide_behind_equal_scores(scores: ScoreKind, top_k: int) -> None:
    with pytest.raises(BackendError, match="not finite numbers"):
        head(50, scores=scores)(raw([1.0, np.nan, *[1.0] * 48]), top_k=top_k)


@given(
    st.lists(st.sampled_from([-1.5, 0.0, 0.25, 2.0]), min_size=40, max_size=80),
    st.integers(min_value=30, max_value=80),
)
def test_many_labels_come_in_the_same_order_as_few(
    values: list[float], top_k: int
) -> None:
    ranked = sorted(range(len(values)), key=lambda index: -values[index])

    found = indices(head(len(values), scores="logits"), raw(values), top_k)

    assert found == ranked[:top_k]


def test_the_raw_scores_are_left_as_they_were() -> None:
    scores = raw([0.5, 2.0, -1.0])
    before = scores.copy()

    head(3)(scores, top_k=2)
    head(3, scores="logits").probabilities(scores)

    np.testing.assert_array_equal(scores, before)


def test_labels_that_do_not_fit_the_scores_are_refused() -> None:
    output = TensorSpec(name="scores", shape=(1, 3), dtype="float32")

    with pytest.raises(SpecError, match=r"\(1, 3\).*2 labels"):
        open_head(Task(), output, ["a", "b"])


def test_integers_that_stand_for_nothing_known_are_refused() -> None:
    output = TensorSpec(name="scores", shape=(1, 2), dtype="uint8")

    with pytest.raises(SpecError, match="without scale and zero point"):
        open_head(Task(), output, ["a", "b"])


def test_an_unknown_kind_of_task_is_refused() -> None:
    task = Task()
    object.__setattr__(task, "kind", "segmentation")
    output = TensorSpec(name="scores", shape=(1, 2), dtype="float32")

    with pytest.raises(SpecError, match="no head for task 'segmentation'"):
        open_head(task, output, ["a", "b"])


WIDE = QuantParams(scale=30.0, zero_point=0)


@pytest.mark.parametrize(
    ("dtype", "quantization"),
    [("float32", None), ("int8", LOGIT["int8"]), ("uint8", LOGIT["uint8"])]
    + [("uint8", WIDE)],
    ids=["float", "int8", "uint8", "wide"],
)
@pytest.mark.parametrize("temperature", [0.25, 1.7, 40.0])
def test_logits_are_divided_by_the_temperature(
    dtype: DType, quantization: QuantParams | None, temperature: float
) -> None:
    stored = raw([3, 5, 5, 0], dtype)
    warm = head(
        4,
        dtype=dtype,
        scores="logits",
        quantization=quantization,
        temperature=temperature,
    )

    scale = 1.0 if quantization is None else quantization.scale
    expected = softmax(stored[0].astype(np.float64) * scale / temperature)
    assert warm.probabilities(stored) == pytest.approx(expected, rel=1e-5)
    best = warm(stored, top_k=4)
    assert [each.index for each in best] == [1, 2, 0, 3]
    assert [each.score for each in best] == pytest.approx(
        expected[[1, 2, 0, 3]].tolist(), rel=1e-5
    )


@pytest.mark.parametrize(
    "temperature", [0.0, -1.0, 0.0009, 1001.0, float("nan"), float("inf")]
)
def test_a_temperature_out_of_range_is_refused(temperature: float) -> None:
    with pytest.raises(ValueError, match=r"temperature must be 0\.001 to 1000"):
        Task(scores="logits", temperature=temperature)


def test_probabilities_have_no_temperature() -> None:
    with pytest.raises(ValueError, match="goes with logits only"):
        Task(scores="probabilities", temperature=2.0)
