"""The distribution's Python, which alone can import the distribution's packages."""

import os
import subprocess
import sys
import tempfile
from functools import lru_cache
from importlib.metadata import distribution
from pathlib import Path

import pytest

__all__ = ["environment", "run_pytest", "system_python", "without_python_paths"]

ROOT = Path(__file__).parents[1]
_PURE = ("iniconfig", "packaging", "pluggy", "pygments", "pytest")
_CHECK = """
import sys; assert sys.version_info >= (3, 11)
import numpy, PIL, gi
gi.require_versions({"Gst": "1.0", "GstApp": "1.0", "GstVideo": "1.0"})
from gi.repository import Gst
Gst.init(None)
assert all(map(Gst.ElementFactory.find, ["appsink", "videotestsrc", "pngdec"]))
"""
PACKAGES = (
    "python3-gi python3-numpy python3-pil gir1.2-gst-plugins-base-1.0 "
    "gstreamer1.0-plugins-base gstreamer1.0-plugins-good"
)


@lru_cache(maxsize=1)
def system_python() -> str:
    """Return its path."""
    path = "/usr/bin/python3"
    return path if Path(path).exists() else sys.executable


def without_python_paths() -> dict[str, str]:
    """Return this process's variables, less those that lead to its own packages."""
    return {name: value for name, value in os.environ.items() if name[:6] != "PYTHON"}


@lru_cache(maxsize=1)
def environment() -> dict[str, str]:
    """Return variables with which it finds edgeclf and this environment's pytest.

    pytest is Python code and nothing else, so it runs under any version of it.
    """
    done = subprocess.run(
        [system_python(), "-c", _CHECK],
        capture_output=True,
        check=False,
        env=without_python_paths(),
    )
    if done.returncode != 0:
        pytest.skip(f"system package: {PACKAGES}")
    folder = Path(tempfile.mkdtemp())
    for name in _PURE:
        for place in _top_level(name):
            (folder / place.name).symlink_to(place)
    return {**without_python_paths(), "PYTHONPATH": f"{ROOT}{os.pathsep}{folder}"}


def _top_level(name: str) -> set[Path]:
    """Return the files and folders of a package, its metadata included."""
    package = distribution(name)
    names = {file.parts[0] for file in package.files or []}
    return {
        Path(str(package.locate_file(each)))
        for each in names
        if each not in {"..", "__pycache__"}
    }


def run_pytest(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run tests of this suite with it, or skip the test."""
    settings = ("-p", "no:cacheprovider", "--import-mode=importlib", "-W", "error")
    # PyGObject 3.42 under Python 3.11 warns about itself.
    quiet = ("-W", "ignore::ImportWarning", "-W", "ignore::DeprecationWarning")
    return subprocess.run(
        [
            *(system_python(), "-m", "pytest", "-c", os.devnull),
            *(f"--rootdir={ROOT}", *settings, *quiet, *arguments),
        ],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
