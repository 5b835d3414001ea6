"""The folder of a conversion: gone at the end, and after a kill by the next run."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from converters.work_folder import work_folder
from edgeclf.errors import OutputFileError

HOLDS = """
import sys, time
from converters.work_folder import work_folder

with work_folder() as folder:
    (folder / "large").write_bytes(bytes(1000))
    print(folder, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def other(temporary: Path) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(temporary)},
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith(str(temporary))
    return process


def end(process: "subprocess.Popen[str]") -> None:
    process.send_signal(signal.SIGKILL)
    process.wait(20)
    assert process.stdout is not None
    process.stdout.close()


def test_a_folder_is_gone_after_its_run_even_if_that_fails(temporary: Path) -> None:
    def fail() -> None:
        with work_folder() as folder:
            (folder / "deep").mkdir()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()

    assert not list(temporary.iterdir())


def test_a_folder_is_gone_soon_after_its_run_is_killed(
    temporary: Path, other: "subprocess.Popen[str]"
) -> None:
    assert list(temporary.iterdir())

    end(other)

    deadline = time.monotonic() + 60
    while list(temporary.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not list(temporary.iterdir())


def test_the_next_run_removes_what_a_failed_power_left(temporary: Path) -> None:
    left = temporary / "edgeclf-left"
    left.mkdir()
    (left / "lock").touch()

    with work_folder() as folder:
        assert list(temporary.iterdir()) == [folder]


def test_nothing_waits_on_after_a_run() -> None:
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    before = children.read_text()

    with work_folder():
        assert children.read_text() != before

    assert children.read_text() == before


def test_a_folder_in_use_stays(temporary: Path, other: "subprocess.Popen[str]") -> None:
    with work_folder():
        assert len(list(temporary.iterdir())) == 2

    assert len(list(temporary.iterdir())) == 1
    end(other)


def test_a_folder_that_is_not_ours_stays(temporary: Path) -> None:
    (temporary / "edgeclf-notes").mkdir()
    (temporary / "edgeclf-notes" / "important.txt").write_text("keep")

    with work_folder():
        time.sleep(0)

    assert (temporary / "edgeclf-notes" / "important.txt").exists()


def test_a_place_that_does_not_exist_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))

    with pytest.raises(OutputFileError, match="set TMPDIR"), work_folder():
        pass
