"""A model that learns with the rounding to come loses less by it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converters.pass_options import AwareOptions
from converters.pictures import PictureSet
from edgeclf.errors import CalibrationError, ConversionError
from tests.convert.workshop import (
    CLASSES,
    SIZE,
    after,
    photo_pixels,
    recipe,
    tiny_keras,
    tiny_source,
    workpiece,
    write_photos,
)

pytestmark = pytest.mark.convert
keras: Any = pytest.importorskip("keras")
tf: Any = pytest.importorskip("tensorflow")
rounding: Any = pytest.importorskip("converters.aware.layers")
students: Any = pytest.importorskip("converters.aware.student")
training: Any = pytest.importorskip("converters.aware.training")
passes: Any = pytest.importorskip("converters.aware.aware_pass")
lessons: Any = pytest.importorskip("converters.recover.lesson")
folding: Any = pytest.importorskip("converters.graph.folding")
scoring: Any = pytest.importorskip("converters.gate.scoring")
layers = keras.layers


def test_a_tensor_is_rounded_to_256_levels_and_gradients_pass_inside_its_range() -> (
    None
):
    layer = rounding.RoundedTensor(-1.0, 1.55)
    numbers = tf.constant(np.linspace(-2, 3, 1001, dtype=np.float32))

    with tf.GradientTape() as tape:
        tape.watch(numbers)
        rounded = layer(numbers)

    levels = np.unique(rounded.numpy())
    assert len(levels) == 256
    assert np.allclose(levels, np.arange(-100, 156) / 100, atol=1e-6)
    slopes = tape.gradient(rounded, numbers).numpy()
    is_inside = (numbers.numpy() > -0.999) & (numbers.numpy() < 1.549)
    assert set(slopes[is_inside]) == {1.0}
    assert set(slopes[np.abs(numbers.numpy()) > 1.6]) == {0.0}


def test_a_tensor_that_is_always_0_passes() -> None:
    assert rounding.RoundedTensor(0.0, 0.0)(tf.zeros(3)).numpy().tolist() == [0, 0, 0]


def kernels() -> dict[str, Any]:
    """Return layers with filters of very different sizes, and the axes of those."""
    keras.utils.set_random_seed(0)
    return {
        "convolution": (layers.Conv2D(5, 3), {"kernel": 1}),
        "depthwise": (layers.DepthwiseConv2D(3, depth_multiplier=2), {"kernel": 2}),
        "dense": (layers.Dense(5), {"kernel": 1}),
    }


@pytest.mark.parametrize("name", ["convolution", "depthwise", "dense"])
def test_each_filter_has_its_own_step_and_weights_are_handed_back_unrounded(
    name: str,
) -> None:
    layer, axes = kernels()[name]
    x = tf.constant(np.random.default_rng(0).normal(size=(2, 8, 8, 4)), tf.float32)
    channels = layer(x).shape[-1]
    kernel, bias = layer.get_weights()
    flat = kernel.reshape(-1, channels) * 10.0 ** np.arange(channels)
    layer.set_weights([flat.reshape(kernel.shape), bias + 0.5])
    before, expected = layer.get_weights(), layer(x).numpy()

    rounded = rounding.RoundedLayer(layer, axes, np.ones(channels))
    found = rounded(x).numpy()
    rounded.hand_back()

    # Half a step is 1/254 of a filter's largest weight.
    sizes = np.abs(expected).max(axis=tuple(range(expected.ndim - 1)))
    errors = np.abs(found - expected).max(axis=tuple(range(expected.ndim - 1)))
    assert 0 < (errors / sizes).max() < 0.05
    assert all(map(np.allclose, layer.get_weights(), before))


def lesson(count: int = 48, *, labelled: bool = False) -> Any:
    source = tiny_source(softmax=False)
    work = workpiece(Path(), recipe("onnx", "int8"), pictures=photo_pixels(count))
    assert work.calibration is not None
    truth = np.arange(count) % CLASSES if labelled else None
    photos = PictureSet(
        pixels=work.calibration.pixels, origin="finetune", sha256="2" * 64, truth=truth
    )
    return lessons.Lesson(photos=photos, spec=source.preprocess)


def coarse(seed: int = 0) -> Any:
    """Return a classifier some of whose filters are coarse: one weight is far out."""
    model = tiny_keras(softmax=False, seed=seed)
    for layer in model.layers:
        if type(layer) is layers.Conv2D:
            (kernel,) = layer.get_weights()
            kernel[0, 0, 0] *= 12
            layer.set_weights([kernel])
    return model


def inputs(task: Any) -> Any:
    numbers = np.stack(task.photos.pixels).astype(np.float32)
    return (numbers - task.spec.mean[0]) / task.spec.std[0]


def test_the_student_answers_as_the_int8_file_does(tmp_path: Path) -> None:
    task = lesson()
    source = replace(tiny_source(softmax=False), keras_model=coarse())
    work = workpiece(tmp_path, recipe("onnx", "int8"), source)
    plain = folding.fold_batch_norms(work.scoring_model)
    student = students.AwareStudent(plain, [inputs(task)]).model

    done = after(work, "export", "quantize", "compile")
    file = scoring.artefact_scores(done.artefact, work.evaluation, engine=None)
    spec = work.source.preprocess
    exact = scoring.model_scores(work.reference, spec, work.evaluation)
    rounded = scoring.model_scores(student, spec, work.evaluation)

    assert 0.5 < np.square(rounded - exact).mean() / np.square(file - exact).mean() < 2


def test_training_lowers_the_loss_of_the_rounded_model_and_leaves_the_source() -> None:
    teacher = coarse()
    before = teacher.get_weights()
    reported: list[tuple[str, float]] = []

    model, recovered = training.train_aware(
        teacher,
        teacher,
        lesson(),
        AwareOptions(epochs=4, learning_rate=1e-3),
        report=lambda phase, done: reported.append((phase, done)),
    )

    assert recovered.best.epoch > 0
    assert recovered.best.loss < 0.9 * recovered.history[0].loss
    assert all(map(np.array_equal, teacher.get_weights(), before))
    assert {type(layer).__module__.partition(".")[0] for layer in model.layers} == {
        "keras"
    }
    assert reported[-1] == ("training", 1.0)


def test_what_was_learned_is_in_the_plain_model() -> None:
    task = lesson()
    plain = folding.fold_batch_norms(coarse())
    student = students.AwareStudent(plain, [inputs(task)])
    before = plain.get_weights()
    for variable in student.model.trainable_variables:
        variable.assign(variable * 1.5)

    student.hand_back()

    after_it = plain.get_weights()
    assert all(
        np.allclose(new, 1.5 * old, rtol=1e-5)
        for new, old in zip(after_it, before, strict=True)
    )


def test_the_pass_trains_on_photos_of_a_folder_and_says_what_it_did(
    tmp_path: Path,
) -> None:
    folder = write_photos(tmp_path / "finetune", 24)
    work = workpiece(tmp_path, recipe("onnx", "int8"), pictures=photo_pixels(60)[-20:])
    work = replace(work, finetune=folder)
    one = passes.TrainAware(AwareOptions(epochs=1))

    one.requires(work)
    done = one.call(work)
    one.ensures(done)

    assert done.scoring_model is not work.scoring_model
    assert done.reference is work.reference
    assert "trained for int8 on" in done.notes[-1]
    assert done.scoring_model.output_shape == (None, CLASSES)
    assert done.scoring_model.input_shape == (None, *SIZE, 3)


def test_without_photos_to_learn_from_or_for_a_float_file_it_is_refused(
    tmp_path: Path,
) -> None:
    one = passes.TrainAware(AwareOptions())

    with pytest.raises(CalibrationError, match="give --finetune DIR"):
        one.requires(workpiece(tmp_path, recipe("onnx", "int8")))
    with pytest.raises(ConversionError, match="for int8, not fp16"):
        one.requires(workpiece(tmp_path, recipe("onnx", "fp16")))


def test_weights_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    work = workpiece(tmp_path, recipe("onnx", "int8"))
    broken = tiny_keras(softmax=False)
    broken.layers[-1].bias.assign(np.full(CLASSES, np.inf))

    with pytest.raises(ConversionError, match=r"training broke .*learning rate"):
        passes.TrainAware(AwareOptions()).ensures(replace(work, scoring_model=broken))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 0}, "epochs must be 1 or more, got 0"),
        ({"learning_rate": 0.0}, "learning_rate must be above 0"),
        ({"label_share": 1.5}, "label_share must be 0 to 1"),
    ],
)
def test_options_out_of_bounds_are_refused(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        AwareOptions(**changes)
