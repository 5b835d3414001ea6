"""The passes of recipes: which module does one, and how one is done."""

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from converters.recipe import PassStep, Recipe

if TYPE_CHECKING:
    from converters.workpiece import Pass, Workpiece

__all__ = ["PHASE_OF_PASS", "open_pass", "run_pass"]

_SOURCE_PASSES: Mapping[str, str] = {
    "prune": "converters.prune.prune_pass:PruneModel",
    "recover": "converters.recover.recover_pass:RecoverModel",
    "equalize": "converters.equalize.equalize_pass:EqualizeModel",
    "aware": "converters.aware.aware_pass:TrainAware",
}
"""What changes a source before its export, for every target."""

_PASSES: Mapping[tuple[str, str], str] = {
    ("tflite", "export"): "converters.tflite:ExportSavedModel",
    ("tflite", "quantize"): "converters.tflite:QuantizeTflite",
    ("tflite", "compile"): "converters.tflite:FinishTflite",
    ("onnx", "export"): "converters.onnx_model:ExportOnnx",
    ("onnx", "quantize"): "converters.onnx_model:QuantizeOnnx",
    ("onnx", "compile"): "converters.onnx_model:FinishOnnx",
}
_LAST_PASSES: Mapping[str, str] = {
    "verify": "converters.verify_pass:VerifyParity",
    "temperature": "converters.temperature_pass:FitTemperature",
    "pack": "converters.pack_pass:PackBundle",
}

PHASE_OF_PASS: Mapping[str, str] = {
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
"""What a pass is called while it runs."""


def open_pass(step: PassStep, recipe: Recipe) -> "Pass":
    """Return the pass that a step of a recipe names, with its options."""
    shared = {**_SOURCE_PASSES, **_LAST_PASSES}
    place = shared.get(step.name) or _PASSES[recipe.target, step.name]
    module, _, name = place.partition(":")
    opened: Pass = getattr(importlib.import_module(module), name)(
        recipe.step_options(step)
    )
    return opened


def run_pass(work: "Workpiece", step: PassStep) -> "Workpiece":
    """Return the workpiece after one pass of its recipe.

    Raises:
        EdgeclfError: What the pass requires or ensures does not hold, or it failed.
    """
    one = open_pass(step, work.recipe)
    one.requires(work)
    work = one.call(work)
    one.ensures(work)
    return work
