"""Recipes: every decision of a conversion as data, checked before anything runs.

A recipe is a list of passes with their options. The shipped ones (``recipes/*.toml``)
leave the seed and the profile open; a *resolved* one says everything, is written into
the bundle, and makes the same bundle again with ``edgeclf convert --recipe``.
"""

import sys
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from importlib import resources
from typing import Any, Literal, TypeAlias, TypeVar, get_args

from converters.pass_options import (
    AwareOptions,
    CompileOptions,
    EqualizeOptions,
    OnnxExportOptions,
    OnnxQuantizeOptions,
    PackOptions,
    TemperatureOptions,
    TfliteExportOptions,
    TfliteQuantizeOptions,
    VerifyOptions,
)
from converters.prune.options import PruneOptions
from converters.recover.options import RecoverOptions
from edgeclf.errors import SpecError
from edgeclf.json_values import from_json_value, to_json_value

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = [
    "FORMAT",
    "CalibrationPlan",
    "PassStep",
    "Precision",
    "Recipe",
    "Target",
    "parse_recipe",
    "recipe_from_dict",
    "recipe_to_dict",
    "shipped_recipe",
]

Target: TypeAlias = Literal["tflite", "onnx"]
Precision: TypeAlias = Literal["fp32", "fp16", "int8"]
Options = TypeVar("Options")

FORMAT = 1
"""The recipe format that this version writes and reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    """Which state of the model a pass takes and gives, and its options a target."""

    takes: str
    gives: str
    options: Mapping[str, type]


def _for_both(options: type) -> Mapping[str, type]:
    return dict.fromkeys(get_args(Target), options)


def _on_source(options: type) -> _Rule:
    return _Rule(takes="source", gives="source", options=_for_both(options))


_RULES: Mapping[str, _Rule] = {
    "prune": _on_source(PruneOptions),
    "recover": _on_source(RecoverOptions),
    "equalize": _on_source(EqualizeOptions),
    "aware": _on_source(AwareOptions),
    "export": _Rule(
        takes="source",
        gives="exported",
        options={"tflite": TfliteExportOptions, "onnx": OnnxExportOptions},
    ),
    "quantize": _Rule(
        takes="exported",
        gives="quantized",
        options={"tflite": TfliteQuantizeOptions, "onnx": OnnxQuantizeOptions},
    ),
    "compile": _Rule(
        takes="quantized", gives="artefact", options=_for_both(CompileOptions)
    ),
    "verify": _Rule(
        takes="artefact", gives="verified", options=_for_both(VerifyOptions)
    ),
    "temperature": _Rule(
        takes="verified", gives="verified", options=_for_both(TemperatureOptions)
    ),
    "pack": _Rule(takes="verified", gives="bundle", options=_for_both(PackOptions)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PassStep:
    """One pass of a recipe.

    Attributes:
        name: ``prune``, ``recover``, ``equalize`` and ``aware`` change the source
            model, as often as one likes; then come ``export``, ``quantize``,
            ``compile``, ``verify``, if one likes ``temperature``, and ``pack``.
        options: All of the pass's options, JSON-ready.
    """

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.name not in _RULES:
            raise ValueError(
                f"unknown pass {self.name!r}; there are {', '.join(_RULES)}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationPlan:
    """Which of the user's photos set the ranges of an int8 model.

    Attributes:
        images: How many are drawn, seeded and stratified by folder; all when there
            are fewer.
        holdout: Share kept from calibration for the comparison with the source
            model, when no other photos are given for that.
    """

    images: int
    holdout: float

    def __post_init__(self) -> None:
        if self.images < 1:
            raise ValueError(f"images must be 1 or more, got {self.images}")
        if not 0 < self.holdout < 1:
            raise ValueError(f"holdout must be above 0 and below 1, got {self.holdout}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A resolved recipe: with the same inputs and tools it gives the same bytes.

    Attributes:
        name: For people.
        target: Format of the artefact.
        precision: What it computes in, in a word; the quantize pass says it exactly.
        seed: Of every draw.
        profile: The board it is for.
        allow_small_calibration: Calibrate on photos that are too few or too alike.
        accept_undecided: Write a bundle that the photos are too few to judge.
        calibration: How photos are used.
        passes: In order.
        format: Number of the recipe format.
    """

    name: str
    target: Target
    precision: Precision
    seed: int
    profile: str | None
    allow_small_calibration: bool
    accept_undecided: bool
    calibration: CalibrationPlan
    passes: tuple[PassStep, ...]
    format: int = FORMAT

    def __post_init__(self) -> None:
        if self.format != FORMAT:
            raise ValueError(
                f"recipe format {self.format}; this edgeclf reads {FORMAT}: upgrade it"
            )
        if self.seed < 0:
            raise ValueError(f"seed must be 0 or more, got {self.seed}")
        state = "source"
        for step in self.passes:
            rule = _RULES[step.name]
            if rule.takes != state:
                raise ValueError(
                    f"pass {step.name!r} takes the {rule.takes} model, and here it is "
                    f"the {state} one"
                )
            _parse_options(rule.options[self.target], step)
            state = rule.gives
        if state != "bundle":
            raise ValueError(f"the passes end with the {state} model, not a bundle")
        self._require_precision()

    @property
    def is_lossy(self) -> bool:
        """Whether the artefact is made to differ from its source."""
        changes = {"prune", "recover", "aware"}
        return self.precision == "int8" or any(s.name in changes for s in self.passes)

    @property
    def learns(self) -> bool:
        """Whether anything is measured on or learned from calibration photos."""
        changes = {"prune", "recover", "equalize", "aware"}
        return self.precision == "int8" or any(s.name in changes for s in self.passes)

    def default_options(self, name: str) -> dict[str, Any]:
        """Return what a pass does when nothing is said, JSON-ready."""
        return _default_options(_RULES[name].options[self.target])

    def step_options(self, step: PassStep) -> Any:
        """Return a step's options as the pass takes them."""
        return _parse_options(_RULES[step.name].options[self.target], step)

    def options(self, kind: type[Options]) -> Options:
        """Return the options of the one pass that has this kind.

        Raises:
            LookupError: No pass of the recipe has it.
        """
        for step in self.passes:
            options = self.step_options(step)
            if isinstance(options, kind):
                return options
        raise LookupError(f"recipe {self.name} has no pass with {kind.__name__}")

    def _require_precision(self) -> None:
        (quantize,) = (step for step in self.passes if step.name == "quantize")
        weights = quantize.options["weights"]
        expected = {"fp32": "float32", "fp16": "float16", "int8": "int8"}
        if weights != expected[self.precision]:
            raise ValueError(
                f"precision {self.precision} and {weights} weights contradict each other"
            )


