"""tflite-runtime, in an environment of its own: numpy 1, Python 3.11 at most.

It runs the same contract suite as the other engines. Beside numpy 2 it imports and
then fails at its first model, so whether it is usable is found by constructing.
"""

import subprocess
from pathlib import Path

import pytest

from tests.environments import ROOT, environment, python_for

pytestmark = [pytest.mark.registry, pytest.mark.timeout(600)]

TEST_TOOLS = ("pytest>=9", "pytest-randomly", "pytest-timeout")

STATUS = """
from edgeclf.backends import available_engines
status = available_engines()["tflite-runtime"]
print(status.usable, status.version, status.reason, status.hint, sep="|")
"""

OPEN = """
from edgeclf.backends import open_backend
from edgeclf.errors import MissingDependencyError
from tests.models import tiny_tflite
try:
    print(open_backend(tiny_tflite(), format="tflite").identity.engine)
except MissingDependencyError as error:
    print(error)
"""


@pytest.fixture(scope="module")
def with_numpy_1() -> Path:
    return environment(
        "tflite-runtime",
        (".[tflite]", *TEST_TOOLS),
        python=python_for("3.11", "3.10"),
    )


@pytest.fixture(scope="module")
def with_numpy_2() -> Path:
    return environment(
        "tflite-runtime-numpy2",
        (".", "numpy>=2"),
        ("--no-deps", "tflite-runtime"),
        python=python_for("3.11", "3.10"),
    )


def run(python: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python, *arguments], capture_output=True, text=True, check=False, cwd=ROOT
    )


def test_it_passes_the_contract_of_all_engines(with_numpy_1: Path) -> None:
    done = run(
        with_numpy_1,
        *("-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "tflite-runtime"),
        "tests/contract/test_backends.py",
    )

    summary = done.stdout.splitlines()[-1]
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in summary
    assert "skipped" not in summary


def test_it_is_chosen_where_litert_is_not_installed(with_numpy_1: Path) -> None:
    done = run(with_numpy_1, "-c", OPEN)

    assert (done.stdout, done.stderr) == ("tflite-runtime\n", "")


def test_beside_numpy_2_it_is_found_not_usable(with_numpy_2: Path) -> None:
    done = run(with_numpy_2, "-c", STATUS)
    usable, version, reason, hint = done.stdout.strip().split("|")

    assert usable == "False"
    assert version.startswith("2.")
    assert reason.startswith("is installed and does not work here")
    assert "numpy 2" in reason
    assert hint == f"{with_numpy_2} -m pip install 'edgeclf[tflite]'"


def test_beside_numpy_2_opening_a_model_is_one_line(with_numpy_2: Path) -> None:
    done = run(with_numpy_2, "-c", OPEN)

    assert len(done.stdout.splitlines()) == 1
    assert "tflite-runtime is installed and does not work here" in done.stdout
    assert done.stderr == ""
