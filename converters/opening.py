"""The beginning of a conversion: the source is loaded and everything is at hand."""

import shutil
from pathlib import Path

from converters.child import Report
from converters.photo_draw import draw_pictures
from converters.recipe import Recipe
from converters.request import ConversionRequest, state_folder
from converters.serving import input_boundary, scoring_model
from converters.source_model import SourceModel
from converters.workpiece import Workpiece
from converters.zoo import load_source
from edgeclf.backends import BACKENDS, available_engines
from edgeclf.errors import MissingDependencyError, OutputFileError
from edgeclf.profiles import load_profile

__all__ = ["open_work"]

_MARGIN = 4_000_000
"""Bytes of a bundle beside its weights: golden vectors, labels, graph."""


def open_work(
    request: ConversionRequest,
    recipe: Recipe,
    *,
    folder: Path,
    report: Report,
    common: Path | None = None,
) -> Workpiece:
    """Return the workpiece that a recipe's passes begin with.

    Args:
        request: The source and the photos.
        recipe: Resolved.
        folder: For the passes' files.
        report: Told of the phases.
        common: Folder for what is kept by all that it depends on.

    Raises:
        EdgeclfError: The source or the photos cannot be used, or the disk is too full
            for the result.
    """
    report("loading the model", 0.0)
    engine = _engine(recipe)
    source = load_source(
        request.source, weights=request.weights, options=request.file_options
    )
    _require_space(request.output, source)
    report("reading the photos", 0.0)
    drawn = draw_pictures(
        recipe, source, calibrate=request.calibrate, evaluate=request.evaluate
    )
    model, task = scoring_model(source)
    return Workpiece(
        recipe=recipe,
        source=source,
        scoring_model=model,
        reference=model,
        task=task,
        boundary=input_boundary(source.preprocess, recipe.precision),
        folder=folder,
        engine=engine,
        calibration=drawn.calibration,
        evaluation=drawn.evaluation,
        golden=request.golden,
        finetune=request.finetune,
        notes=(*source.notes, *drawn.notes),
        report=report,
        state_folder=state_folder(request.output),
        common=common,
    )


def _require_space(output: Path, source: SourceModel) -> None:
    needed = 4 * source.keras_model.count_params() + _MARGIN
    free = shutil.disk_usage(output.parent).free
    if free < needed:
        raise OutputFileError(
            f"cannot write {output}: {free / 1e6:.0f} MB are free there and up to "
            f"{needed / 1e6:.0f} MB are needed: free some space and run it again"
        )


def _engine(recipe: Recipe) -> str:
    """Return what runs the artefact here: the board's own engine where it can.

    Raises:
        MissingDependencyError: No engine for the format works here.
    """
    statuses = available_engines()
    fitting = [name for name in BACKENDS if BACKENDS[name].format == recipe.target]
    usable = [name for name in fitting if statuses[name].usable]
    if not usable:
        first = fitting[0]
        raise MissingDependencyError(
            f"the result must be run before it is written, and {first} "
            f"{statuses[first].reason}: {statuses[first].hint}"
        )
    wanted = None
    if recipe.profile is not None:
        wanted = load_profile(recipe.profile).value("defaults.engine")
    return str(wanted) if wanted in usable else usable[0]
