"""A model that lost something learns it again, and a kill costs one epoch at most."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from converters.pictures import PictureSet
from converters.recover.options import RecoverOptions
from converters.recover.split import hold_out
from converters.recover.state import EpochRecord, remove_states, setbacks
from edgeclf.errors import CalibrationError
from edgeclf.preprocess import preset
from tests.convert.workshop import recipe, tiny_source, workpiece

if TYPE_CHECKING:
    from converters.recover.distill import Recovered
    from converters.recover.lesson import Lesson

keras: Any = pytest.importorskip("keras")
distill: Any = pytest.importorskip("converters.recover.distill")
lessons: Any = pytest.importorskip("converters.recover.lesson")
batch_norm: Any = pytest.importorskip("converters.recover.batch_norm")
views: Any = pytest.importorskip("converters.recover.views")
teachers: Any = pytest.importorskip("converters.recover.teacher")
keys: Any = pytest.importorskip("converters.recover.state_key")
passes: Any = pytest.importorskip("converters.recover.recover_pass")

SPEC = preset("keras", size=(12, 12))
CLASSES = 4
QUICK = RecoverOptions(
    epochs=3, batch=8, views=2, learning_rate=0.02, statistics="batch"
)


def small_model(seed: int = 0, *, drops: bool = False) -> Any:
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    inputs = keras.Input((12, 12, 3))
    x = layers.Conv2D(8, 3, strides=2, use_bias=False)(inputs)
    x = layers.ReLU()(layers.BatchNormalization(momentum=0.999)(x))
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(0.2)(x) if drops else x
    model = keras.Model(inputs, layers.Dense(CLASSES)(x))
    model.layers[-1].set_weights([5 * w for w in model.layers[-1].get_weights()])
    return model


def damaged(model: Any) -> Any:
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    kernel = copy.layers[1].kernel
    noise = np.random.default_rng(1).normal(0, 0.3, kernel.shape)
    kernel.assign(kernel + noise)
    return copy


def pictures(count: int = 40, *, labelled: bool = False) -> PictureSet:
    numbers = np.random.default_rng(7)
    coarse = numbers.integers(0, 256, (count, 3, 3, 3), dtype=np.uint8)
    pixels = coarse.repeat(4, axis=1).repeat(4, axis=2)
    truth = np.arange(count, dtype=np.intp) % CLASSES if labelled else None
    return PictureSet(pixels=list(pixels), origin="finetune", truth=truth)


def lesson(**changes: Any) -> "Lesson":
    made: Lesson = lessons.Lesson(photos=pictures(), spec=SPEC)
    return replace(made, **changes)


def weights(model: Any) -> NDArray[np.float32]:
    flat: NDArray[np.float32] = np.concatenate([w.ravel() for w in model.get_weights()])
    return flat


def taught(
    folder: Path | None = None,
    *,
    report: Callable[[str, float], None] | None = None,
    options: RecoverOptions = QUICK,
    drops: bool = False,
    **changes: Any,
) -> "Recovered":
    teacher = small_model(drops=drops)
    made: Recovered = distill.recover(
        damaged(teacher),
        teacher,
        lesson(**changes),
        options,
        report=report,
        state_folder=folder,
    )
    return made


def kill_after(steps: int) -> Callable[[str, float], None]:
    left = iter(range(steps))

    def report(phase: str, done: float) -> None:
        assert phase == distill.PHASE
        assert 0 < done <= 1
        if next(left, None) is None:
            raise KeyboardInterrupt

    return report


def test_a_damaged_model_comes_nearer_to_its_teacher() -> None:
    recovered = taught(options=replace(QUICK, epochs=15, learning_rate=0.01))

    first, best = recovered.history[0], recovered.best
    assert best.loss < 0.5 * first.loss
    assert best.epoch > 0
    assert recovered.learned_from + recovered.held_out == 40


def test_the_model_returned_is_that_of_the_best_epoch() -> None:
    wild = replace(QUICK, learning_rate=30.0, optimizer="sgd")

    recovered = taught(options=wild)

    assert recovered.best.epoch == 0
    alone = taught(options=replace(wild, epochs=0))
    assert np.array_equal(weights(recovered.model), weights(alone.model))


def test_a_killed_training_goes_on_and_ends_the_same(tmp_path: Path) -> None:
    whole = taught(drops=True)

    with pytest.raises(KeyboardInterrupt):
        taught(tmp_path / "state", report=kill_after(6), drops=True)
    steps: list[float] = []
    rest = taught(
        tmp_path / "state", report=lambda _, done: steps.append(done), drops=True
    )

    assert rest.history == whole.history
    assert np.array_equal(weights(rest.model), weights(whole.model))
    assert min(steps) > 1 / 3, "the first epoch was done again"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"seed": 1}, id="seed"),
        pytest.param({"options": replace(QUICK, temperature=3.0)}, id="options"),
        pytest.param({"photos": pictures(41)}, id="photos"),
        pytest.param({"photos": pictures(labelled=True)}, id="labels"),
        pytest.param({"student": small_model(seed=3)}, id="student"),
    ],
)
def test_another_training_does_not_take_up_this_ones_state(
    change: dict[str, Any],
) -> None:
    def key(
        student: Any = None, options: RecoverOptions = QUICK, **changes: Any
    ) -> str:
        model = small_model()
        made: str = keys.state_key(student or model, model, lesson(**changes), options)
        return made

    assert key() == key()
    assert key(**change) != key()


def test_an_epoch_that_ends_much_worse_is_a_setback() -> None:
    losses = [1.0, 0.5, 0.6, 0.63, 0.4, float("nan"), 0.51]
    history = [
        EpochRecord(epoch=epoch, loss=loss, agreement=0.5)
        for epoch, loss in enumerate(losses)
    ]

    assert setbacks(history) == (3, 5, 6)


def test_after_setbacks_smaller_steps_still_learn() -> None:
    hasty = replace(QUICK, learning_rate=1.0, epochs=12, patience=12)

    recovered = taught(options=hasty)

    assert setbacks(recovered.history)
    assert recovered.best.loss < 0.8 * recovered.history[0].loss


def test_a_damaged_state_begins_anew(tmp_path: Path) -> None:
    options = replace(QUICK, epochs=0)
    first = taught(tmp_path, options=options)
    (state,) = tmp_path.iterdir()
    state.write_bytes(state.read_bytes()[:100])

    again = taught(tmp_path, options=options)

    assert again.history == first.history


def test_states_are_removed_and_other_files_are_not(tmp_path: Path) -> None:
    folder = tmp_path / "a.edgeclf.resume"
    taught(folder, options=replace(QUICK, epochs=0))
    (folder / "notes.txt").write_text("mine")

    remove_states(folder)

    assert [path.name for path in folder.iterdir()] == ["notes.txt"]
    (folder / "notes.txt").unlink()
    remove_states(folder)
    remove_states(folder)
    assert not folder.exists()


def test_the_teacher_stays_as_it_is() -> None:
    teacher = small_model()
    before = weights(teacher)

    distill.recover(damaged(teacher), teacher, lesson(), replace(QUICK, epochs=1))

    assert np.array_equal(weights(teacher), before)
    assert teacher.layers[2].momentum == 0.999


def test_right_answers_count_where_there_are_labels() -> None:
    labelled = pictures(labelled=True)
    told = taught(photos=labelled, options=replace(QUICK, label_share=1.0))

    accuracies = [record.accuracy for record in told.history]
    assert None not in accuracies
    assert taught(options=replace(QUICK, epochs=0)).best.accuracy is None
    deaf = taught(photos=labelled, options=replace(QUICK, label_share=0.0))
    assert told.best.agreement < deaf.best.agreement


def test_too_few_photos_are_refused() -> None:
    with pytest.raises(CalibrationError, match=r"15 given, 16 or more"):
        taught(photos=pictures(15))


def test_batch_norm_estimated_on_one_batch_is_that_batchs() -> None:
    model = small_model(drops=True)
    batch = np.random.default_rng(3).normal(2, 3, (64, 12, 12, 3)).astype(np.float32)
    norm = model.layers[2]

    batch_norm.reestimate(model, [batch])

    maps = np.asarray(keras.Model(model.input, norm.input)(batch))
    assert np.asarray(norm.moving_mean) == pytest.approx(maps.mean((0, 1, 2)), abs=1e-4)
    assert np.asarray(norm.moving_variance) == pytest.approx(
        maps.var((0, 1, 2)), rel=1e-3
    )
    assert norm.momentum == 0.999
    assert model.layers[5].rate == 0.2


def test_the_spread_between_batches_is_part_of_the_variance() -> None:
    model = small_model()
    numbers = np.random.default_rng(3)
    batches = [
        numbers.normal(centre, 1, (32, 12, 12, 3)).astype(np.float32)
        for centre in (-2, 0, 5)
    ]
    norm = model.layers[2]

    batch_norm.reestimate(model, batches)

    maps = np.asarray(keras.Model(model.input, norm.input)(np.concatenate(batches)))
    assert np.asarray(norm.moving_variance) == pytest.approx(
        maps.var((0, 1, 2)), rel=1e-3
    )


def test_variants_are_the_same_each_time_and_the_first_is_the_photo() -> None:
    photos = pictures(3)
    maker = views.ViewMaker(photos.pixels, SPEC, seed=5)
    view = views.View(number=2, zoom=0.8, flip=True)

    again = views.ViewMaker(photos.pixels, SPEC, seed=5)

    assert np.array_equal(maker.pixels(1, views.View()), photos.pixels[1])
    assert np.array_equal(maker.pixels(1, view), again.pixels(1, view))
    assert not np.array_equal(maker.pixels(1, view), photos.pixels[1])
    assert maker.pixels(1, view).dtype == np.uint8
    assert maker.batch([0, 2]).shape == (2, 12, 12, 3)
    assert maker.batch([0]).min() >= -1


@pytest.mark.parametrize(
    ("looks_left", "sees"),
    [pytest.param(True, False, id="sided"), pytest.param(False, True, id="same")],
)
def test_photos_are_mirrored_only_where_the_teacher_sees_the_same(
    looks_left: bool, sees: bool
) -> None:
    inputs = keras.Input((12, 12, 3))
    left = keras.layers.Cropping2D(((0, 0), (0, 6)))(inputs) if looks_left else inputs
    pooled = keras.layers.GlobalAveragePooling2D()(left)
    model = keras.Model(inputs, pooled)
    maker = views.ViewMaker(pictures(60).pixels, SPEC, seed=0)

    teacher = teachers.Teacher(model, maker, "logits", batch=16)

    assert teacher.sees_mirrored() is sees


@given(count=st.integers(16, 200), share=st.floats(0.01, 0.9), seed=st.integers(0, 9))
def test_photos_are_learned_from_or_held_out_in_proportion(
    count: int, share: float, seed: int
) -> None:
    truth = np.random.default_rng(count).integers(0, 6, count).astype(np.intp)

    train, held = hold_out(count, share, truth=truth, seed=seed)

    assert sorted([*train, *held]) == list(range(count))
    assert len(held) == max(1, round(share * count))
    for each in range(6):
        expected = len(held) * np.mean(truth == each)
        assert abs(np.sum(truth[held] == each) - expected) <= 2


def test_photos_that_judge_are_not_learned_from(tmp_path: Path) -> None:
    work = workpiece(
        tmp_path, recipe("tflite", "int8"), tiny_source(preset("keras", size=(32, 32)))
    )
    work = replace(
        work, finetune=tmp_path, evaluation=replace(work.evaluation, origin="evaluate")
    )
    from PIL import Image

    for index, pixels in enumerate(work.evaluation.pixels[:20]):
        Image.fromarray(pixels).save(tmp_path / f"{index:02d}.png")
    step = passes.RecoverModel(replace(QUICK, epochs=0))

    with pytest.raises(CalibrationError, match="are among those of --evaluate"):
        step.call(work)

    kept_back = replace(work.evaluation, origin="calibration-holdout")
    some = PictureSet(pixels=kept_back.pixels[:3], origin=kept_back.origin)
    done = step.call(replace(work, evaluation=some))
    assert "3 of the 20 photos of --finetune judge the result" in done.notes[-2]
    assert "17 unlabelled photos" in done.notes[-1]
    step.ensures(done)


def test_recovery_without_photos_is_refused(tmp_path: Path) -> None:
    work = workpiece(tmp_path, recipe("tflite", "fp32"))

    with pytest.raises(CalibrationError, match=r"give --finetune DIR, or --calibrate"):
        passes.RecoverModel(QUICK).requires(work)
