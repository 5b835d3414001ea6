"""What a conversion is asked for, and the recipe that follows from it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from converters.compression import PruneWish, with_source_passes
from converters.recipe import (
    Precision,
    Recipe,
    Target,
    parse_recipe,
    recipe_from_dict,
    shipped_recipe,
)
from edgeclf.bundle import parse_bundle
from edgeclf.errors import SpecError
from edgeclf.files import read_file
from edgeclf.profiles import load_profile
from edgeclf.types import ScoreKind

__all__ = ["ConversionRequest", "resolve_recipe", "state_folder"]

_MAX_RECIPE = 2**31
_TARGETS: Mapping[str, Target] = {"onnxruntime": "onnx"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversionRequest:
    """What the user wants; ``None`` leaves a choice to the recipe or the source.

    Attributes:
        source: Name of a known model, or a ``.keras`` or ``.h5`` file.
        output: The bundle to write.
        calibrate: Folder of photos for int8 ranges.
        evaluate: Folder of photos to compare on.
        golden: Folder of pictures for golden vectors.
        precision: What the artefact computes in.
        target: Its format.
        profile: The board that it is for.
        recipe: A recipe file, or a bundle whose recipe is replayed.
        seed: Of every draw.
        allow_small_calibration: Calibrate on photos that are too few or too alike.
        weights: Of a known model, in place of the published ones.
        labels: For a file: its classes.
        preset: For a file: how it was trained to see pictures.
        size: For a file: (height, width) of its input.
        scores: For a file: what it gives.
        prune: Share of the multiply-accumulates to remove.
        prune_to: What one picture may take on the profile's board, in milliseconds.
        importance: What channels are ranked by.
        finetune: Folder of photos that a changed model learns from again.
        epochs: How often it sees each of them.
        aware: Whether training that knows of int8 may be tried last.
        max_drop: Allowed drop of top-1 accuracy, as a share.
        max_class_drop: Allowed drop of any class's recall, as a share.
        min_agreement: Without labels: share of decisions that must be the source's.
        accept_undecided: Write a bundle that the photos were too few to judge.
        spread: Report how the result differs between three calibration seeds.
    """

    source: str
    output: Path
    calibrate: Path | None = None
    evaluate: Path | None = None
    golden: Path | None = None
    precision: Precision | None = None
    target: Target | None = None
    profile: str | None = None
    recipe: Path | None = None
    seed: int | None = None
    allow_small_calibration: bool = False
    weights: str | None = None
    labels: Path | None = None
    preset: str | None = None
    size: tuple[int, int] | None = None
    scores: ScoreKind | None = None
    prune: float | None = None
    prune_to: float | None = None
    importance: str | None = None
    finetune: Path | None = None
    epochs: int | None = None
    aware: bool = False
    max_drop: float | None = None
    max_class_drop: float | None = None
    min_agreement: float | None = None
    accept_undecided: bool = False
    spread: bool = False


def state_folder(output: Path) -> Path:
    """Return the folder beside a bundle where a training keeps its state."""
    return output.with_name(f"{output.name}.resume")


def resolve_recipe(request: ConversionRequest) -> Recipe:
    """Return every decision of a conversion before it begins.

    A recipe file decides what it states; flags decide the rest, and must not contradict
    it. Without one, the precision is int8 where there are photos for it, else fp32, and
    the target is what the board's profile prefers. No clock is asked: this machine's
    speed says nothing of the board's.

    Raises:
        SpecError: Flags and recipe contradict each other, or the recipe is wrong.
        InputFileError: The recipe cannot be read.
        ProfileError: There is no such profile.
    """
    document = _document(request)
    flags = {
        "target": request.target,
        "precision": request.precision,
        "seed": request.seed,
        "profile": request.profile,
        "allow_small_calibration": request.allow_small_calibration or None,
    }
    name = str(request.recipe or f"recipe {document.get('name')}")
    for key, value in flags.items():
        if value is not None and document.get(key, value) != value:
            raise SpecError(
                f"{_flag(key)} {value} contradicts {name}, which says "
                f"{document[key]}: leave out one of the two"
            )
    given = {key: value for key, value in flags.items() if value is not None}
    wish = PruneWish(
        share=request.prune,
        target_ms=request.prune_to,
        importance=request.importance,
        epochs=request.epochs,
        finetunes=request.finetune is not None,
    )
    document = with_source_passes(document, wish, name=name)
    recipe = recipe_from_dict({**document, **given}, name=name)
    if recipe.profile is not None:
        load_profile(recipe.profile)
    return recipe


def _document(request: ConversionRequest) -> Mapping[str, Any]:
    if request.recipe is None:
        target = request.target or _preferred_target(request.profile)
        fallback: Precision = "int8" if request.calibrate is not None else "fp32"
        return shipped_recipe(target, request.precision or fallback)
    data = read_file(request.recipe, what="a recipe or a bundle", limit=_MAX_RECIPE)
    if data.startswith(b"PK"):
        return _of_bundle(data, request.recipe)
    if data.lstrip().startswith(b"{"):
        return _of_json(data, request.recipe)
    return parse_recipe(data, name=str(request.recipe))


def _of_bundle(data: bytes, path: Path) -> Mapping[str, Any]:
    recipe = parse_bundle(data, path=path).manifest.provenance.recipe
    if not recipe:
        raise SpecError(f"{path}: this bundle was packed, not converted: no recipe")
    return recipe


def _of_json(data: bytes, path: Path) -> Mapping[str, Any]:
    try:
        document: dict[str, Any] = json.loads(data)
    except ValueError as error:
        raise SpecError(f"{path}: not a recipe in JSON ({error})") from error
    return document


def _preferred_target(profile: str | None) -> Target:
    if profile is None:
        return "tflite"
    engine = load_profile(profile).value("defaults.engine")
    return _TARGETS.get(str(engine), "tflite")


def _flag(key: str) -> str:
    return "--" + key.replace("_", "-")
