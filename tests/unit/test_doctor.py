"""Every fault that doctor knows, on a made-up machine; and none on a healthy one."""

import datetime as dt
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from edgeclf.doctor import Finding, Surroundings, examine, look_around
from edgeclf.doctor.examine import CHECKS
from edgeclf.doctor.packages import installed_packages, runtime_closure
from edgeclf.doctor.probing import PROBES, Probe, probe
from edgeclf.machine import MachineReader, MachineState, ThrottleBits, read_identity
from edgeclf.profiles import load_profile
from tests.machines import write_tree

WORKS = Probe(installed=True, usable=True, version="1.0")
ABSENT = Probe(installed=False, usable=False)


@pytest.fixture
def pi(tmp_path: Path) -> Surroundings:
    """A Raspberry Pi 5 on which all is well."""
    root = write_tree(tmp_path)
    return Surroundings(
        root=root,
        machine=replace(read_identity(root, architecture="aarch64"), python_bits=64),
        state=MachineReader(root).read(),
        profile=load_profile("raspberry-pi-5"),
        python=(3, 11),
        prefix=Path("/home/pi/venv"),
        in_venv=True,
        sees_system_packages=True,
        packages={"numpy": "1.26.4", "tensorflow": "2.21.0"},
        probes={"litert": WORKS, "tflite-runtime": ABSENT, "onnxruntime": WORKS}
        | {"opencv": WORKS, "simplejpeg": WORKS},
        closure=(),
        cameras={"video0": True},
        free_mib=20_000,
        today=dt.date(2027, 1, 1),
    )


Change = Callable[[Surroundings], Surroundings]


def machine(**changes: object) -> Change:
    return lambda pi: replace(pi, machine=replace(pi.machine, **changes))  # type: ignore[arg-type] # made up


def state(**changes: object) -> Change:
    return lambda pi: replace(pi, state=_state(pi.state, changes))


def _state(old: MachineState, changes: dict[str, object]) -> MachineState:
    return replace(old, **changes)  # type: ignore[arg-type] # made up


def probes(**changes: Probe) -> Change:
    named = {name.replace("_", "-"): each for name, each in changes.items()}
    return lambda pi: replace(pi, probes={**pi.probes, **named})


def packages(**versions: str) -> Change:
    named = {name.replace("_", "-"): each for name, each in versions.items()}
    return lambda pi: replace(pi, packages={**pi.packages, **named})


def both(*changes: Change) -> Change:
    def change(pi: Surroundings) -> Surroundings:
        for each in changes:
            pi = each(pi)
        return pi

    return change


def with_camera_stack(pi: Surroundings) -> Surroundings:
    for name in ("picamera2", "simplejpeg"):
        (pi.root / "usr/lib/python3/dist-packages" / name).mkdir(parents=True)
    return pi


def broken(detail: str) -> Probe:
    return Probe(installed=True, usable=False, version="2.14.0", detail=detail)


NO_ENGINE = probes(litert=ABSENT, onnxruntime=ABSENT)

