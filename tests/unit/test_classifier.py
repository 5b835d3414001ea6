import dataclasses
import time
from typing import Any

import numpy as np
import pytest

import edgeclf
from edgeclf.classifier import Classifier
from edgeclf.errors import BackendError, InputFileError
from edgeclf.testing import FakeBackend
from edgeclf.types import Frame, Model, QuantParams, TensorSpec, Uint8Image
from tests.models import float_scores, tiny_model


def picture(size: tuple[int, int] = (480, 640), seed: int = 3) -> Uint8Image:
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)


def fake(model: Model, **arguments: object) -> FakeBackend:
    return FakeBackend(model.spec, scores=[[0.1, 0.7, 0.2]], **arguments)  # type: ignore[arg-type] # passed on


def three_classes() -> Model:
    return tiny_model("float32", classes=3)


@pytest.fixture
def real() -> Model:
    pytest.importorskip("ai_edge_litert", reason="litert is not installed")
    return tiny_model("int8")


def test_what_the_model_says_comes_with_its_label() -> None:
    model = three_classes()

    prediction = Classifier(model, backend=fake(model)).classify(picture())

    assert [each.index for each in prediction.top] == [1, 2, 0]
    assert prediction.best.label == model.labels[1]
    assert prediction.best.score == pytest.approx(0.7)


def test_it_is_the_public_name() -> None:
    assert edgeclf.Classifier is Classifier


@pytest.mark.parametrize("top_k", [1, 2, 3, 9])
def test_a_prediction_holds_top_k_labels_or_all(top_k: int) -> None:
    model = three_classes()

    prediction = Classifier(model, top_k=top_k, backend=fake(model)).classify(picture())

    assert len(prediction.top) == min(top_k, 3)


def test_the_model_sees_what_the_preprocessor_made() -> None:
    model = three_classes()
    backend = fake(model)
    classifier = Classifier(model, backend=backend)
    pixels = picture()

    classifier.classify(pixels)

    np.testing.assert_array_equal(backend.tensors[0], classifier.preprocessor(pixels))


def test_a_real_model_says_of_a_frame_what_numpy_says(real: Model) -> None:
    with Classifier(real) as classifier:
        pixels = picture()
        seen = classifier.preprocessor.resized(pixels).copy()
        prediction = classifier.classify(pixels)

    expected = float_scores(seen)
    assert prediction.best.index == expected.argmax()
    assert prediction.best.score == pytest.approx(float(expected.max()), abs=0.03)


def test_a_frame_travels_with_its_prediction(real: Model) -> None:
    frame = Frame(
        pixels=picture(),
        captured_ns=time.monotonic_ns(),
        timestamp_origin="driver",
        sequence=4,
    )

    with Classifier(real) as classifier:
        prediction = classifier.classify(frame)

    assert prediction.frame is frame
    assert frame.captured_ns < prediction.decided_ns <= time.monotonic_ns()
    assert prediction.age_ns == prediction.decided_ns - frame.captured_ns


def test_bare_pixels_have_no_age(real: Model) -> None:
    with Classifier(real) as classifier:
        prediction = classifier.classify(picture())

    assert prediction.frame is None
    assert prediction.age_ns is None


def test_every_stage_is_timed(real: Model) -> None:
    with Classifier(real) as classifier:
        started = time.perf_counter_ns()
        prediction = classifier.classify(picture())
        total = time.perf_counter_ns() - started

    assert list(prediction.stage_ns) == ["preprocess", "invoke", "head"]
    assert all(ns > 0 for ns in prediction.stage_ns.values())
    assert sum(prediction.stage_ns.values()) <= total


def test_rows_with_gaps_and_mirrored_pixels_are_read_right(real: Model) -> None:
    wide = picture((480, 1280))
    views = [wide[:, :640], wide[:, ::2], wide[::-1, ::-1], wide[..., ::-1]]

    with Classifier(real) as classifier:
        for view in views:
            strided = classifier.classify(view)
            assert strided.top == classifier.classify(view.copy()).top


@pytest.mark.parametrize("size", [(1, 1), (1, 200), (200, 1), (31, 33), (2000, 1500)])
def test_a_picture_of_any_size_is_classified(
    real: Model, size: tuple[int, int]
) -> None:
    with Classifier(real) as classifier:
        assert len(classifier.classify(picture(size)).top) == 5


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        pytest.param(np.zeros((48, 64), np.uint8), "grey channel", id="grey"),
        pytest.param(np.zeros((48, 64, 1), np.uint8), "grey channel", id="grey-1"),
        pytest.param(np.zeros((48, 64, 4), np.uint8), "fourth channel", id="bgra"),
        pytest.param(np.zeros((48, 64, 3), np.float32), "float32", id="float"),
        pytest.param(np.zeros((2, 48, 64, 3), np.uint8), "one picture", id="batch"),
        pytest.param(np.zeros((3, 48, 64), np.uint8), "transpose", id="planes-first"),
        pytest.param(np.zeros((0, 64, 3), np.uint8), "no pixel", id="empty"),
        pytest.param(np.zeros((48, 64, 2), np.uint8), "as they came", id="yuv"),
    ],
)
def test_pixels_of_another_kind_are_refused(pixels: Uint8Image, message: str) -> None:
    model = three_classes()
    classifier = Classifier(model, backend=fake(model))

    with pytest.raises(ValueError, match=message) as caught:
        classifier.classify(pixels)

    assert str(pixels.shape) in str(caught.value)


