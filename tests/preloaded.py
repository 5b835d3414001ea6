"""Small libraries in C that stand before the system's own in a test's processes."""

import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import pytest

__all__ = ["compiled"]

_PROGRAMS = Path(__file__).parent / "programs"


@cache
def compiled(name: str) -> Path:
    """Return the library of ``programs/NAME.c`` for ``LD_PRELOAD``, or skip the test."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("system package: gcc")
    path = Path(tempfile.mkdtemp()) / f"{name}.so"
    source = _PROGRAMS / f"{name}.c"
    command = [compiler, "-shared", "-fPIC", "-o", str(path), str(source), "-ldl"]
    subprocess.run(command, check=True, capture_output=True)
    return path
