"""What doctor finds out with processes: packages that may crash, programs that may hang."""

import os
import sys
from pathlib import Path

import pytest

from edgeclf.backends import engine_parts
from edgeclf.backends.provider_library import loading_fault
from edgeclf.doctor.probing import PROBES, probe
from edgeclf.doctor.tools import ask_tools
from tests.environments import ROOT
from tests.machines import write_tree


def child(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


def test_a_package_that_crashes_is_found_out_and_the_rest_is_tried() -> None:
    code = """
import json, os, signal, sys
for name in sys.argv[1:]:
    if name == "tflite-runtime":
        os.kill(os.getpid(), signal.SIGILL)
    print(json.dumps({"probe": name, "installed": True, "usable": True}), flush=True)
"""

    found = probe(child(code))

    assert tuple(found) == PROBES
    assert found["tflite-runtime"].detail == "it crashed: Illegal instruction (SIGILL)"
    assert found["litert"].usable
    assert found["onnxruntime"].usable
    assert found["simplejpeg"].usable


def test_a_package_that_dies_of_sigill_is_named_as_such_by_the_real_child(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kill_itself = "import os, signal\nos.kill(os.getpid(), signal.SIGILL)\n"
    write_tree(tmp_path, {"simplejpeg/__init__.py": kill_itself})
    write_tree(tmp_path, {"onnxruntime/__init__.py": kill_itself})
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{ROOT}")

    found = probe()

    assert found["numpy"].usable
    for name in ("simplejpeg", "onnxruntime"):
        assert found[name].installed
        assert found[name].detail == "it crashed: Illegal instruction (SIGILL)"


def test_packages_are_tried_side_by_side(tmp_path: Path) -> None:
    code = f"""
import json, pathlib, sys, time
here = pathlib.Path({str(tmp_path)!r})
(here / sys.argv[1]).touch()
expected = [here / name for name in ("numpy", "litert", "onnxruntime")]
deadline = time.monotonic() + 15
while sys.argv[1] != "onnxruntime-providers" and not all(each.exists() for each in expected):
    if time.monotonic() > deadline:
        sys.exit("the others did not come")
    time.sleep(0.01)
for name in sys.argv[1:]:
    print(json.dumps({{"probe": name, "installed": True, "usable": True}}), flush=True)
"""

    found = probe(child(code))

    assert [found[name].detail for name in ("numpy", "litert", "onnxruntime")] == [
        None,
        None,
        None,
    ]


def program(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_the_systems_programs_are_asked_and_none_is_waited_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, "timedatectl", "echo $1; echo NTPSynchronized=no")
    program(tmp_path, "nvpmodel", "exec /bin/sleep 600")
    monkeypatch.setenv("PATH", str(tmp_path))

    found = ask_tools()

    assert found == {"nvpmodel": None, "timedatectl": "show\nNTPSynchronized=no\n"}


def test_programs_that_are_missing_or_fail_are_no_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, "nvpmodel", "echo NV Power Mode: MAXN; exit 3")
    monkeypatch.setenv("PATH", str(tmp_path))

    assert ask_tools() == {"nvpmodel": None, "timedatectl": None}


def test_onnxruntimes_providers_are_read_back_after_one_real_inference() -> None:
    pytest.importorskip("onnxruntime")
    assert engine_parts("onnxruntime")["CPUExecutionProvider"] is None


def test_a_provider_that_a_session_does_not_take_is_found_out() -> None:
    ort = pytest.importorskip("edgeclf.backends.ort")
    if "CUDAExecutionProvider" in ort.onnxruntime.get_available_providers():
        pytest.skip("this ONNX Runtime was built with CUDA")

    found = ort.provider_fault("CUDAExecutionProvider")

    assert found == "the session runs on CPUExecutionProvider instead"


def test_a_child_that_fails_says_why() -> None:
    found = probe(child("raise SystemExit('no such thing')"))

    assert {each.detail for each in found.values()} == {"no such thing"}
    assert not any(each.usable for each in found.values())


def test_what_keeps_a_providers_library_from_loading_is_told(tmp_path: Path) -> None:
    write_tree(tmp_path, {"libonnxruntime_providers_cuda.so": "no library"})

    found = loading_fault(tmp_path, "CUDAExecutionProvider")

    assert found is not None
    assert "libonnxruntime_providers_cuda.so" in found


def test_a_provider_without_a_library_of_its_own_has_no_such_fault(
    tmp_path: Path,
) -> None:
    assert loading_fault(tmp_path, "CPUExecutionProvider") is None