def test_an_empty_frame_cannot_even_be_made() -> None:
    with pytest.raises(ValueError, match="all above 0"):
        Frame(
            pixels=np.zeros((0, 4, 3), np.uint8),
            captured_ns=0,
            timestamp_origin="arrival",
            sequence=0,
        )


@pytest.mark.parametrize("thing", [[[1, 2, 3]], "photo.jpg", None])
def test_what_is_no_picture_is_a_type_error(thing: object) -> None:
    model = three_classes()

    with pytest.raises(TypeError, match=f"got {type(thing).__name__}"):
        Classifier(model, backend=fake(model)).classify(thing)  # type: ignore[arg-type] # the point


def test_fewer_than_one_label_is_refused() -> None:
    with pytest.raises(ValueError, match="top_k must be at least 1, got 0"):
        Classifier(three_classes(), top_k=0)


@pytest.mark.parametrize("top_k", [1.5, 2.0, "2", None])
def test_top_k_that_is_no_whole_number_is_refused_when_opening(top_k: Any) -> None:
    with pytest.raises(TypeError, match="top_k must be a whole number, got"):
        Classifier(three_classes(), top_k=top_k)


def test_threads_that_are_no_whole_number_are_refused_when_opening() -> None:
    threads: Any = 1.5

    with pytest.raises(TypeError, match=r"threads must be a whole number, got 1\.5"):
        Classifier(tiny_model(), threads=threads)


def test_a_count_from_numpy_is_a_whole_number() -> None:
    model = three_classes()
    top_k: Any = np.int64(2)

    classifier = Classifier(model, top_k=top_k, backend=fake(model))

    assert len(classifier.classify(picture()).top) == 2


def test_fewer_than_one_thread_is_refused() -> None:
    with pytest.raises(ValueError, match="threads must be 1 to 1024, got 0"):
        Classifier(three_classes(), threads=0)


def test_an_unknown_engine_is_named_with_the_one_meant() -> None:
    with pytest.raises(BackendError, match="no engine 'litrt': did you mean 'litert'"):
        Classifier(three_classes(), engine="litrt")


def test_an_engine_for_other_files_says_which_fits() -> None:
    with pytest.raises(
        BackendError, match=r"onnxruntime cannot run a \.tflite file: use --engine lit"
    ):
        Classifier(three_classes(), engine="onnxruntime")


def with_output(model: Model, **changes: object) -> Model:
    output = dataclasses.replace(model.spec.output, **changes)  # type: ignore[arg-type] # passed on
    return dataclasses.replace(
        model, spec=dataclasses.replace(model.spec, output=output)
    )


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"dtype": "uint8"}, id="dtype"),
        pytest.param(
            {"quantization": QuantParams(scale=1 / 256, zero_point=-127)},
            id="zero-point",
        ),
        pytest.param(
            {"quantization": QuantParams(scale=1 / 255, zero_point=-128)}, id="scale"
        ),
    ],
)
def test_a_description_that_is_not_the_files_is_refused(
    real: Model, changes: dict[str, object]
) -> None:
    with pytest.raises(BackendError, match=r"model file.s output .* pack it again"):
        Classifier(with_output(real, **changes))


def test_a_refused_model_is_closed_again() -> None:
    model = three_classes()
    backend = fake(model)
    backend.input = TensorSpec(name="image", shape=(1, 8, 8, 3), dtype="float32")

    with pytest.raises(BackendError, match="model file's input"):
        Classifier(model, backend=backend)

    assert backend.closed


def test_leaving_the_with_statement_closes_it(real: Model) -> None:
    with Classifier(real) as classifier:
        pass
    classifier.close()

    with pytest.raises(BackendError, match="closed"):
        classifier.classify(picture())


def test_what_really_runs_is_told(real: Model) -> None:
    with Classifier(real, engine="litert", threads=2) as classifier:
        assert classifier.identity.engine == "litert"
        assert classifier.identity.threads == 2


def test_a_missing_bundle_is_an_input_file_error() -> None:
    with pytest.raises(InputFileError, match=r"nowhere\.edgeclf: no such file"):
        Classifier.open("nowhere.edgeclf")
