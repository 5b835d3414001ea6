from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgeclf.bundle import read_bundle
from edgeclf.contents import read_contents
from edgeclf.errors import BundleError
from edgeclf.manifest import read_manifest
from edgeclf.opening import read_model
from tests.bundles import edit_manifest, split, tiny_bundle_bytes

GOOD = tiny_bundle_bytes("int8")


def without(name: str) -> Callable[[dict[str, Any]], None]:
    return lambda document: document.pop(name)


def test_opening_gives_the_model_that_reading_everything_gives(tmp_path: Path) -> None:
    path = tmp_path / "model.edgeclf"
    path.write_bytes(GOOD)

    assert read_model(path) == read_bundle(path).model


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        pytest.param(without("provenance"), "'provenance' is missing", id="no section"),
        pytest.param(without("members"), "'members' is missing", id="no members"),
        pytest.param(
            lambda document: document.update(golden=["a"]),
            "no list of vectors",
            id="golden is a list",
        ),
        pytest.param(
            lambda document: document["golden"].update(vectors="a" * 16),
            "no list of vectors",
            id="vectors are a text",
        ),
        pytest.param(
            lambda document: document["model"]["preprocess"].update(mean=[0, 0, 0]),
            "canonical",
            id="integers for floats",
        ),
    ],
)
def test_opening_refuses_what_it_needs_and_does_not_find(
    edit: Callable[[dict[str, Any]], None], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "model.edgeclf"
    path.write_bytes(edit_manifest(GOOD, edit))

    with pytest.raises(BundleError, match=message):
        read_model(path)


def test_a_key_twice_is_refused_where_it_is_not_looked_at() -> None:
    manifest = split(GOOD)["manifest.json"]
    twice = manifest.replace(b'"provenance":{', b'"provenance":{"seed":0,')
    assert twice != manifest

    with pytest.raises(BundleError, match="canonical"):
        read_contents(twice)


def test_a_recipe_of_too_many_levels_is_refused() -> None:
    manifest = split(GOOD)["manifest.json"]
    deep = b"[" * 900 + b"]" * 900  # less than what stops the JSON parser itself
    nested = manifest.replace(b'"recipe":{', b'"recipe":{"":%s,' % deep)
    assert nested != manifest

    with pytest.raises(BundleError, match="recursion"):
        read_manifest(nested)
