"""What contradicts itself on a command line is told before any file is opened."""

from pathlib import Path
from typing import Any

import pytest

from converters.contradictions import check_wishes
from converters.request import ConversionRequest
from edgeclf.errors import ConversionError, EdgeclfError, SpecError

PHOTOS = Path("photos")


def request(source: str = "my.keras", **wishes: Any) -> ConversionRequest:
    return ConversionRequest(source=source, output=Path("out.edgeclf"), **wishes)


@pytest.mark.parametrize(
    ("wishes", "message"),
    [
        ({"prune": 0.3, "prune_to": 20.0}, "--prune and --prune-to contradict"),
        ({"importance": "l1"}, "--importance goes with --prune"),
        ({"epochs": 3}, "--epochs goes with --prune"),
        ({"prune_to": 20.0, "calibrate": PHOTOS}, "give --profile NAME"),
        ({"prune": 0.3}, "choose --importance l1"),
        ({"prune": 0.3, "importance": "taylor"}, "give --calibrate DIR"),
        ({"aware": True, "calibrate": PHOTOS}, "give --finetune DIR"),
        ({"aware": True, "finetune": PHOTOS, "precision": "fp16"}, "trains for int8"),
        ({"aware": True, "finetune": PHOTOS, "recipe": PHOTOS}, "leave out one of"),
        ({"finetune": PHOTOS}, "give --prune, --prune-to or --aware"),
        ({"prune": 0.3, "spread": True}, "leave out one of the two"),
        ({"spread": True}, "give --calibrate DIR"),
        ({"spread": True, "calibrate": PHOTOS, "precision": "fp32"}, "is of int8"),
        ({"precision": "int8"}, "give --calibrate DIR"),
        ({"preset": "kears"}, "did you mean 'keras'"),
        ({"preset": "torchvision", "size": (224, 192)}, "is for square inputs"),
        ({"weights": "w.h5"}, "leave out --weights"),
    ],
)
def test_wishes_that_cannot_be_had_together_are_refused(
    wishes: dict[str, Any], message: str
) -> None:
    with pytest.raises(EdgeclfError, match=message):
        check_wishes(request(**wishes))


@pytest.mark.parametrize(
    "wishes",
    [
        {},
        {"precision": "int8", "calibrate": PHOTOS},
        {"prune": 0.3, "importance": "l1", "epochs": 2},
        {"prune_to": 20.0, "profile": "raspberry-pi-5", "calibrate": PHOTOS},
        {"aware": True, "finetune": PHOTOS, "calibrate": PHOTOS, "precision": "auto"},
        {"spread": True, "calibrate": PHOTOS},
        {"preset": "keras", "size": (224, 192), "labels": Path("labels.txt")},
    ],
)
def test_wishes_that_go_together_are_let_through(wishes: dict[str, Any]) -> None:
    check_wishes(request(**wishes))


def test_a_recipe_may_say_what_flags_leave_out() -> None:
    recipe = Path("mine.toml")

    check_wishes(request(recipe=recipe, finetune=PHOTOS))
    check_wishes(request(recipe=recipe, prune_to=20.0, calibrate=PHOTOS))


def test_a_known_name_takes_none_of_a_files_options_and_names_those_given() -> None:
    with pytest.raises(ConversionError) as caught:
        check_wishes(request("mobilenet-v2", size=(192, 192), scores="logits"))

    assert str(caught.value).endswith("leave out --size and --scores")


def test_python_callers_get_an_error_of_their_own_kind() -> None:
    with pytest.raises(SpecError):
        check_wishes(request(prune=0.3, prune_to=20.0))
