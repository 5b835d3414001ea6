"""What a conversion will try: recipes in the order in which they are wanted."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from converters.compression import PruneWish, with_source_passes
from converters.contradictions import check_wishes
from converters.gate.precision import PrecisionChoice, choose_precision
from converters.gate.verdict import Gate
from converters.pass_options import VerifyOptions
from converters.recipe import Precision, Recipe, Target
from converters.recipe_document import recipe_from_dict, shipped_recipe
from converters.request import ConversionRequest, read_recipe
from edgeclf.errors import SpecError
from edgeclf.profiles import load_profile

__all__ = ["Plan", "make_plan"]

_TARGETS: Mapping[str, Target] = {"onnxruntime": "onnx"}
_BARS = ("max_drop", "max_class_drop", "min_agreement")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a conversion will try.

    Attributes:
        recipes: Resolved, the best first; the first that passes the gate is taken.
        climbs: Whether settings of an int8 recipe are searched for; a recipe of the
            user's is done as it is.
        precision: Why these precisions.
        trains: Whether training with int8 in mind may be tried last.
    """

    recipes: tuple[Recipe, ...]
    climbs: bool
    precision: PrecisionChoice
    trains: bool = False

    @property
    def first(self) -> Recipe:
        """The recipe that is wanted most."""
        return self.recipes[0]

    @property
    def searches(self) -> bool:
        """Whether there is anything to choose."""
        return len(self.recipes) > 1 or (self.climbs and self.first.precision == "int8")


def make_plan(request: ConversionRequest) -> Plan:
    """Return every decision that can be made before a conversion begins.

    A recipe file decides what it states; flags decide the rest, and must not contradict
    it. Without one, the target is what the board's profile prefers, and the precision
    is chosen; see ``choose_precision``. No clock is asked here.

    Raises:
        SpecError: Flags contradict each other or the recipe, or the recipe is wrong.
        ConversionError: Flags and the source do not go together, or photos are missing.
        InputFileError: The recipe cannot be read.
        ProfileError: There is no such profile.
    """
    check_wishes(request)
    if request.recipe is not None:
        document = read_recipe(request.recipe)
        recipe = _resolved(request, document, name=str(request.recipe))
        choice = PrecisionChoice(candidates=(recipe.precision,), basis="asked")
        return Plan(recipes=(recipe,), climbs=False, precision=choice)
    target = request.target or _preferred_target(request.profile)
    choice = choose_precision(
        request.precision,
        target=target,
        profile=request.profile,
        has_photos=request.calibrate is not None,
    )
    recipes = [_shipped(request, target, each) for each in choice.candidates]
    return Plan(
        recipes=tuple(recipes), climbs=True, precision=choice, trains=request.aware
    )


def _shipped(
    request: ConversionRequest, target: Target, precision: Precision
) -> Recipe:
    document = dict(shipped_recipe(target, precision))
    bars = _bars(request)
    if request.prunes:
        # A model that lost channels is judged as one that lost bits is.
        bars = {"min_agreement": Gate().min_agreement, **bars}
    document["passes"] = [
        {**step, "options": {**step["options"], **bars}}
        if step["name"] == "verify"
        else step
        for step in document["passes"]
    ]
    return _resolved(request, document, name=f"recipe {document['name']}")


def _bars(request: ConversionRequest) -> dict[str, float]:
    bars = {name: getattr(request, name) for name in _BARS}
    return {name: value for name, value in bars.items() if value is not None}


def _resolved(
    request: ConversionRequest, document: Mapping[str, Any], *, name: str
) -> Recipe:
    flags = {
        "target": request.target,
        "seed": request.seed,
        "profile": request.profile,
        "allow_small_calibration": request.allow_small_calibration or None,
        "accept_undecided": request.accept_undecided or None,
    }
    if request.recipe is not None and request.precision != "auto":
        flags["precision"] = request.precision
    given = {key: value for key, value in flags.items() if value is not None}
    for key, value in given.items():
        _require_same(key, value, document.get(key, value), name)
    wish = PruneWish(
        share=request.prune,
        target_ms=request.prune_to,
        importance=request.importance,
        epochs=request.epochs,
        finetunes=request.finetune is not None,
    )
    document = with_source_passes(document, wish, name=name)
    recipe = recipe_from_dict({**document, **given}, name=name)
    verify = recipe.options(VerifyOptions)
    for key, bar in _bars(request).items():
        _require_same(key, bar, getattr(verify, key), name)
    if recipe.profile is not None:
        load_profile(recipe.profile)
    return recipe


def _require_same(key: str, wanted: object, stated: object, name: str) -> None:
    if wanted != stated:
        flag = "--" + key.replace("_", "-")
        raise SpecError(
            f"{flag} {wanted} contradicts {name}, which says {stated}: leave out one "
            "of the two"
        )


def _preferred_target(profile: str | None) -> Target:
    if profile is None:
        return "tflite"
    engine = load_profile(profile).value("defaults.engine")
    return _TARGETS.get(str(engine), "tflite")
