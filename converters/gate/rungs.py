"""The settings that are tried, cheapest first, as changes of a recipe."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, get_args

from converters.quantize import LayerError
from converters.quantize.ranges import RangeMethod
from converters.recipe import PassStep, Recipe

__all__ = [
    "Rung",
    "corrected",
    "layer_sets",
    "other_ranges",
    "plain",
    "ranges_of",
    "with_float_layers",
    "with_training",
]

_PLAIN: Mapping[str, Any] = {
    "ranges": "min-max",
    "bias_correction": False,
    "float_layers": [],
}
_METHODS: tuple[str, ...] = get_args(RangeMethod)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One recipe of the ladder.

    Attributes:
        name: For people.
        recipe: What to do.
    """

    name: str
    recipe: Recipe


def plain(recipe: Recipe) -> Rung:
    """Return what the tool behind the target does by itself."""
    return Rung(name="int8, plain", recipe=_quantized(recipe, **_PLAIN))


def other_ranges(recipe: Recipe) -> list[Rung]:
    """Return the other ways to set the ranges of activations."""
    return [
        Rung(name=f"int8, {method} ranges", recipe=_quantized(recipe, ranges=method))
        for method in _METHODS
        if method != _PLAIN["ranges"]
    ]


def corrected(recipe: Recipe) -> list[Rung]:
    """Return what is done to weights before they are rounded: biases, then scales."""
    ranges = ranges_of(recipe)
    biases = _quantized(recipe, bias_correction=True)
    return [
        Rung(name=f"int8, {ranges} ranges, bias correction", recipe=biases),
        Rung(
            name=f"int8, equalised, {ranges} ranges, bias correction",
            recipe=_with_source_pass(biases, "equalize"),
        ),
    ]


def with_training(recipe: Recipe) -> Rung:
    """Return the last resort: training that knows of the rounding."""
    return Rung(
        name="int8, trained with rounding", recipe=_with_source_pass(recipe, "aware")
    )


def with_float_layers(rung: Rung, layers: Sequence[str]) -> Rung:
    """Return a rung with these layers kept in float."""
    count = f"{len(layers)} layer{'s' if len(layers) > 1 else ''} in float"
    return Rung(
        name=f"{rung.name}, {count}",
        recipe=_quantized(rung.recipe, float_layers=list(layers)),
    )


def layer_sets(
    errors: Sequence[LayerError], *, max_share: float
) -> list[tuple[str, ...]]:
    """Return growing sets of the worst layers, each about twice the one before.

    A layer whose multiply-accumulates would take a set beyond the limit is passed over.

    Args:
        errors: Worst first.
        max_share: Of all multiply-accumulates, that may be computed in float.
    """
    budget = max_share * sum(each.macs for each in errors)
    chosen: list[str] = []
    spent = 0
    for each in errors:
        if spent + each.macs <= budget and each.error > 0:
            chosen.append(each.layer)
            spent += each.macs
    sizes = [2**power for power in range(len(chosen).bit_length())]
    ends = sorted({*(size for size in sizes if size < len(chosen)), len(chosen)} - {0})
    return [tuple(chosen[:end]) for end in ends]


def ranges_of(recipe: Recipe) -> str:
    """Return how a recipe sets ranges."""
    (options,) = (s.options for s in recipe.passes if s.name == "quantize")
    return str(options["ranges"])


def _quantized(recipe: Recipe, **changes: Any) -> Recipe:
    """Return the recipe with other options of its quantize pass."""
    steps = tuple(
        replace(step, options={**step.options, **changes})
        if step.name == "quantize"
        else step
        for step in recipe.passes
    )
    return replace(recipe, passes=steps)


def _with_source_pass(recipe: Recipe, name: str) -> Recipe:
    """Return the recipe with one more pass before the export, with its defaults."""
    at = [step.name for step in recipe.passes].index("export")
    added = PassStep(name=name, options=recipe.default_options(name))
    return replace(recipe, passes=(*recipe.passes[:at], added, *recipe.passes[at:]))
