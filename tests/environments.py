"""Environments of their own, for packages that cannot live beside ours.

They are built from the package registries once and kept in ``.envs`` (ignored by git)
until what was asked for changes.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TypeAlias

import pytest

from edgeclf.errors import EdgeclfError

ROOT = Path(__file__).parents[1]
_OURS = ("pyproject.toml", "requirements")
_PIP_INSTALL = ("-m", "pip", "install", "--quiet")

Tool: TypeAlias = Literal["pip", "uv"]

# Each resolves a package that every registry has, and installs nothing.
_PROBES: dict[Tool, str] = {
    "pip": "pip install --dry-run --ignore-installed --no-deps -r /dev/stdin",
    "uv": "uv pip compile --no-cache --no-deps -",
}
_PROBE_SETTINGS = {
    "PIP_FIND_LINKS": os.devnull,  # wheels in a folder of this machine are no registry
    "PIP_DEFAULT_TIMEOUT": "10",
    "PIP_RETRIES": "2",
    "UV_HTTP_TIMEOUT": "10",
    "UV_HTTP_RETRIES": "1",
}


def python_for(*versions: str) -> str:
    """Return a Python interpreter of one of these versions, or skip the test."""
    running = f"{sys.version_info.major}.{sys.version_info.minor}"
    if running in versions:
        return sys.executable
    for version in versions:
        found = shutil.which(f"python{version}")
        if found is not None and _starts(found):
            return found
    pytest.skip(f"system package: python{versions[0]} is not installed")


@contextmanager
def registry_or_skip(*tools: Tool) -> Generator[None, None, None]:
    """Skip the test when no package registry can be reached, before or in the body.

    Args:
        tools: What the body fetches packages with.
    """
    _skip_without_registry(tools)
    try:
        yield
    except (EdgeclfError, subprocess.CalledProcessError) as error:
        # What a tool says when it finds no registry differs, and may name none.
        _skip_without_registry(tools)
        said = error.stderr if isinstance(error, subprocess.CalledProcessError) else ""
        pytest.fail(f"{error}\n{said}")


def run(command: Sequence[str]) -> None:
    """Run a command in the repository; what it says is kept for who catches the error.

    Raises:
        subprocess.CalledProcessError: It ended with another code than 0.
    """
    settings = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    subprocess.run(
        command, capture_output=True, text=True, check=True, env=settings, cwd=ROOT
    )


def environment(name: str, *steps: Sequence[str], python: str) -> Path:
    """Return the Python of a virtual environment after these ``pip install`` steps.

    Args:
        name: Folder below ``.envs``.
        steps: Arguments of one ``pip install`` each.
        python: The interpreter to build it with.
    """
    folder = ROOT / ".envs" / name
    stamp = folder / "stamp"
    key = _key(python, *steps)
    if not (stamp.exists() and stamp.read_text() == key):
        with registry_or_skip("pip"):
            shutil.rmtree(folder, ignore_errors=True)
            run([python, "-m", "venv", str(folder)])
            for step in steps:
                run([str(folder / "bin" / "python"), *_PIP_INSTALL, *step])
        stamp.write_text(key)
    return folder / "bin" / "python"


def _starts(python: str) -> bool:
    # A pyenv shim exists for versions that are not switched on.
    done = subprocess.run([python, "-c", ""], capture_output=True, check=False)
    return done.returncode == 0


def _key(python: str, *steps: Sequence[str]) -> str:
    digest = hashlib.sha256(repr((python, steps)).encode())
    for name in _OURS:
        path = ROOT / name
        for file in sorted(path.iterdir()) if path.is_dir() else [path]:
            digest.update(file.read_bytes())
    return digest.hexdigest()


def _skip_without_registry(tools: Sequence[Tool]) -> None:
    for tool in tools:
        if not _reaches_registry(tool):
            pytest.skip(f"registry: {tool} cannot reach one")


def _reaches_registry(tool: Tool) -> bool:
    try:
        done = subprocess.run(
            [sys.executable, "-m", *_PROBES[tool].split()],
            input="click",
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, **_PROBE_SETTINGS},
            timeout=60,
        )
    except subprocess.TimeoutExpired:
        return False
    # One of several registries may have answered, and the package asked for be there.
    return done.returncode == 0 and "Retry(total=0" not in done.stderr
