"""A bundle to try commands on, and a way to run them in this process."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from edgeclf import cli
from tests.bundles import tiny_bundle_bytes

Run: TypeAlias = Callable[..., tuple[int, str, str]]


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.edgeclf"
    path.write_bytes(tiny_bundle_bytes())
    return path


@pytest.fixture
def on_bundle(bundle: Path, capsys: pytest.CaptureFixture[str]) -> Callable[[str], Run]:
    """Return what runs a command; that returns exit code, stdout and stderr."""

    def command(name: str) -> Run:
        def run(*arguments: object, model: Path = bundle) -> tuple[int, str, str]:
            with pytest.raises(SystemExit) as stop:
                cli.main([name, str(model), *(str(each) for each in arguments)])
            assert isinstance(stop.value.code, int)
            return (stop.value.code, *capsys.readouterr())

        return run

    return command
