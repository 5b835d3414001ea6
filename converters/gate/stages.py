"""Passes of several recipes for one model: what they share is done once."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from converters.recipe import PassStep, Recipe
from converters.serving import Boundary, input_boundary
from converters.workpiece import Workpiece

__all__ = ["RunPass", "Stages"]

RunPass: TypeAlias = Callable[[Workpiece, PassStep], Workpiece]
"""Does one pass of the workpiece's recipe."""

_ENDS = "verify"


class Stages:
    """Artefacts of one source by recipe.

    Two recipes that begin with the same passes share their results, and files that
    quantizers keep in the workpiece's folder.

    Args:
        work: As it was opened.
        run: Does a pass.
    """

    def __init__(self, work: Workpiece, run: RunPass) -> None:
        self._start = work
        self._run = run
        self._done: dict[str, Workpiece] = {}
        self._folders = 0

    def artefact(self, recipe: Recipe) -> Workpiece:
        """Return the workpiece with its artefact, before it is verified.

        Args:
            recipe: Of the same target and draw of photos as the workpiece's own.

        Raises:
            EdgeclfError: A pass refuses.
        """
        work, key = replace(self._start, recipe=recipe), ""
        for index, step in enumerate(recipe.passes):
            if step.name == _ENDS:
                break
            key += json.dumps([step.name, step.options], sort_keys=True)
            if step.name == "export":
                key += repr(self._boundary(recipe))
            if key not in self._done:
                if step.name == "export":
                    work = self._exportable(work)
                self._done[key] = self._run(work, step)
            work = self._done[key]
            # A pass may say more exactly in the recipe what it did.
            done = work.recipe.passes[: index + 1]
            passes = (*done, *recipe.passes[index + 1 :])
            work = replace(work, recipe=replace(recipe, passes=passes))
        return work

    def _boundary(self, recipe: Recipe) -> Boundary:
        return input_boundary(self._start.source.preprocess, recipe.precision)

    def _exportable(self, work: Workpiece) -> Workpiece:
        """Return the workpiece with a folder for what comes of this export."""
        self._folders += 1
        folder = self._start.folder / f"stage-{self._folders}"
        folder.mkdir()
        recipe = work.recipe
        return replace(
            work,
            folder=folder,
            common=self._start.common_folder,
            boundary=self._boundary(recipe),
            calibration=work.calibration if recipe.learns else None,
        )
