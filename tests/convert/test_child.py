"""A job in a child process: its result, its errors, and the ways it can die."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from converters.child import ChildError, run_in_child
from edgeclf.errors import CalibrationError, ConversionError, OutputFileError

JOBS = """
import errno, os, resource, signal, sys, time
from pathlib import Path
from edgeclf.errors import CalibrationError

def doubles(arguments, report):
    report("doubling", 0.0)
    report("doubling", 1.0)
    return {"value": 2 * arguments["value"], "hash": hash("names")}

def refuses(arguments, report):
    raise CalibrationError("too few photos")

def has_a_bug(arguments, report):
    report("quantizing", 0.0)
    print("the last words")
    raise RuntimeError("a bug\\nof ours")

def aborts(arguments, report):
    report("quantizing", 0.0)
    sys.stderr.write("F0000 check failed\\n")
    os.abort()

def runs_out_of_memory(arguments, report):
    os.kill(os.getpid(), signal.SIGKILL)

def fills_the_disk(arguments, report):
    raise OSError(errno.ENOSPC, "No space left on device")

def fills_the_disk_in_words(arguments, report):
    raise RuntimeError("SavedModel: RESOURCE_EXHAUSTED; No space left on device")

def writes_too_large_a_file(arguments, report):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        Path(arguments["folder"], "large").write_bytes(bytes(9999))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

def writes_too_large_a_file_in_words(arguments, report):
    raise RuntimeError("OutOfRangeError: saved_model.pb.tmp; File too large")

def leaves_no_room_for_the_result(arguments, report):
    Path(arguments["folder"], "result.json").mkdir()

def leaves(arguments, report):
    os._exit(0)

def sleeps(arguments, report):
    Path(arguments["pid"]).write_text(str(os.getpid()))
    report("sleeping", 0.0)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "jobs.py").write_text(JOBS)
    monkeypatch.syspath_prepend(str(tmp_path))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "work"
    path.mkdir()
    return path


def ignore(phase: str, done: float) -> None:
    pass


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def wait_until_gone(pid: int) -> bool:
    for _ in range(100):
        if not is_alive(pid):
            return True
        time.sleep(0.05)
    return False


def test_the_result_and_the_progress_come_back(folder: Path) -> None:
    seen: list[tuple[str, float]] = []

    result = run_in_child(
        "jobs:doubles",
        {"value": 21},
        folder=folder,
        report=lambda phase, done: seen.append((phase, done)),
    )

    assert result["value"] == 42
    assert seen == [("doubling", 0.0), ("doubling", 1.0)]


def test_names_hash_alike_in_every_child(tmp_path: Path) -> None:
    hashes = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        outcome = run_in_child(
            "jobs:doubles", {"value": 1}, folder=tmp_path / name, report=ignore
        )
        hashes.append(outcome["hash"])

    assert hashes[0] == hashes[1]


def test_what_the_job_refuses_is_refused_here_in_its_own_words(folder: Path) -> None:
    with pytest.raises(CalibrationError, match=r"^too few photos$"):
        run_in_child("jobs:refuses", {}, folder=folder, report=ignore)


def test_a_bug_is_one_line_with_its_phase_and_the_log(folder: Path) -> None:
    with pytest.raises(ChildError) as caught:
        run_in_child("jobs:has_a_bug", {}, folder=folder, report=ignore)

    expected = "conversion failed while quantizing: RuntimeError: a bug of ours"
    assert str(caught.value) == expected
    assert "the last words" in caught.value.log


def test_a_native_crash_names_the_signal(folder: Path) -> None:
    with pytest.raises(ConversionError, match=r"while quantizing.*SIGABRT") as caught:
        run_in_child("jobs:aborts", {}, folder=folder, report=ignore)

    assert isinstance(caught.value, ChildError)
    assert "check failed" in caught.value.log


def test_a_kill_for_want_of_memory_is_called_so(folder: Path) -> None:
    with pytest.raises(ChildError, match="SIGKILL, usually for want of memory"):
        run_in_child("jobs:runs_out_of_memory", {}, folder=folder, report=ignore)


def test_a_child_that_leaves_without_a_result_has_failed(folder: Path) -> None:
    with pytest.raises(ChildError, match="exited with 0 and no result"):
        run_in_child("jobs:leaves", {}, folder=folder, report=ignore)


def test_ctrl_c_ends_the_child(folder: Path, tmp_path: Path) -> None:
    pid = tmp_path / "pid"

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_in_child("jobs:sleeps", {"pid": str(pid)}, folder=folder, report=interrupt)

    assert not is_alive(int(pid.read_text()))


@pytest.mark.skipif(sys.platform != "linux", reason="asks the Linux kernel")
def test_a_child_does_not_outlive_a_killed_parent(folder: Path, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    code = (
        "import sys; from pathlib import Path; "
        f"sys.path.insert(0, {str(tmp_path)!r}); "
        "from converters.child import run_in_child; "
        f"run_in_child('jobs:sleeps', {{'pid': {str(pid)!r}}}, "
        f"folder=Path({str(folder)!r}), report=lambda *_: print('on', flush=True))"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    assert parent.stdout.readline() == b"on\n"

    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    parent.stdout.close()

    assert wait_until_gone(int(pid.read_text()))


@pytest.mark.parametrize(
    "job",
    ["fills_the_disk", "fills_the_disk_in_words", "leaves_no_room_for_the_result"],
)
def test_a_full_disk_is_named_and_says_what_helps(job: str, folder: Path) -> None:
    with pytest.raises(OutputFileError, match=r"is full, .*nothing was.*TMPDIR"):
        run_in_child(
            f"jobs:{job}",
            {"folder": str(folder)},
            folder=folder,
            report=lambda *_: None,
        )


@pytest.mark.parametrize(
    "job", ["writes_too_large_a_file", "writes_too_large_a_file_in_words"]
)
def test_a_limit_on_files_is_named_and_says_what_helps(job: str, folder: Path) -> None:
    with pytest.raises(OutputFileError, match=r"nothing was written: raise the limit"):
        run_in_child(
            f"jobs:{job}",
            {"folder": str(folder)},
            folder=folder,
            report=lambda *_: None,
        )
