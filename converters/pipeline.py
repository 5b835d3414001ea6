"""From a trained model to a bundle, in a child process, or not at all."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from converters.child import Report, run_in_child
from converters.early_checks import check_early
from converters.gate.trials import SeedResult, Trial, read_trials
from converters.job import job_arguments
from converters.passes import open_pass
from converters.plan import Plan, make_plan
from converters.recipe import Recipe
from converters.recipe_document import recipe_from_dict
from converters.recover.state import remove_states
from converters.request import ConversionRequest, state_folder
from converters.work_folder import work_folder
from edgeclf.bundle import Bundle, write_bundle

__all__ = [
    "PHASES",
    "ConversionRequest",
    "ConversionResult",
    "convert",
    "open_pass",
    "planned_phases",
]

PHASES: Mapping[str, int] = {
    "loading the model": 6,
    "reading the photos": 4,
    "searching": 90,
    "pruning": 60,
    "recovering": 300,
    "equalizing": 10,
    "training": 300,
    "exporting": 5,
    "quantizing": 18,
    "compiling": 1,
    "verifying": 6,
    "packing": 4,
    "spreading": 60,
}
"""What a conversion does, and about how many seconds each takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversionResult:
    """A bundle that was written, and what making it showed.

    Attributes:
        bundle: As it was read back.
        recipe: What made it.
        source_bytes: What the source's weights take in float32.
        notes: What the user must know.
        tried: What was tried to find the recipe; empty when nothing was searched for.
        spread: What other draws of calibration photos give, where that was asked.
        seconds: How long it took; never in the bundle.
    """

    bundle: Bundle
    recipe: Recipe
    source_bytes: int
    notes: tuple[str, ...]
    tried: tuple[Trial, ...]
    spread: tuple[SeedResult, ...]
    seconds: float


def convert(
    request: ConversionRequest,
    *,
    report: Report | None = None,
    tried: Callable[[Sequence[Trial]], None] | None = None,
) -> ConversionResult:
    """Turn a trained model into a verified bundle.

    Nothing is written before the artefact has been run by its engine, compared with
    its source and judged; then the bundle takes its name in one step.

    Args:
        request: What is wanted.
        report: Called with the phase and its progress; see ``PHASES``. Behind a colon
            may stand what was done in it.
        tried: Called with what was tried, when a search has ended well or badly.

    Raises:
        OutOfBoundsError: Nothing that was tried passes the gate, or it is out of parity.
        NoVerdictError: The photos are too few to tell.
        ConversionError: The model cannot be converted, or the converter crashed.
        CalibrationError: int8 without photos, or with photos that cannot calibrate.
        SpecError: Settings contradict each other.
        InputFileError: A file or folder is missing or damaged.
        OutputFileError: The bundle cannot be written; what was there is untouched.
    """
    start = time.perf_counter_ns()
    plan = make_plan(request)
    check_early(request, plan.first)
    with work_folder() as folder:
        job = _Job(request, folder, report or _ignore)
        job.common.mkdir()
        found = _Found(plan.first, plan.precision.notes, ())
        if plan.searches:
            found = job.find(plan, tried)
        outcome = job.run(found.recipe)
        data = Path(outcome["bundle"]).read_bytes()
    bundle = write_bundle(request.output, data)
    remove_states(state_folder(request.output))
    return ConversionResult(
        bundle=bundle,
        recipe=recipe_from_dict(outcome["recipe"], name="recipe"),
        source_bytes=outcome["source_bytes"],
        notes=(*found.notes, *outcome["notes"]),
        tried=found.trials,
        spread=tuple(SeedResult(**each) for each in outcome["spread"]),
        seconds=(time.perf_counter_ns() - start) / 1e9,
    )


@dataclass(frozen=True, slots=True)
class _Found:
    """A recipe to do, why, and what was tried before."""

    recipe: Recipe
    notes: tuple[str, ...]
    trials: tuple[Trial, ...]


@dataclass(frozen=True, slots=True)
class _Job:
    """The child processes of a conversion: a folder for each, and one for all."""

    request: ConversionRequest
    folder: Path
    report: Report

    @property
    def common(self) -> Path:
        """For what one process has measured and the next would measure again."""
        return self.folder / "common"

    def find(
        self, plan: Plan, tried: Callable[[Sequence[Trial]], None] | None
    ) -> _Found:
        """Return the recipe that a search finds."""
        folder = self._subfolder("search")
        arguments = job_arguments(self.request, folder, common=self.common)
        try:
            outcome = self._in_child("find_recipe", arguments)
        finally:
            trials = read_trials(folder)
            if tried is not None:
                tried(trials)
        recipe = recipe_from_dict(outcome["recipe"], name="recipe")
        return _Found(recipe, (*plan.precision.notes, *outcome["notes"]), trials)

    def run(self, recipe: Recipe) -> dict[str, Any]:
        """Return what doing a recipe gives."""
        folder = self._subfolder("run")
        arguments = job_arguments(self.request, folder, recipe, common=self.common)
        return self._in_child("run_job", arguments)

    def _in_child(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        return run_in_child(
            f"converters.job:{name}",
            arguments,
            folder=Path(arguments["folder"]),
            report=self.report,
        )

    def _subfolder(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir()
        return folder


def planned_phases(request: ConversionRequest) -> Mapping[str, int]:
    """Return the phases that this conversion will show, with their seconds.

    Raises:
        EdgeclfError: The request contradicts itself.
    """
    plan = make_plan(request)
    passes = {step.name for step in plan.first.passes}
    optional = {
        "searching": plan.searches,
        "pruning": "prune" in passes,
        "recovering": "recover" in passes,
        "equalizing": "equalize" in passes,
        "training": "aware" in passes or plan.trains,
        "spreading": request.spread,
    }
    return {name: PHASES[name] for name in PHASES if optional.get(name, True)}


def _ignore(phase: str, done: float) -> None:
    """Report to nobody."""
