"""Recipes: every decision of a conversion as data, checked before anything runs.

A recipe is a list of passes with their options. A *resolved* one says everything, is
written into the bundle, and makes the same bundle again with ``edgeclf convert
--recipe``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, TypeVar

from converters.pass_rules import PASS_RULES, Target

__all__ = [
    "FORMAT",
    "CalibrationPlan",
    "PassStep",
    "Precision",
    "Recipe",
    "Target",
]

Precision: TypeAlias = Literal["fp32", "fp16", "int8"]
Options = TypeVar("Options")

FORMAT = 1
"""The recipe format that this version writes and reads."""


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
        if self.name not in PASS_RULES:
            raise ValueError(
                f"unknown pass {self.name!r}; there are {', '.join(PASS_RULES)}"
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
            rule = PASS_RULES[step.name]
            if rule.takes != state:
                raise ValueError(
                    f"pass {step.name!r} takes the {rule.takes} model, and here it is "
                    f"the {state} one"
                )
            rule.parsed(self.target, step.options, name=step.name)
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
        return PASS_RULES[name].resolved(self.target, {})

    def step_options(self, step: PassStep) -> Any:
        """Return a step's options as the pass takes them."""
        rule = PASS_RULES[step.name]
        return rule.parsed(self.target, step.options, name=step.name)

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
