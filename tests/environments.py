"""Environments of their own, for packages that cannot live beside ours.

They are built from the package registries once and kept in ``.envs`` (ignored by git)
until what was asked for changes.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
_OURS = ("pyproject.toml", "requirements")


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


def registry_or_skip() -> None:
    """Skip the test when pip cannot reach a package registry."""
    done = _run(
        [sys.executable, "-m", "pip", "install", "--no-deps", "--quiet", "--dry-run"]
        + ["--ignore-installed", "click"],
        check=False,
    )
    if done.returncode and _registry_is_unreachable(done.stderr):
        pytest.skip("registry: pip cannot reach one")


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
        shutil.rmtree(folder, ignore_errors=True)
        _run([python, "-m", "venv", str(folder)])
        for step in steps:
            _install(folder / "bin" / "python", step)
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


def _install(python: Path, step: Sequence[str]) -> None:
    done = _run([str(python), "-m", "pip", "install", "--quiet", *step], check=False)
    if done.returncode == 0:
        return
    if _registry_is_unreachable(done.stderr):
        pytest.skip(f"registry: pip could not install {' '.join(step)}")
    pytest.fail(f"pip install {' '.join(step)} failed:\n{done.stderr}")


def _registry_is_unreachable(message: str) -> bool:
    signs = ("NewConnectionError", "ConnectTimeout", "Name or service not known")
    return any(sign in message for sign in signs) or "Connection" in message


def _run(
    command: Sequence[str], *, check: bool = True
) -> subprocess.CompletedProcess[str]:
    settings = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    return subprocess.run(
        command, capture_output=True, text=True, check=check, env=settings, cwd=ROOT
    )
