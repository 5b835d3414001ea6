"""What the package exports is what it says, and every example in it runs."""

import doctest
import importlib
import pkgutil
from types import ModuleType

import pytest

import converters
import edgeclf
import firmware_profiles


def modules_of(package: ModuleType) -> list[str]:
    found = pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    return [package.__name__, *(module.name for module in found)]


EDGECLF = modules_of(edgeclf)
CONVERTERS = modules_of(converters)


def import_or_skip(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:  # an adapter may say that what it needs is broken
        top = str(error.name).partition(".")[0]
        if top in {"edgeclf", "converters"}:
            raise
        pytest.skip(f"{top} is not installed")


@pytest.mark.parametrize("name", edgeclf.__all__)
def test_every_public_name_can_be_had(name: str) -> None:
    assert getattr(edgeclf, name) is not None


def test_an_unknown_public_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = edgeclf.Nothing


@pytest.mark.parametrize("name", EDGECLF)
def test_every_module_lists_its_public_names_in_order(name: str) -> None:
    module = import_or_skip(name)
    names = getattr(module, "__all__", [])

    assert all(hasattr(module, each) for each in names)
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", [*EDGECLF, firmware_profiles.__name__])
def test_every_example_in_the_runtime_runs(name: str) -> None:
    assert doctest.testmod(import_or_skip(name)).failed == 0


@pytest.mark.convert
@pytest.mark.parametrize("name", CONVERTERS)
def test_every_example_in_the_workshop_runs(name: str) -> None:
    assert doctest.testmod(import_or_skip(name)).failed == 0


@pytest.mark.parametrize("name", EDGECLF)
def test_no_module_has_a_name_that_says_nothing(name: str) -> None:
    last = name.rpartition(".")[2]

    assert last not in {"utils", "util", "core", "common", "manager", "helpers", "misc"}
