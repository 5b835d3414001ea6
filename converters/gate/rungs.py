"""The settings that are tried, cheapest first, as changes of a recipe."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, get_args

from converters.quantize import LayerError
from converters.quantize.ranges import RangeMethod
from converters.recipe import PassStep, Recipe

__all__ = [
    "Rung",
    "free_steps",
    "layer_sets",
    "plain",
    "with_float_layers",
    "with_training",
]

_PLAIN: Mapping[str, Any] = {
    "ranges": "min-max",
    "rounding": "nearest",
    "bias_correction": False,
    "float_scores": False,
    "float_layers": [],
}
_CORRECTED: Mapping[str, Any] = {
    "ranges": "mse",
    "rounding": "output",
    "bias_correction": True,
    "scores": "float32",
    "float_scores": True,
}
"""What costs the board nothing, at its best: the gains add up, so all at once."""

_ONE_BY_ONE: Sequence[tuple[str, Sequence[Any]]] = (
    ("ranges", get_args(RangeMethod)),
    *((key, (value,)) for key, value in _CORRECTED.items() if key != "ranges"),
)
"""The same and the other ranges, for models that differ from those measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One recipe of the ladder."""

    recipe: Recipe

    @property
    def name(self) -> str:
        """What it does, for people."""
        return _name(self.recipe)


def plain(recipe: Recipe) -> Rung:
    """Return what the tool behind the target does by itself."""
    known = _options(recipe)
    changes = {key: value for key, value in _PLAIN.items() if key in known}
    return Rung(recipe=_quantized(recipe, **changes))


def free_steps(recipe: Recipe) -> Iterator[Callable[[Recipe], list[Rung]]]:
    """Yield what costs the board nothing; each is tried on the best so far.

    The likeliest to help and the quickest to make come first.

    Args:
        recipe: Says which options the target has.
    """
    known = _options(recipe)
    corrected = {key: value for key, value in _CORRECTED.items() if key in known}
    yield lambda best: [Rung(recipe=_quantized(best, **corrected))]
    yield lambda best: [Rung(recipe=_with_source_pass(best, "equalize"))]
    for key, values in _ONE_BY_ONE:
        if key in known:
            yield partial(_changed, key=key, values=values)


def with_training(recipe: Recipe) -> Rung:
    """Return the last resort: training that knows of the rounding."""
    return Rung(recipe=_with_source_pass(recipe, "aware"))


def with_float_layers(rung: Rung, layers: Sequence[str]) -> Rung:
    """Return a rung with these layers kept in float."""
    return Rung(recipe=_quantized(rung.recipe, float_layers=list(layers)))


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


def _changed(best: Recipe, *, key: str, values: Sequence[Any]) -> list[Rung]:
    given = _options(best)[key]
    return [
        Rung(recipe=_quantized(best, **{key: value}))
        for value in values
        if value != given
    ]


def _options(recipe: Recipe) -> Mapping[str, Any]:
    (options,) = (step.options for step in recipe.passes if step.name == "quantize")
    return options


def _name(recipe: Recipe) -> str:
    if recipe.precision != "int8":
        return recipe.precision
    names = [step.name for step in recipe.passes]
    options = _options(recipe)
    layers = len(options["float_layers"])
    said = {
        "trained with rounding": "aware" in names,
        "equalised": "equalize" in names,
        f"{options['ranges']} ranges": options["ranges"] != _PLAIN["ranges"],
        "rounded by output": options.get("rounding") == "output",
        "bias correction": options["bias_correction"],
        "float scores": options.get("scores") == "float32"
        or options.get("float_scores", False),
        f"{layers} layer{'s' if layers > 1 else ''} in float": layers > 0,
    }
    words = [word for word, is_so in said.items() if is_so]
    return ", ".join(["int8", *(words or ["plain"])])


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
