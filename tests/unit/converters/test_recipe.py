"""Recipes: what they say, what is refused, and how flags resolve them."""

import json
from pathlib import Path
from typing import Any, get_args

import pytest

from converters.pass_options import CompileOptions, VerifyOptions
from converters.plan import make_plan
from converters.recipe import PassStep, Precision, Recipe, Target
from converters.recipe_document import (
    recipe_from_dict,
    recipe_to_dict,
    shipped_recipe,
)
from converters.request import ConversionRequest
from edgeclf.errors import InputFileError, ProfileError, SpecError

SHIPPED = [
    (target, precision)
    for target in get_args(Target)
    for precision in get_args(Precision)
]


def document(**changes: Any) -> dict[str, Any]:
    whole = recipe_to_dict(
        recipe_from_dict(shipped_recipe("tflite", "int8"), name="test")
    )
    return {**whole, **changes}


def request(**changes: Any) -> ConversionRequest:
    return ConversionRequest(source="net", output=Path("net.edgeclf"), **changes)


@pytest.mark.parametrize(("target", "precision"), SHIPPED)
def test_float_artefacts_have_bars_on_scores_and_int8_a_gate_of_decisions(
    target: Target, precision: Precision
) -> None:
    recipe = recipe_from_dict(shipped_recipe(target, precision), name="test")

    options = recipe.options(VerifyOptions)

    expected = {"fp32": (0.995, 0.001), "fp16": (0.99, 0.02), "int8": (0.96, 0.0)}
    assert (options.min_agreement, options.max_score_error) == expected[precision]
    assert (options.max_drop, options.max_class_drop) == (0.01, 0.02)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"format": 2}, "recipe format 2.*upgrade", id="future-format"),
        pytest.param({"seed": -1}, "seed must be 0 or more", id="negative-seed"),
        pytest.param({"speed": "fast"}, "unknown key 'speed'", id="unknown-key"),
        pytest.param({"target": "coreml"}, "one of tflite, onnx", id="unknown-target"),
        pytest.param({"precision": "fp32"}, "contradict", id="precision-and-weights"),
        pytest.param({"passes": []}, "end with the source model", id="no-passes"),
        pytest.param(
            {"calibration": {"images": 0, "holdout": 0.2}}, "images", id="no-images"
        ),
        pytest.param(
            {"calibration": {"images": 9, "holdout": 1.0}}, "holdout", id="all-held-out"
        ),
    ],
)
def test_a_wrong_recipe_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        recipe_from_dict(document(**changes), name="test")


def test_passes_out_of_order_are_refused_by_name() -> None:
    passes = document()["passes"]
    passes[1], passes[2] = passes[2], passes[1]

    with pytest.raises(SpecError, match="'compile' takes the quantized model"):
        recipe_from_dict(document(passes=passes), name="test")


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("quantize", {"weights": "int4"}, "one of float32, float16, int8"),
        ("quantize", {"activations": "float32"}, "int8 activations go with int8"),
        ("quantize", {"speed": 9}, "unknown key 'speed'"),
        ("verify", {"min_agreement": 1.5}, "min_agreement must be 0 to 1"),
        ("verify", {"max_drop": 1.5}, "must be 0 to 1"),
        ("verify", {"max_score_error": -1.0}, "max_score_error must be 0 or more"),
    ],
)
def test_a_wrong_option_is_refused_with_its_pass(
    name: str, options: dict[str, Any], message: str
) -> None:
    passes = document()["passes"]
    for step in passes:
        if step["name"] == name:
            step["options"].update(options)

    with pytest.raises(SpecError, match=f"pass '{name}'.*{message}"):
        recipe_from_dict(document(passes=passes), name="test")


def test_a_pass_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown pass 'distil'"):
        PassStep(name="distil")


def test_options_of_a_pass_that_a_recipe_lacks_are_a_lookup_error() -> None:
    recipe = recipe_from_dict(document(), name="test")

    with pytest.raises(LookupError, match="no pass with int"):
        recipe.options(int)


def resolved(**wishes: Any) -> Recipe:
    return make_plan(request(**wishes)).first


def test_without_photos_the_precision_is_fp32_and_with_them_int8() -> None:
    assert resolved().precision == "fp32"
    assert resolved(calibrate=Path("photos")).precision == "int8"
    assert resolved(calibrate=Path("photos"), precision="fp16").precision == "fp16"


def test_the_profile_is_recorded_and_must_exist() -> None:
    assert resolved(profile="raspberry-pi-4b").profile == "raspberry-pi-4b"
    with pytest.raises(ProfileError, match="raspberry-pi-4"):
        resolved(profile="raspberry-pi-4")


def test_a_recipe_file_may_leave_seed_and_profile_to_the_flags(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(Path("converters/recipes/onnx-fp32.toml").read_bytes())

    recipe = resolved(recipe=path, seed=5, profile="raspberry-pi-5")

    assert (recipe.target, recipe.seed) == ("onnx", 5)
    assert recipe.profile == "raspberry-pi-5"


@pytest.mark.parametrize(
    ("flag", "wish"),
    [
        ("--precision", {"precision": "fp32"}),
        ("--target", {"target": "onnx"}),
        ("--seed", {"seed": 4}),
        ("--profile", {"profile": "raspberry-pi-5"}),
        ("--allow-small-calibration", {"allow_small_calibration": True}),
    ],
)
def test_a_flag_that_contradicts_the_recipe_is_refused_by_name(
    flag: str, wish: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "resolved.json"
    path.write_text(json.dumps(document(seed=3, profile="raspberry-pi-4b")))

    with pytest.raises(SpecError, match=f"^{flag} .*contradicts .*resolved.json"):
        resolved(recipe=path, **wish)


def test_a_flag_that_agrees_with_the_recipe_is_accepted(tmp_path: Path) -> None:
    path = tmp_path / "resolved.json"
    path.write_text(json.dumps(document(seed=3)))

    agreeing = resolved(recipe=path, seed=3, precision="int8", calibrate=Path("photos"))

    assert agreeing.seed == 3


def test_a_recipe_that_is_not_there_or_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="no such file; expected a recipe"):
        resolved(recipe=tmp_path / "none.toml")
    (tmp_path / "odd.json").write_text("{")
    with pytest.raises(SpecError, match="not a recipe in JSON"):
        resolved(recipe=tmp_path / "odd.json")


def test_options_are_values_of_their_pass() -> None:
    recipe = recipe_from_dict(document(), name="test")

    assert recipe.options(CompileOptions) == CompileOptions()
