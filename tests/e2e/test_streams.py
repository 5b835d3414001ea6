"""Commands whose stdout or stderr is closed, full, or read by nobody."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.bundles import tiny_bundle_bytes

EDGECLF = f"{sys.executable} -m edgeclf"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.edgeclf"
    path.write_bytes(tiny_bundle_bytes())
    return path


def shell(command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {EDGECLF} {command}"],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-"])
@pytest.mark.parametrize("command", ["verify", "bench --frames 40 --json"])
def test_a_service_without_streams_does_its_work(
    bundle: Path, command: str, closed: str
) -> None:
    done = shell(f"{command} {bundle} {closed}")

    assert done.returncode in {0, 4}  # 4: a short run of bench gives no verdict
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["--help", "verify none --json", "verify --json"])
def test_a_full_disk_below_stdout_is_told_without_a_traceback(command: str) -> None:
    done = shell(f"{command} > /dev/full")

    assert done.returncode in {1, 2}
    assert "rror: " in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("command", "code"),
    [
        pytest.param("--help", 0, id="help"),
        pytest.param("verify none --json", 1, id="failure"),
        pytest.param("verify --json", 2, id="wrong command line"),
    ],
)
def test_a_reader_that_went_away_changes_no_exit_code(command: str, code: int) -> None:
    done = shell(f"{command} | true")

    assert done.returncode == code
    assert "Traceback" not in done.stderr
