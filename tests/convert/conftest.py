"""Rules for the tests that run TensorFlow."""

import random
from pathlib import Path

import pytest

_THEIR_WARNINGS = (
    # Keras 3.15 with numpy 2.
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            for warning in _THEIR_WARNINGS:
                item.add_marker(pytest.mark.filterwarnings(warning))


@pytest.fixture(autouse=True)
def _same_weights() -> None:
    """Let a model that a test builds begin with the same weights in every run.

    Keras draws its seeds from here.
    """
    random.seed(0)
