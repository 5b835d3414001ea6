"""A pruned model is as small as asked, near its source, and faster or refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converters.prune.options import PruneOptions
from converters.recipe import Recipe
from converters.recipe_document import recipe_from_dict, recipe_to_dict, shipped_recipe
from edgeclf.errors import (
    CalibrationError,
    ConversionError,
    OutOfBoundsError,
    SpecError,
)
from edgeclf.preprocess import preset
from tests.convert.workshop import SIZE, photo_pixels, tiny_source, workpiece

keras: Any = pytest.importorskip("keras")
pruning: Any = pytest.importorskip("converters.prune.prune_pass")
pruners: Any = pytest.importorskip("converters.prune.pruner")
targets: Any = pytest.importorskip("converters.prune.target")
macs: Any = pytest.importorskip("converters.graph.macs")
groups: Any = pytest.importorskip("converters.graph.groups")
layers: Any = pytest.importorskip("converters.graph.flattening")
moments: Any = pytest.importorskip("converters.prune.moments")
refit: Any = pytest.importorskip("converters.prune.refit")

HALF = PruneOptions(share=0.5, multiple=1, importance="l1")


def plan(options: PruneOptions = HALF, *, profile: str | None = None) -> Recipe:
    document = dict(shipped_recipe("tflite", "fp32"))
    said = {name: getattr(options, name) for name in options.__slots__}
    document["passes"] = [{"name": "prune", "options": said}, *document["passes"]]
    return recipe_from_dict({**document, "profile": profile}, name="test")


def work_with(folder: Path, recipe: Recipe) -> Any:
    work = workpiece(folder, recipe, tiny_source(softmax=False))
    return replace(
        work, calibration=replace(work.evaluation, origin="calibrate"), engine="litert"
    )


def total(model: Any) -> int:
    return sum(macs.layer_macs(model).values())


def guide(count: int = 40) -> Any:
    work = tiny_source(preset("keras", size=SIZE))
    photos = [pixels[:32, :32] for pixels in photo_pixels(count)]
    from converters.pictures import PictureSet

    pictures = PictureSet(pixels=photos, origin="calibrate")
    return pruners.Guide(photos=pictures, spec=work.preprocess)


def test_a_pass_prunes_measures_and_says_what_it_did(tmp_path: Path) -> None:
    work = work_with(tmp_path, plan())
    before = [np.array(w) for w in work.scoring_model.get_weights()]
    one = pruning.PruneModel(HALF)

    one.requires(work)
    done = one.call(work)
    one.ensures(done)

    assert total(done.scoring_model) / total(work.reference) == pytest.approx(
        0.5, abs=0.02
    )
    after = work.reference.get_weights()
    assert all(map(np.array_equal, before, after)), "the source was changed"
    size, speed = done.notes[-2:]
    assert size.startswith("pruned ")
    assert "unverified on the board" in speed
    assert recipe_to_dict(done.recipe) == recipe_to_dict(work.recipe)


def test_where_it_is_not_faster_on_the_board_itself_it_is_refused(
    tmp_path: Path,
) -> None:
    options = replace(HALF, min_speedup=1e6)
    work = work_with(tmp_path, plan(options, profile="generic-cpu"))

    with pytest.raises(OutOfBoundsError, match="pruning is not worth it"):
        pruning.PruneModel(options).call(work)


def test_a_time_that_is_met_already_removes_nothing_and_is_in_the_recipe_as_a_share(
    tmp_path: Path,
) -> None:
    options = replace(HALF, share=None, target_ms=1e5)
    work = work_with(tmp_path, plan(options, profile="generic-cpu"))

    done = pruning.PruneModel(options).call(work)

    step = done.recipe.passes[0]
    assert (step.options["share"], step.options["target_ms"]) == (0.0, None)
    assert "measured on" in done.notes[-1]
    assert total(done.scoring_model) == total(work.reference)


@pytest.mark.parametrize(
    ("profile", "message"),
    [
        pytest.param(None, "give --profile NAME", id="no-board"),
        pytest.param(
            "raspberry-pi-5", "no times of litert are published", id="no-times"
        ),
        pytest.param("raspberry-pi-4b", "far from those of the models", id="tiny"),
    ],
)
def test_a_time_without_ground_is_refused(
    tmp_path: Path, profile: str | None, message: str
) -> None:
    options = replace(HALF, share=None, target_ms=1.0)
    work = work_with(tmp_path, plan(options, profile=profile))

    with pytest.raises(SpecError, match=message):
        targets.resolve_share(work, options, lambda _: work.reference)


def test_ranking_by_photos_without_photos_is_refused(tmp_path: Path) -> None:
    options = replace(HALF, importance="taylor")
    work = replace(work_with(tmp_path, plan(options)), calibration=None)

    with pytest.raises(CalibrationError, match="--importance taylor looks at photos"):
        pruning.PruneModel(options).requires(work)


def test_photos_that_recovery_holds_out_do_not_rank(tmp_path: Path) -> None:
    document = recipe_to_dict(plan())
    recover = {"name": "recover", "options": {"epochs": 0, "holdout": 0.25}}
    document["passes"].insert(1, recover)
    work = work_with(tmp_path, recipe_from_dict(document, name="test"))

    guide = pruning._guide(work)

    assert sum(len(pictures) for pictures, _ in guide.batches(1000)) == 30
    assert sum(len(pictures) for pictures, _ in guide.batches(20)) == 20


def test_a_model_of_other_shapes_is_refused(tmp_path: Path) -> None:
    work = work_with(tmp_path, plan())
    inputs = keras.Input((*SIZE, 3))
    wrong = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(inputs))

    with pytest.raises(ConversionError, match="report this model"):
        pruning.PruneModel(HALF).ensures(replace(work, scoring_model=wrong))


@pytest.mark.parametrize("share", [0.0, 0.1, 0.25, 0.5])
def test_shapes_and_macs_are_as_predicted(share: float) -> None:
    model = tiny_source(softmax=False).keras_model
    pruner = pruners.Pruner(model, guide(), replace(HALF, importance="taylor"))

    smaller = pruner.refitted(share)

    assert total(smaller) == pruner.plan(share).macs_after
    assert smaller.output_shape == model.output_shape
    pictures = next(iter(guide().batches(16)))[0]
    if share == 0:
        expected = np.asarray(model(pictures))
        assert np.asarray(smaller(pictures)) == pytest.approx(expected, abs=1e-5)


def test_the_same_seed_and_photos_give_the_same_model() -> None:
    model = tiny_source(softmax=False).keras_model
    options = replace(HALF, importance="taylor")

    one, other = (
        pruners.Pruner(model, guide(), options).refitted(0.3).get_weights()
        for _ in range(2)
    )

    assert all(map(np.array_equal, one, other))


def test_fitting_anew_brings_a_pruned_model_nearer_to_its_source() -> None:
    model = tiny_source(softmax=False).keras_model
    pruner = pruners.Pruner(model, guide(120), HALF)
    pictures = next(iter(guide(16).batches(16)))[0]
    expected = np.asarray(model(pictures))

    def error(smaller: Any) -> float:
        return float(np.square(np.asarray(smaller(pictures)) - expected).mean())

    assert error(pruner.refitted(0.25)) < 0.5 * error(pruner.pruned(0.25))


@pytest.mark.parametrize("bias", [True, False], ids=["bias", "batch-norm"])
def test_what_others_can_tell_is_not_missed(*, bias: bool) -> None:
    """A channel that is twice another's plus a constant costs nothing to remove."""
    keras.utils.set_random_seed(2)
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(6, 3, name="makes")(inputs)
    x = keras.layers.Conv2D(4, 1, use_bias=bias, name="reads")(x)
    x = x if bias else keras.layers.BatchNormalization()(x)
    model = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(x))
    made = model.get_layer("makes")
    kernel, offsets = (np.array(w) for w in made.get_weights())
    kernel[..., 5], offsets[5] = 2 * kernel[..., 1], 3.0
    made.set_weights([kernel, offsets])
    numbers = np.random.default_rng(0)
    pictures = numbers.normal(size=(64, 8, 8, 3)).astype(np.float32)

    smaller = refit.without_channels_refitted(
        model,
        groups.channel_groups(model),
        {"makes": [5]},
        moments.reader_moments(layers.flatten_model(model), [pictures]),
    )

    expected = np.asarray(model(pictures))
    assert smaller.get_layer("makes").filters == 5
    assert np.asarray(smaller(pictures)) == pytest.approx(expected, abs=0.02)
