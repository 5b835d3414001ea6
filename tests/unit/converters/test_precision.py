"""Which precision is tried first: by what is known of the board, and who says so."""

from pathlib import Path
from typing import Any

import pytest

from converters.gate.precision import (
    PrecisionChoice,
    choose_precision,
    speed_words,
    target_here,
)
from converters.plan import Plan, make_plan
from converters.request import ConversionRequest
from edgeclf.errors import SpecError
from edgeclf.profiles import LatencyRatio, load_profile

PI4 = Path("firmware_profiles/raspberry-pi-4b.toml")


def choose(**changes: Any) -> PrecisionChoice:
    fields: dict[str, Any] = {
        "wish": None,
        "target": "tflite",
        "profile": None,
        "has_photos": True,
    }
    fields |= changes
    return choose_precision(fields.pop("wish"), **fields)


def plan(**changes: Any) -> Plan:
    return make_plan(
        ConversionRequest(source="net", output=Path("net.edgeclf"), **changes)
    )


def own_profile(folder: Path, median: float, low: float, high: float) -> str:
    """Write a board of one's own, which is the Pi 4 with another published ratio."""
    published = load_profile("raspberry-pi-4b").ratio("int8", engine="litert")
    assert isinstance(published, LatencyRatio)
    text = PI4.read_text().replace('name = "raspberry-pi-4b"', 'name = "mine"', 1)
    for key, value in (("median", median), ("low", low), ("high", high)):
        text = text.replace(f"{key} = {getattr(published, key)}", f"{key} = {value}", 1)
    path = folder / "mine.toml"
    path.write_text(text)
    return str(path)


def test_without_photos_it_is_fp32_and_says_how_to_get_int8() -> None:
    choice = choose(has_photos=False)

    assert choice.candidates == ("fp32",)
    assert "--calibrate DIR" in choice.notes[0]


@pytest.mark.parametrize("wish", ["int8", "fp16", "fp32"])
def test_what_was_asked_for_is_the_only_candidate(wish: Any) -> None:
    assert choose(wish=wish).candidates == (wish,)


@pytest.mark.parametrize("wish", [None, "auto"])
def test_published_times_of_the_board_decide_for_int8_and_are_cited(wish: Any) -> None:
    choice = choose(wish=wish, profile="raspberry-pi-4b")

    assert choice.candidates == ("int8", "fp16", "fp32")
    assert choice.basis == "published"
    assert "2.65 times as fast as fp32 (2.12 to 3.09 in 29 pairs" in choice.notes[0]


def test_published_times_of_a_board_that_is_slower_in_int8_decide_against_it(
    tmp_path: Path,
) -> None:
    profile = own_profile(tmp_path, 0.8, 0.7, 0.9)

    choice = choose(profile=profile)

    assert choice.candidates == ("fp16", "fp32")
    assert "a float model was chosen by published times" in choice.notes[0]


def test_int8_that_is_hardly_faster_is_warned_of(tmp_path: Path) -> None:
    choice = choose(profile=own_profile(tmp_path, 1.05, 1.01, 1.08))

    assert choice.candidates[0] == "int8"
    assert "only 1.05 times" in choice.notes[1]


def test_published_times_that_contradict_each_other_decide_nothing() -> None:
    choice = choose(profile="raspberry-pi-5")

    assert choice.candidates[0] == "int8"
    assert choice.basis == "unverified"
    assert "unverified on target" in choice.notes[0]
    assert "do not agree" in choice.notes[0]


def test_an_engine_that_nothing_is_published_for_is_unverified() -> None:
    choice = choose(profile="raspberry-pi-4b", target="onnx")

    assert choice.basis == "unverified"
    assert "nothing is published" in choice.notes[0]


def board(folder: Path, model: str) -> Path:
    path = folder / "proc" / "device-tree" / "model"
    path.parent.mkdir(parents=True)
    path.write_text(f"{model}\0")
    return folder


def test_without_a_profile_a_workstation_is_not_taken_for_the_board(
    tmp_path: Path,
) -> None:
    assert not target_here(None, root=tmp_path)
    assert "no board was named" in choose(root=tmp_path).notes[0]


def test_on_the_board_itself_its_clock_decides(tmp_path: Path) -> None:
    root = board(tmp_path, "Raspberry Pi 4 Model B Rev 1.4")

    assert target_here(None, root=root)
    assert target_here("raspberry-pi-4b", root=root)
    assert not target_here("raspberry-pi-5", root=root)
    assert choose(profile="raspberry-pi-4b", root=root).basis == "measured"


def test_a_profile_that_is_no_board_means_this_machine() -> None:
    assert target_here("generic-cpu")
    assert choose(profile="generic-cpu").basis == "measured"


def test_the_words_of_a_speed_warn_below_the_bar() -> None:
    assert speed_words(1.5, where="here").startswith("int8 is 1.50 times")
    assert "hardly worth its errors" in speed_words(1.09, where="here")


def test_a_plan_of_int8_searches_and_a_recipe_does_not(tmp_path: Path) -> None:
    photos = Path("photos")
    recipe = tmp_path / "mine.toml"
    recipe.write_bytes(Path("converters/recipes/tflite-int8.toml").read_bytes())

    assert plan(calibrate=photos).searches
    assert plan(calibrate=photos, precision="int8").searches
    assert not plan(calibrate=photos, recipe=recipe).searches
    assert not plan().searches
    assert not plan(calibrate=photos, precision="fp16").searches


def test_bars_on_the_command_line_are_those_of_every_recipe_tried() -> None:
    made = plan(calibrate=Path("photos"), max_drop=0.005, min_agreement=0.98)

    assert len(made.recipes) == 3
    for recipe in made.recipes:
        (options,) = (s.options for s in recipe.passes if s.name == "verify")
        assert (options["max_drop"], options["min_agreement"]) == (0.005, 0.98)
        assert options["max_class_drop"] == 0.02


def test_a_bar_that_contradicts_a_recipe_is_refused_by_name(tmp_path: Path) -> None:
    recipe = tmp_path / "mine.toml"
    recipe.write_bytes(Path("converters/recipes/tflite-int8.toml").read_bytes())

    with pytest.raises(SpecError, match=r"--max-drop 0\.5 contradicts .*mine\.toml"):
        plan(calibrate=Path("photos"), recipe=recipe, max_drop=0.5)


def test_training_without_photos_to_learn_from_is_refused() -> None:
    with pytest.raises(SpecError, match="--finetune DIR"):
        plan(calibrate=Path("photos"), aware=True)


def test_pruning_comes_before_the_export_and_is_judged_as_int8_is() -> None:
    made = plan(prune=0.3, precision="fp32", finetune=Path("photos"))

    names = [step.name for step in made.first.passes]
    (verify,) = (s.options for s in made.first.passes if s.name == "verify")
    assert names[:3] == ["prune", "recover", "export"]
    assert verify["min_agreement"] == 0.96
    assert made.first.is_lossy


@pytest.mark.parametrize(
    ("wishes", "message"),
    [
        ({"prune": 0.3, "prune_to": 20.0}, "contradict each other"),
        ({"importance": "l1"}, "--importance goes with --prune"),
        ({"epochs": 3}, "--epochs goes with --prune"),
        ({"prune": 0.3, "spread": True}, "leave out one of the two"),
    ],
)
def test_flags_that_make_no_sense_together_are_refused(
    wishes: dict[str, Any], message: str
) -> None:
    with pytest.raises(SpecError, match=message):
        plan(**wishes)
