"""What a conversion is asked for, and the recipes that users give."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from converters.gate.precision import PrecisionWish
from converters.recipe import Target
from converters.recipe_document import parse_recipe
from converters.source_model import KerasFileOptions
from edgeclf.bundle import parse_bundle
from edgeclf.errors import SpecError
from edgeclf.files import read_file
from edgeclf.types import ScoreKind

__all__ = ["ConversionRequest", "read_recipe", "state_folder"]

_MAX_RECIPE = 2**31


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversionRequest:
    """What the user wants; ``None`` leaves a choice to the recipe or the source.

    Attributes:
        source: Name of a known model, or a ``.keras`` or ``.h5`` file.
        output: The bundle to write.
        calibrate: Folder of photos for int8 ranges.
        evaluate: Folder of photos to compare on.
        golden: Folder of pictures for golden vectors.
        precision: What the artefact computes in; ``auto`` as ``None``.
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
    precision: PrecisionWish | None = None
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

    @property
    def prunes(self) -> bool:
        """Whether channels are to be removed, as far as flags say."""
        return self.prune is not None or self.prune_to is not None

    @property
    def file_options(self) -> KerasFileOptions:
        """What is said of a model file."""
        return KerasFileOptions(
            preset=self.preset, labels=self.labels, size=self.size, scores=self.scores
        )


def state_folder(output: Path) -> Path:
    """Return the folder beside a bundle where a training keeps its state."""
    return output.with_name(f"{output.name}.resume")


def read_recipe(path: Path) -> Mapping[str, Any]:
    """Return the values of a recipe file, or of the recipe in a bundle, unresolved.

    Raises:
        SpecError: It is no recipe, or the bundle has none.
        InputFileError: It cannot be read.
    """
    data = read_file(path, what="a recipe or a bundle", limit=_MAX_RECIPE)
    if data.startswith(b"PK"):
        return _of_bundle(data, path)
    if data.lstrip().startswith(b"{"):
        return _of_json(data, path)
    return parse_recipe(data, name=str(path))


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
