"""Recipes as documents: the shipped ones, there and back, and what is none."""

import json
from typing import get_args

import pytest

from converters.recipe import Precision, Target
from converters.recipe_document import (
    parse_recipe,
    recipe_from_dict,
    recipe_to_dict,
    shipped_recipe,
)
from edgeclf.errors import SpecError

SHIPPED = [
    (target, precision)
    for target in get_args(Target)
    for precision in get_args(Precision)
]


@pytest.mark.parametrize(("target", "precision"), SHIPPED)
def test_a_shipped_recipe_is_what_its_name_says(
    target: Target, precision: Precision
) -> None:
    recipe = recipe_from_dict(shipped_recipe(target, precision), name="test")

    assert (recipe.target, recipe.precision) == (target, precision)
    assert recipe.name == f"{target}-{precision}"
    assert [step.name for step in recipe.passes] == [
        "export",
        "quantize",
        "compile",
        "verify",
        "temperature",
        "pack",
    ]


def test_a_resolved_recipe_survives_json() -> None:
    shipped = shipped_recipe("tflite", "int8")
    recipe = recipe_from_dict(
        {**shipped, "seed": 7, "profile": "raspberry-pi-5"}, name="test"
    )

    text = json.dumps(recipe_to_dict(recipe))

    assert recipe_from_dict(json.loads(text), name="test") == recipe


@pytest.mark.parametrize("data", [b"name = ", b"\xff\xfe"], ids=["toml", "utf-8"])
def test_what_is_not_toml_is_refused(data: bytes) -> None:
    with pytest.raises(SpecError, match=r"my\.toml: not a recipe in TOML"):
        parse_recipe(data, name="my.toml")
