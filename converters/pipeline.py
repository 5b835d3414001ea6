"""From a trained model to a bundle: the recipe's passes, in a child process."""

import importlib
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from converters.child import Report, run_in_child
from converters.early_checks import check_early
from converters.plan import make_plan
from converters.recipe import PassStep, Recipe, recipe_from_dict, recipe_to_dict
from converters.recover.state import remove_states
from converters.request import ConversionRequest, state_folder
from edgeclf.bundle import Bundle, write_bundle
from edgeclf.errors import OutputFileError

if TYPE_CHECKING:
    from converters.workpiece import Pass, Workpiece

__all__ = [
    "PHASES",
    "ConversionRequest",
    "ConversionResult",
    "convert",
    "open_pass",
    "run_passes",
]

PHASES: Mapping[str, int] = {
    "loading the model": 6,
    "reading the photos": 4,
    "pruning": 60,
    "recovering": 300,
    "equalizing": 10,
    "training": 300,
    "exporting": 5,
    "quantizing": 18,
    "compiling": 1,
    "verifying": 6,
    "packing": 4,
}
"""What a conversion does, in order, and about how many seconds each takes."""

_SOURCE_PASSES: Mapping[str, str] = {
    "prune": "converters.prune.prune_pass:PruneModel",
    "recover": "converters.recover.recover_pass:RecoverModel",
    "equalize": "converters.equalize.equalize_pass:EqualizeModel",
    "aware": "converters.aware.aware_pass:TrainAware",
}
_PASSES: Mapping[tuple[str, str], str] = {
    **{
        (target, name): place
        for target in ("tflite", "onnx")
        for name, place in _SOURCE_PASSES.items()
    },
    ("tflite", "export"): "converters.tflite:ExportSavedModel",
    ("tflite", "quantize"): "converters.tflite:QuantizeTflite",
    ("tflite", "compile"): "converters.tflite:FinishTflite",
    ("tflite", "verify"): "converters.verify_pass:VerifyParity",
    ("tflite", "temperature"): "converters.temperature_pass:FitTemperature",
    ("tflite", "pack"): "converters.pack_pass:PackBundle",
    ("onnx", "export"): "converters.onnx_model:ExportOnnx",
    ("onnx", "quantize"): "converters.onnx_model:QuantizeOnnx",
    ("onnx", "compile"): "converters.onnx_model:FinishOnnx",
    ("onnx", "verify"): "converters.verify_pass:VerifyParity",
    ("onnx", "temperature"): "converters.temperature_pass:FitTemperature",
    ("onnx", "pack"): "converters.pack_pass:PackBundle",
}
_PHASE_OF_PASS = {
    "prune": "pruning",
    "recover": "recovering",
    "equalize": "equalizing",
    "aware": "training",
    "export": "exporting",
    "quantize": "quantizing",
    "compile": "compiling",
    "verify": "verifying",
    "temperature": "verifying",
    "pack": "packing",
}
_PATHS = ("output", "calibrate", "evaluate", "golden", "recipe", "labels", "finetune")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversionResult:
    """A bundle that was written, and what making it showed.

    Attributes:
        bundle: As it was read back.
        recipe: What made it.
        source_bytes: What the source's weights take in float32.
        notes: What the user must know.
        seconds: How long it took; never in the bundle.
    """

    bundle: Bundle
    recipe: Recipe
    source_bytes: int
    notes: tuple[str, ...]
    seconds: float


def convert(
    request: ConversionRequest, *, report: Report | None = None
) -> ConversionResult:
    """Turn a trained model into a verified bundle.

    Nothing is written before the artefact has been run by its engine and compared with
    its source; then the bundle takes its name in one step.

    Args:
        request: What is wanted.
        report: Called with the phase and its progress; see ``PHASES``.

    Raises:
        OutOfBoundsError: The artefact is out of parity.
        ConversionError: The model cannot be converted, or the converter crashed.
        CalibrationError: int8 without photos, or with photos that cannot calibrate.
        SpecError: Settings contradict each other.
        InputFileError: A file or folder is missing or damaged.
        OutputFileError: The bundle cannot be written; what was there is untouched.
    """
    start = time.perf_counter_ns()
    recipe = make_plan(request).first
    check_early(request, recipe)
    with _temporary_folder() as folder:
        outcome = run_in_child(
            "converters.pipeline:run_job",
            {
                "request": _to_dict(request),
                "recipe": recipe_to_dict(recipe),
                "folder": folder,
            },
            folder=Path(folder),
            report=report or _ignore,
        )
        data = Path(outcome["bundle"]).read_bytes()
    bundle = write_bundle(request.output, data)
    remove_states(state_folder(request.output))
    return ConversionResult(
        bundle=bundle,
        recipe=recipe,
        source_bytes=outcome["source_bytes"],
        notes=tuple(outcome["notes"]),
        seconds=(time.perf_counter_ns() - start) / 1e9,
    )


def run_job(arguments: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Do a conversion in this process; what the child process runs.

    Args:
        arguments: The request, the resolved recipe and a folder for files, as
            ``convert`` sends them.
        report: Called as each phase begins.

    Returns:
        Where the bundle's bytes lie, the notes, and the size of the source's weights.
    """
    from converters.opening import open_work  # noqa: PLC0415 - TensorFlow: child only

    request = _from_dict(arguments["request"])
    recipe = recipe_from_dict(arguments["recipe"], name="recipe")
    folder = Path(arguments["folder"])
    work = open_work(request, recipe, folder=folder, report=report)
    work = run_passes(work, report=report)
    bundle = folder / "bundle"
    bundle.write_bytes(work.bundle or b"")
    return {
        "bundle": str(bundle),
        "notes": list(work.notes),
        "source_bytes": 4 * work.source.keras_model.count_params(),
    }


def run_passes(work: "Workpiece", *, report: Report) -> "Workpiece":
    """Return the workpiece after every pass of its recipe.

    Raises:
        EdgeclfError: What a pass requires or ensures does not hold, or it failed.
    """
    for step in work.recipe.passes:
        report(_PHASE_OF_PASS[step.name], 0.0)
        one = open_pass(step, work.recipe)
        one.requires(work)
        work = one.call(work)
        one.ensures(work)
    return work


def open_pass(step: PassStep, recipe: Recipe) -> "Pass":
    """Return the pass that a step of a recipe names, with its options."""
    module, _, name = _PASSES[recipe.target, step.name].partition(":")
    opened: Pass = getattr(importlib.import_module(module), name)(
        recipe.step_options(step)
    )
    return opened


def _temporary_folder() -> tempfile.TemporaryDirectory[str]:
    try:
        return tempfile.TemporaryDirectory(
            prefix="edgeclf-", ignore_cleanup_errors=True
        )
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise OutputFileError(
            f"no temporary folder to work in ({reason}): set TMPDIR to one with space"
        ) from error


def _ignore(phase: str, done: float) -> None:
    """Report to nobody."""


def _to_dict(request: ConversionRequest) -> dict[str, Any]:
    return {
        name: str(value) if isinstance(value, Path) else value
        for name, value in asdict(request).items()
    }


def _from_dict(document: Mapping[str, Any]) -> ConversionRequest:
    fields = dict(document)
    for name in _PATHS:
        fields[name] = None if fields[name] is None else Path(fields[name])
    fields["size"] = None if fields["size"] is None else tuple(fields["size"])
    return ConversionRequest(**fields)
