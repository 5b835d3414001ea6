"""What the child process of a conversion does, from the request to the bundle's bytes."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from converters.child import Report
from converters.gate.trials import Trial, write_trials
from converters.passes import PHASE_OF_PASS, run_pass
from converters.plan import make_plan
from converters.recipe import PassStep, recipe_to_dict
from converters.request import ConversionRequest

if TYPE_CHECKING:
    from converters.gate.trials import SeedResult
    from converters.plan import Plan
    from converters.workpiece import Workpiece

__all__ = ["job_arguments", "run_job"]

_PATHS = ("output", "calibrate", "evaluate", "golden", "recipe", "labels", "finetune")
_LEFT = 0.8
"""Of a search, after one more trial: nobody knows how many there will be."""

_LONG = {"prune", "recover", "aware"}
_FINAL = {"verify", "temperature", "pack"}


def job_arguments(request: ConversionRequest, folder: Path) -> dict[str, Any]:
    """Return a job as ``run_job`` takes it, JSON-ready."""
    fields = {
        name: str(value) if isinstance(value, Path) else value
        for name, value in asdict(request).items()
    }
    return {"request": fields, "folder": str(folder)}


def run_job(arguments: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Do a conversion in this process.

    Args:
        arguments: From ``job_arguments``.
        report: Called as each phase begins.

    Returns:
        Where the bundle's bytes lie, its recipe, the notes, the spread over seeds, and
        the size of the source's weights.
    """
    from converters.opening import open_work  # noqa: PLC0415 - TensorFlow: child only

    request = _request(arguments["request"])
    folder = Path(arguments["folder"])
    plan = make_plan(request)
    opened = open_work(request, plan.first, folder=folder, report=report)
    work, notes = opened, plan.precision.notes
    if plan.searches:
        work, found = _searched(opened, plan, request, report)
        notes += found
    work = _run_rest(work, report)
    results = _spread(opened, work, request, report) if request.spread else ()
    bundle = folder / "bundle"
    bundle.write_bytes(work.bundle or b"")
    return {
        "bundle": str(bundle),
        "recipe": recipe_to_dict(work.recipe),
        "notes": [*notes, *work.notes],
        "spread": [asdict(result) for result in results],
        "source_bytes": 4 * work.source.keras_model.count_params(),
    }


def _searched(
    work: "Workpiece", plan: "Plan", request: ConversionRequest, report: Report
) -> tuple["Workpiece", tuple[str, ...]]:
    """Return the workpiece with the artefact that a search found, and notes."""
    from converters.gate.search import search  # noqa: PLC0415 - TensorFlow: child only
    from converters.photo_draw import draw_pictures  # noqa: PLC0415 - likewise

    shown = 0

    def tried(trials: Sequence[Trial]) -> None:
        nonlocal shown
        write_trials(work.folder, trials)
        if len(trials) > shown:
            shown = len(trials)
            report(f"searching: {trials[-1].name}", 1 - _LEFT**shown)

    def run(work: "Workpiece", step: PassStep) -> "Workpiece":
        if step.name in _LONG:
            report(PHASE_OF_PASS[step.name], 0.0)
        return run_pass(work, step)

    report("searching", 0.0)
    found = search(work, plan, run, tried=tried)
    work = found.work
    if not work.recipe.learns:
        # As when the recipe is replayed: nothing was held back from calibration.
        drawn = draw_pictures(
            work.recipe,
            work.source,
            calibrate=request.calibrate,
            evaluate=request.evaluate,
        )
        work = replace(work, evaluation=drawn.evaluation)
    return work, found.notes


def _run_rest(work: "Workpiece", report: Report) -> "Workpiece":
    """Return the workpiece after the passes that are still to do."""
    for step in work.recipe.passes:
        if work.artefact is not None and step.name not in _FINAL:
            continue
        report(PHASE_OF_PASS[step.name], 0.0)
        work = run_pass(work, step)
    return work


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
