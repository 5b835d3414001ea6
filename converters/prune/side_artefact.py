"""A model file made on the side, to measure its time: nothing of it is kept."""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from converters.passes import run_pass
from converters.recipe import Recipe
from converters.recipe_document import recipe_from_dict, shipped_recipe
from converters.serving import input_boundary
from converters.workpiece import Workpiece

__all__ = ["float_recipe", "side_artefact"]

_STEPS = ("export", "quantize", "compile")


def float_recipe(work: Workpiece) -> Recipe:
    """Return the shipped float recipe for the target of a workpiece."""
    document = shipped_recipe(work.recipe.target, "fp32")
    return recipe_from_dict(document, name="fp32")


def side_artefact(work: Workpiece, model: Any, recipe: Recipe) -> bytes:
    """Return the file that a recipe makes of a model.

    Args:
        work: Has the source, the boundary's spec and the photos.
        model: A Keras model that takes and gives what the scoring model does.
        recipe: Its passes from export to compile are run.

    Raises:
        EdgeclfError: The model cannot be converted.
    """
    with tempfile.TemporaryDirectory(dir=work.folder) as folder:
        aside = replace(
            work,
            recipe=recipe,
            scoring_model=model,
            boundary=input_boundary(work.source.preprocess, recipe.precision),
            folder=Path(folder),
            common=Path(folder),
        )
        for step in recipe.passes:
            if step.name in _STEPS:
                aside = run_pass(aside, step)
    assert aside.artefact is not None  # noqa: S101 - compile's ensures() checked it
    return aside.artefact.data
