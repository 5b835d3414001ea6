"""Raspberry Pi OS Bookworm: numpy 1.24 and a simplejpeg that was built for it.

picamera2 imports simplejpeg; an install that brings numpy 2 kills the camera.
"""

import subprocess
from pathlib import Path

import pytest

from tests.environments import ROOT, environment, python_for

pytestmark = [pytest.mark.registry, pytest.mark.timeout(600)]

DISTRIBUTION = ("numpy==1.24.2", "simplejpeg==1.6.6")


def run(python: Path, code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python, "-c", code], capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def bookworm() -> Path:
    return environment(
        "bookworm",
        DISTRIBUTION,
        ("-r", "requirements/pi-bookworm.txt", "."),
        python=python_for("3.11"),
    )


@pytest.mark.parametrize(
    "module",
    ["simplejpeg", "cv2", "onnxruntime", "ai_edge_litert.interpreter", "edgeclf.cli"],
)
def test_after_the_install_it_still_imports(bookworm: Path, module: str) -> None:
    done = run(bookworm, f"import {module}")

    assert done.returncode == 0, done.stderr


def test_numpy_is_still_the_one_of_the_distribution(bookworm: Path) -> None:
    done = run(bookworm, "import numpy; print(numpy.__version__)")

    assert done.stdout == "1.24.2\n"


def test_both_engines_run_a_model_there(bookworm: Path) -> None:
    code = """
from edgeclf.backends import available_engines
print(sorted(n for n, status in available_engines().items() if status.usable))
"""
    done = run(bookworm, code)

    assert done.stdout == "['litert', 'onnxruntime']\n", done.stderr


def test_without_the_requirements_the_camera_library_would_die() -> None:
    """The reason for the file: shows that the check above can fail."""
    python = environment(
        "bookworm-numpy2",
        DISTRIBUTION,
        ("numpy>=2",),
        python=python_for("3.11"),
    )

    assert "numpy.dtype size changed" in run(python, "import simplejpeg").stderr


def test_the_extra_for_the_camera_asks_for_the_same() -> None:
    asked = (ROOT / "requirements" / "pi-bookworm.txt").read_text()
    declared = (ROOT / "pyproject.toml").read_text()

    for requirement in ("numpy<2", "opencv-python-headless<4.12"):
        assert f"\n{requirement}\n" in asked
        assert f'"{requirement}"' in declared
