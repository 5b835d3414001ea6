"""What the child processes of a conversion do: find a recipe, and make the bundle."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from converters.child import Report
from converters.gate.trials import Trial, write_trials
from converters.passes import PHASE_OF_PASS, run_pass
from converters.plan import make_plan
from converters.recipe import PassStep, Recipe
from converters.recipe_document import recipe_from_dict, recipe_to_dict
from converters.request import ConversionRequest

if TYPE_CHECKING:
    from converters.gate.trials import SeedResult
    from converters.workpiece import Workpiece

__all__ = ["find_recipe", "job_arguments", "run_job"]

_PATHS = ("output", "calibrate", "evaluate", "golden", "recipe", "labels", "finetune")
_LEFT = 0.8
"""Of a search, after one more trial: nobody knows how many there will be."""

_LONG = {"prune", "recover", "aware"}


def job_arguments(
    request: ConversionRequest,
    folder: Path,
    recipe: Recipe | None = None,
    *,
    common: Path,
) -> dict[str, Any]:
    """Return a job as the functions below take it, JSON-ready.

    Args:
        request: What is wanted.
        folder: For the job's files.
        recipe: What is to be done, where that is known.
        common: For what another job may need again.
    """
    fields = {
        name: str(value) if isinstance(value, Path) else value
        for name, value in asdict(request).items()
    }
    document = None if recipe is None else recipe_to_dict(recipe)
    return {
        "request": fields,
        "folder": str(folder),
        "common": str(common),
        "recipe": document,
    }


def find_recipe(arguments: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Search for the recipe that passes; no file that is made for it is the bundle's.

    Args:
        arguments: From ``job_arguments``.
        report: Called as each phase begins.

    Returns:
        The recipe, and notes on why it was taken.
    """
    from converters.gate.search import search  # noqa: PLC0415 - TensorFlow: child only
    from converters.opening import open_work  # noqa: PLC0415 - likewise

    request = _request(arguments["request"])
    folder = Path(arguments["folder"])
    plan = make_plan(request)
    common = Path(arguments["common"])
    work = open_work(request, plan.first, folder=folder, report=report, common=common)
    shown = 0

    def tried(trials: Sequence[Trial]) -> None:
        nonlocal shown
        write_trials(folder, trials)
        if len(trials) > shown:
            shown = len(trials)
            report(f"searching: {trials[-1].name}", 1 - _LEFT**shown)

    def run(work: "Workpiece", step: PassStep) -> "Workpiece":
        if step.name in _LONG:
            report(PHASE_OF_PASS[step.name], 0.0)
        return run_pass(work, step)

    report("searching", 0.0)
    found = search(work, plan, run, tried=tried)
    return {"recipe": recipe_to_dict(found.work.recipe), "notes": list(found.notes)}


def run_job(arguments: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Do a recipe in this process.

    A search runs in a process of its own before: what TensorFlow names, it names by
    what was made before in its process, and a bundle must come out as it does when its
    recipe is replayed. What it measured is read again only where it would come out the
    same: of the same model file, the same pixels, the same versions.

    Args:
        arguments: From ``job_arguments``, with a recipe.
        report: Called as each phase begins.

    Returns:
        Where the bundle's bytes lie, its recipe, the notes, the spread over seeds, and
        the size of the source's weights.
    """
    from converters.opening import open_work  # noqa: PLC0415 - TensorFlow: child only

    request = _request(arguments["request"])
    recipe = recipe_from_dict(arguments["recipe"], name="recipe")
    folder = Path(arguments["folder"])
    common = Path(arguments["common"])
    opened = open_work(request, recipe, folder=folder, report=report, common=common)
    work = opened
    for step in recipe.passes:
        report(PHASE_OF_PASS[step.name], 0.0)
        work = run_pass(work, step)
    results = _spread(opened, work, request, report) if request.spread else ()
    bundle = folder / "bundle"
    bundle.write_bytes(work.bundle or b"")
    return {
        "bundle": str(bundle),
        "recipe": recipe_to_dict(work.recipe),
        "notes": list(work.notes),
        "spread": [asdict(result) for result in results],
        "source_bytes": 4 * work.source.keras_model.count_params(),
    }


def _spread(
    opened: "Workpiece", work: "Workpiece", request: ConversionRequest, report: Report
) -> "tuple[SeedResult, ...]":
    from converters.gate.measuring import EngineMeasure  # noqa: PLC0415 - child only
    from converters.gate.spread import spread  # noqa: PLC0415 - likewise
    from converters.photo_draw import redrawn_calibration  # noqa: PLC0415 - likewise

    calibrate = request.calibrate
    if calibrate is None or work.recipe.precision != "int8":
        return ()
    report("spreading", 0.0)
    recipe = work.recipe
    return spread(
        replace(opened, recipe=recipe),
        run_pass,
        EngineMeasure(),
        lambda seed: redrawn_calibration(
            recipe,
            opened.source,
            calibrate=calibrate,
            is_split=request.evaluate is None,
            seed=seed,
        ),
    )


def _request(document: Mapping[str, Any]) -> ConversionRequest:
    fields = dict(document)
    for name in _PATHS:
        fields[name] = None if fields[name] is None else Path(fields[name])
    fields["size"] = None if fields["size"] is None else tuple(fields["size"])
    return ConversionRequest(**fields)
