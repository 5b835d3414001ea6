"""``edgeclf doctor`` on this machine."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import pytest

from tests.environments import ROOT
from tests.machines import write_tree

EDGECLF = [sys.executable, "-m", "edgeclf"]
SCHEMA = json.loads(
    (Path(__file__).parents[2] / "docs" / "schemas" / "doctor-1.json").read_text(
        "utf-8"
    )
)


def doctor(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*EDGECLF, "doctor", *arguments], capture_output=True, text=True, check=False
    )


def test_json_obeys_its_schema_and_tells_the_truth_about_engines() -> None:
    done = doctor("--json")

    report = json.loads(done.stdout)
    jsonschema.validate(report, SCHEMA)
    works = [
        name
        for name in ("litert", "tflite-runtime", "onnxruntime")
        if report["probes"][name]["usable"]
    ]
    assert report["can_run"] is bool(works)
    assert done.returncode == (0 if works else 1)


def test_without_an_engine_that_works_it_fails_and_says_what_to_type(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = "raise ImportError('libfoo.so.1: cannot open shared object file')\n"
    for engine in ("ai_edge_litert", "onnxruntime", "tflite_runtime"):
        write_tree(tmp_path, {f"{engine}/__init__.py": broken})
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{ROOT}")

    done = doctor("--json")

    report = json.loads(done.stdout)
    jsonschema.validate(report, SCHEMA)
    assert (done.returncode, report["can_run"]) == (1, False)
    assert report["findings"][0]["name"] == "no-engine"
    assert "pip install" in report["findings"][0]["fix"]
    texts = [each["text"] for each in report["findings"]]
    for engine in ("litert", "onnxruntime"):
        assert any(
            text.startswith(f"{engine} ") and "libfoo.so.1" in text for text in texts
        )


def test_the_text_names_the_runtime_and_its_size() -> None:
    done = doctor()

    assert "runtime:" in done.stdout
    assert "MiB in all" in done.stdout
    assert "can run here" in done.stdout


def test_it_takes_less_than_five_seconds() -> None:
    doctor()  # compile what is not compiled yet
    started = time.monotonic_ns()

    doctor("--json")

    # Half a second where this was written: generous, as others may be at work.
    assert time.monotonic_ns() - started < 5_000_000_000


def test_ctrl_c_ends_it_and_what_it_started_without_a_traceback() -> None:
    with subprocess.Popen(
        [*EDGECLF, "doctor"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as started:
        tasks = Path(f"/proc/{started.pid}/task")
        deadline = time.monotonic() + 60
        while not any(each.read_text() for each in tasks.glob("*/children")):
            assert time.monotonic() < deadline, "no package is tried"
            time.sleep(0.01)

        os.killpg(started.pid, signal.SIGINT)
        _, errors = started.communicate(timeout=60)

    assert started.returncode == 130
    assert "Traceback" not in errors


def test_looking_for_faults_loads_no_engine_into_doctor_itself() -> None:
    code = (
        "import sys\n"
        "from edgeclf.doctor import examine, look_around\n"
        "examine(look_around())\n"
        "print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert not loaded & {"numpy", "cv2", "ai_edge_litert", "onnxruntime", "tensorflow"}
