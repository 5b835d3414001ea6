"""Recipes as documents: the shipped files, the user's, and the values in a bundle.

Files (``recipes/*.toml``) leave the seed and the profile open, and options at their
defaults; reading one resolves all of it.
"""

import sys
from collections.abc import Mapping
from importlib import resources
from typing import Any

from converters.pass_rules import PASS_RULES, Target
from converters.recipe import Precision, Recipe
from edgeclf.errors import SpecError
from edgeclf.json_values import from_json_value, to_json_value

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["parse_recipe", "recipe_from_dict", "recipe_to_dict", "shipped_recipe"]


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
    rule = PASS_RULES.get(str(step.get("name")))
    if rule is None or target not in rule.options or not isinstance(given, dict):
        return {"options": {}, **step}
    return {**step, "options": rule.resolved(target, given)}