FAULTS: Sequence[tuple[str, Change, str, str]] = [
    (
        "cpu-feature-missing",
        both(machine(cpu_features=("fphp",)), lambda pi: replace(pi, probes={})),
        "the processor has no asimd",
        "use a board",
    ),
    ("no-engine", NO_ENGINE, "no engine runs models in this Python 3.11", "[litert]'"),
    (
        "no-engine",
        both(NO_ENGINE, machine(python_bits=32, architecture="armv7l")),
        "(armv7l)",
        "[tflite]'",
    ),
    (
        "no-engine",
        both(
            NO_ENGINE,
            machine(python_bits=32, architecture="armv7l"),
            lambda pi: replace(pi, python=(3, 13)),
        ),
        "Python 3.13",
        "install a 64-bit system",
    ),
    (
        "engine-not-usable",
        both(
            probes(tflite_runtime=broken("is installed and does not work here")),
            packages(numpy="2.2.6"),
        ),
        "it was built for numpy 1, and this is numpy 2.2.6",
        "[tflite]'",
    ),
    (
        "engine-not-usable",
        both(
            probes(tflite_runtime=broken("it crashed: Illegal instruction")),
            lambda pi: replace(pi, python=(3, 12)),
        ),
        "tflite-runtime it crashed",
        "[litert]'",
    ),
    ("opencv-missing", probes(opencv=ABSENT), "cv2", "[opencv]'"),
    (
        "opencv-missing",
        both(probes(opencv=ABSENT), machine(python_bits=32)),
        "cv2",
        "sudo apt install python3-opencv",
    ),
    (
        "libgl-missing",
        probes(opencv=broken("libGL.so.1: cannot open shared object file")),
        "libGL.so.1",
        "sudo apt install libgl1",
    ),
    (
        "opencv-broken",
        probes(opencv=broken("numpy.core.multiarray failed to import")),
        "multiarray",
        "[opencv]'",
    ),
    (
        "two-opencvs",
        packages(opencv_python="5.0.0", opencv_python_headless="5.0.0"),
        "opencv-python and opencv-python-headless overwrite",
        "uninstall -y opencv-python opencv-python-headless",
    ),
    (
        "two-onnxruntimes",
        packages(onnxruntime="1.31.1", onnxruntime_gpu="1.23.0"),
        "live in one folder",
        "uninstall -y onnxruntime onnxruntime-gpu",
    ),
    (
        "venv-hides-picamera2",
        both(with_camera_stack, lambda pi: replace(pi, sees_system_packages=False)),
        "does not see it",
        "/home/pi/venv/pyvenv.cfg",
    ),
    (
        "numpy-breaks-picamera2",
        both(
            with_camera_stack,
            probes(simplejpeg=broken("numpy.dtype size changed")),
            packages(numpy="2.2.6"),
        ),
        "does not work with numpy 2.2.6",
        "[picamera]'",
    ),
    (
        "no-converters",
        lambda pi: replace(pi, packages={"numpy": "1.26.4"}),
        "'edgeclf convert' is not installed",
        "",
    ),
    ("32-bit-system", machine(python_bits=32), "32-bit", "64-bit Raspberry Pi OS"),
    (
        "runtime-not-native",
        lambda pi: replace(
            pi, profile=replace(load_profile("raspberry-pi-5"), runtime="container")
        ),
        "run in a container",
        "docs/install.md",
    ),
    (
        "governor",
        machine(governor="ondemand"),
        "governor is ondemand",
        "echo performance | sudo tee",
    ),
    (
        "under-voltage",
        state(throttle=ThrottleBits(0x1)),
        "under-voltage right now",
        "power supply",
    ),
    (
        "under-voltage",
        state(throttle=ThrottleBits(0x10000)),
        "under-voltage since boot",
        "power supply",
    ),
    (
        "throttled",
        state(throttle=ThrottleBits(0x40000)),
        "throttled since boot",
        "cool the board",
    ),
    (
        "throttled",
        state(throttle=ThrottleBits(0x2)),
        "capped right now",
        "cool the board",
    ),
    ("hot", state(temperature_c=71.0), "71 °C at rest", "heat sink"),
    ("swap-in-use", state(swap_used_mib=12), "12 MiB of swap", "swapoff"),
    ("little-memory", state(available_mib=150), "150 MiB of memory", "end other"),
    ("little-disk", lambda pi: replace(pi, free_mib=100), "100 MiB", "apt clean"),
    (
        "clock-not-set",
        lambda pi: replace(pi, today=dt.date(1970, 1, 1)),
        "the clock says 1970-01-01",
        "timedatectl",
    ),
    (
        "camera-not-readable",
        lambda pi: replace(pi, cameras={"video0": False}),
        "may not open video0",
        "usermod -aG video",
    ),
]