def shipped_recipe(target: Target, precision: Precision) -> Mapping[str, Any]:
    """Return the shipped recipe for a target and a precision, unresolved."""
    name = f"{target}-{precision}.toml"
    path = resources.files("converters") / "recipes" / name
    return parse_recipe(path.read_bytes(), name=name)


def parse_recipe(data: bytes, *, name: str) -> Mapping[str, Any]:
    """Return a recipe file's values, unresolved and not yet checked.

    Args:
        data: TOML, in UTF-8.
        name: For messages.

    Raises:
        SpecError: It is not TOML.
    """
    try:
        return tomllib.loads(data.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SpecError(f"{name}: not a recipe in TOML ({error})") from error


def recipe_from_dict(document: Mapping[str, Any], *, name: str) -> Recipe:
    """Return a resolved recipe, or refuse it.

    Args:
        document: What ``recipe_to_dict`` wrote, or a recipe file's values; what a
            file leaves open takes its default.
        name: For messages.

    Raises:
        SpecError: A missing or unknown key, a wrong value, or passes out of order.
    """
    defaults = {
        "seed": 0,
        "profile": None,
        "allow_small_calibration": False,
        "accept_undecided": False,
    }
    resolved = {**defaults, **document}
    if isinstance(resolved.get("passes"), list):
        target = str(resolved.get("target"))
        resolved["passes"] = [_with_options(s, target) for s in resolved["passes"]]
    try:
        return from_json_value(Recipe, resolved, where=name)
    except ValueError as error:
        raise SpecError(str(error)) from error


def recipe_to_dict(recipe: Recipe) -> dict[str, Any]:
    """Return every decision of a recipe, JSON-ready."""
    document: dict[str, Any] = to_json_value(recipe)
    return document


def _with_options(step: Any, target: str) -> Any:
    """Say every option of a step, so that later versions' defaults change nothing."""
    if not isinstance(step, dict):
        return step
    given = step.get("options", {})
    rule = _RULES.get(str(step.get("name")))
    if rule is None or target not in rule.options or not isinstance(given, dict):
        return {"options": {}, **step}
    return {**step, "options": {**_default_options(rule.options[target]), **given}}


def _default_options(kind: Any) -> dict[str, Any]:
    return {
        each.name: to_json_value(each.default)
        for each in fields(kind)
        if each.default is not MISSING
    }


def _parse_options(kind: type[Any], step: PassStep) -> Any:
    options = {**_default_options(kind), **step.options}
    return from_json_value(kind, options, where=f"pass {step.name!r}")
