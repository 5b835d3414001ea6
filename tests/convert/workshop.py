"""A tiny trained-looking model, photos, and a workpiece: what converter tests need."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from converters.pictures import PictureSet
from converters.pipeline import open_pass
from converters.recipe import Precision, Recipe, Target
from converters.recipe_document import recipe_from_dict, recipe_to_dict, shipped_recipe
from converters.source_model import SourceModel
from edgeclf.preprocess import Preprocessor, preset
from edgeclf.scenes import golden_images
from edgeclf.types import PreprocessSpec, Task, TensorSpec, Uint8Image

if TYPE_CHECKING:
    from converters.workpiece import Workpiece

pytest.importorskip("tensorflow")
keras: Any = pytest.importorskip("keras")
serving: Any = pytest.importorskip("converters.serving")
workpieces: Any = pytest.importorskip("converters.workpiece")

SIZE = (32, 32)
CLASSES = 6
LABELS = tuple(f"class {index}" for index in range(CLASSES))


def tiny_keras(*, softmax: bool = True, seed: int = 0) -> Any:
    """Return an inverted-residual classifier with batch statistics of its own."""
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    inputs = keras.Input((*SIZE, 3), name="image")
    x = layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False)(inputs)
    x = layers.ReLU(6.0)(layers.BatchNormalization()(x))
    wide = layers.Conv2D(16, 1, use_bias=False)(x)
    wide = layers.ReLU(6.0)(layers.BatchNormalization()(wide))
    deep = layers.DepthwiseConv2D(3, padding="same", use_bias=False)(wide)
    deep = layers.ReLU(6.0)(layers.BatchNormalization()(deep))
    narrow = layers.BatchNormalization()(layers.Conv2D(8, 1, use_bias=False)(deep))
    x = layers.Add()([x, narrow])
    x = layers.GlobalAveragePooling2D()(x)
    scores = layers.Dense(CLASSES, activation="softmax" if softmax else None)(x)
    model = keras.Model(inputs, scores, name="tiny")
    _give_statistics(model, seed)
    return model


def _give_statistics(model: Any, seed: int) -> None:
    """Let no batch normalisation be the identity, and scores be well apart."""
    numbers = np.random.default_rng(seed)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            gamma, beta, mean, variance = layer.get_weights()
            layer.set_weights(
                [
                    gamma * numbers.uniform(0.8, 1.5, gamma.shape),
                    beta + numbers.uniform(0, 1, beta.shape),
                    mean + numbers.normal(0, 0.2, mean.shape),
                    variance * numbers.uniform(0.1, 0.5, variance.shape),
                ]
            )
        elif isinstance(layer, keras.layers.Dense):
            kernel, bias = layer.get_weights()
            layer.set_weights([kernel * 4, bias])


def tiny_source(
    spec: PreprocessSpec | None = None, *, softmax: bool = True
) -> SourceModel:
    return SourceModel(
        name="tiny",
        keras_model=tiny_keras(softmax=softmax),
        preprocess=spec or preset("efficientnet-lite", size=SIZE),
        task=Task(scores="probabilities" if softmax else "logits"),
        labels=LABELS,
        sha256="0" * 64,
    )


def photo_pixels(count: int) -> list[Uint8Image]:
    """Return pictures with the colours of photos: channels that go together."""
    pictures: list[Uint8Image] = []
    seed = 0
    while len(pictures) < count:
        for _, scene in golden_images(seed):
            if min(scene.shape[:2]) < 120:
                continue
            grey = scene.mean(axis=2, keepdims=True)
            mixed = (0.8 * grey + 0.2 * scene).astype(np.uint8)
            pictures += [mixed[:60, :80], mixed[60:120, :60], mixed[-70:, -50:]]
        seed += 1
    return pictures[:count]


def write_photos(folder: Path, count: int, *, first: int = 0) -> Path:
    """Write pictures; from another ``first`` on, others."""
    folder.mkdir(parents=True)
    for index, pixels in enumerate(photo_pixels(first + count)[first:]):
        Image.fromarray(np.ascontiguousarray(pixels)).save(folder / f"{index:03d}.png")
    return folder


def recipe(target: Target, precision: Precision, **changes: Any) -> Recipe:
    """Return a shipped recipe; ``changes`` are options of its passes, by pass.

    Its gate lets everything through: an untrained net decides by hairs.
    """
    resolved = recipe_from_dict(shipped_recipe(target, precision), name="test")
    document = recipe_to_dict(resolved)
    for step in document["passes"]:
        if step["name"] == "verify":
            step["options"].update(min_agreement=0.0, max_drop=1.0)
        step["options"].update(changes.pop(step["name"], {}))
    assert not changes
    return recipe_from_dict(document, name="test")


def workpiece(
    folder: Path,
    plan: Recipe,
    source: SourceModel | None = None,
    *,
    pictures: list[Uint8Image] | None = None,
) -> "Workpiece":
    source = source or tiny_source()
    tensor = TensorSpec(name="image", shape=(1, *SIZE, 3), dtype="float32")
    preprocess = Preprocessor(source.preprocess, tensor)
    pixels = [preprocess.resized(image) for image in pictures or photo_pixels(40)]
    photos = PictureSet(pixels=pixels, origin="calibrate", sha256="1" * 64)
    model, task = serving.scoring_model(source)
    made: Workpiece = workpieces.Workpiece(
        recipe=plan,
        source=source,
        scoring_model=model,
        reference=model,
        task=task,
        boundary=serving.input_boundary(source.preprocess, plan.precision),
        folder=folder,
        engine=None,
        calibration=photos if plan.precision == "int8" else None,
        evaluation=replace(photos, origin="evaluate"),
    )
    return made


def after(work: "Workpiece", *passes: str) -> "Workpiece":
    """Return the workpiece after these passes of its recipe, checks included."""
    for step in work.recipe.passes:
        if step.name in passes:
            one = open_pass(step, work.recipe)
            one.requires(work)
            work = one.call(work)
            one.ensures(work)
    return work