@pytest.mark.parametrize(
    ("name", "change", "text", "fix"),
    [
        pytest.param(*each, id=f"{number}-{each[0]}")
        for number, each in enumerate(FAULTS)
    ],
)
def test_a_fault_is_named_with_what_mends_it(
    pi: Surroundings, name: str, change: Change, text: str, fix: str
) -> None:
    found = [each for each in examine(change(pi)).findings if each.name == name]

    assert len(found) == 1
    assert text in found[0].text
    assert fix in (found[0].fix or "")


def test_a_healthy_board_has_no_fault(pi: Surroundings) -> None:
    report = examine(pi)

    assert [each for each in report.findings if each.severity != "note"] == []
    assert report.can_run


def test_at_least_twenty_kinds_of_fault_are_known() -> None:
    assert len({name for name, *_ in FAULTS}) >= 20


def test_every_check_is_tried_by_a_test() -> None:
    assert len(CHECKS) == 22


def test_only_what_keeps_models_from_running_makes_doctor_fail(
    pi: Surroundings,
) -> None:
    for name, change, *_ in FAULTS:
        if name.startswith(("venv", "numpy-breaks")):
            continue  # these write files, once
        expected = name not in {"no-engine", "cpu-feature-missing"}
        assert examine(change(pi)).can_run is expected, name


def test_problems_come_first(pi: Surroundings) -> None:
    change = both(NO_ENGINE, machine(governor="powersave"))

    severities = [each.severity for each in examine(change(pi)).findings]

    assert severities == ["problem", "warning", "note"]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        pytest.param(lambda pi: pi, "profile raspberry-pi-5", id="known"),
        pytest.param(
            lambda pi: replace(pi, profile=None), "no profile describes", id="unknown"
        ),
        pytest.param(
            both(lambda pi: replace(pi, profile=None), machine(board=None)),
            "no board names itself",
            id="a PC",
        ),
    ],
)
def test_the_board_and_its_profile_are_named(
    pi: Surroundings, change: Change, text: str
) -> None:
    notes = [each for each in examine(change(pi)).findings if each.name == "board"]

    assert [text in each.text for each in notes] == [True]


def test_a_cpuinfo_that_says_nothing_is_no_evidence(pi: Surroundings) -> None:
    report = examine(machine(cpu_features=())(pi))

    assert report.can_run


def test_a_report_is_ready_for_json(pi: Surroundings) -> None:
    found = json.loads(json.dumps(examine(pi).to_dict()))

    assert found["can_run"] is True
    assert found["profile"] == "raspberry-pi-5"
    assert found["probes"]["litert"]["version"] == "1.0"


def test_the_closure_is_what_the_runtime_brings_along() -> None:
    closure = runtime_closure(installed_packages())

    names = {each.name for each in closure}
    assert {"edgeclf", "numpy", "click", "pillow", "rich"} <= names
    assert not names & {"tensorflow", "torch", "keras", "pytest", "mypy"}
    assert sum(each.size_mib for each in closure) > 10


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
    assert found["tflite-runtime"].detail == "it crashed: Illegal instruction"
    assert found["litert"].usable
    assert found["onnxruntime"].usable
    assert found["simplejpeg"].usable


def test_a_child_that_fails_says_why() -> None:
    found = probe(child("raise SystemExit('no such thing')"))

    assert {each.detail for each in found.values()} == {"no such thing"}
    assert not any(each.usable for each in found.values())


def test_a_machine_without_what_packages_need_imports_none(tmp_path: Path) -> None:
    write_tree(tmp_path, {"proc/cpuinfo": "flags\t: avx2\nFeatures\t: avx2\n"})

    found = look_around(tmp_path)

    if found.machine.architecture == "x86_64":
        assert found.probes == {}
        assert examine(found).findings[0].name == "cpu-feature-missing"


def test_this_very_machine_is_looked_at_in_seconds() -> None:
    found = look_around()

    assert set(found.probes) == set(PROBES)
    assert found.packages["edgeclf"]
    assert isinstance(examine(found).findings[0], Finding)
