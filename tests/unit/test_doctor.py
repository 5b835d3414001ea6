"""Every fault that doctor knows, on a made-up machine; and none on a healthy one."""

import datetime as dt
import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from edgeclf.doctor import FAULTS as KNOWN
from edgeclf.doctor import Finding, Surroundings, examine, look_around
from edgeclf.doctor.packages import installed_packages, runtime_closure
from edgeclf.doctor.probing import PROBES, Probe
from edgeclf.machine import MachineReader, MachineState, ThrottleBits, read_identity
from edgeclf.profiles import load_profile
from tests.environments import ROOT
from tests.machines import PI_5, write_tree

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
        probes={"numpy": WORKS, "onnxruntime-providers": WORKS}
        | {"litert": WORKS, "tflite-runtime": ABSENT, "onnxruntime": WORKS}
        | {"opencv": WORKS, "simplejpeg": WORKS},
        closure=(),
        cameras={"video0": True},
        user="pi",
        groups=frozenset([44, 1000]),
        tools={
            "nvpmodel": None,
            "timedatectl": "CanNTP=yes\nNTP=yes\nNTPSynchronized=yes\n",
        },
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


def files(texts: Mapping[str, str]) -> Change:
    def change(pi: Surroundings) -> Surroundings:
        write_tree(pi.root, texts)
        return pi

    return change


def tools(**printed: str | None) -> Change:
    return lambda pi: replace(pi, tools={**pi.tools, **printed})


def unreadable(user: str, *groups: int) -> Change:
    return lambda pi: replace(
        pi, cameras={"video0": False}, user=user, groups=frozenset(groups)
    )


def held(pi: Surroundings) -> Surroundings:
    link = pi.root / "proc/4242/fd/7"
    write_tree(pi.root, {"proc/4242/comm": "motion\n", "proc/4242/fd/.keep": ""})
    if not link.is_symlink():
        link.symlink_to("/dev/video0")
    return pi


def both(*changes: Change) -> Change:
    def change(pi: Surroundings) -> Surroundings:
        for each in changes:
            pi = each(pi)
        return pi

    return change


def packages_folder(pi: Surroundings) -> Path:
    return pi.root / "usr/lib/python3/dist-packages"


def with_camera_stack(pi: Surroundings) -> Surroundings:
    for name in ("libcamera", "picamera2", "simplejpeg"):
        (packages_folder(pi) / name).mkdir(parents=True, exist_ok=True)
    return pi


def broken(detail: str) -> Probe:
    return Probe(installed=True, usable=False, version="2.14.0", detail=detail)


def without_libcamera(pi: Surroundings) -> Surroundings:
    (packages_folder(pi) / "picamera2").mkdir(parents=True, exist_ok=True)
    return pi


def with_gi(pi: Surroundings) -> Surroundings:
    (packages_folder(pi) / "gi").mkdir(parents=True, exist_ok=True)
    return pi


NO_SYSTEM_PACKAGES: Change = lambda pi: replace(pi, sees_system_packages=False)  # noqa: E731
JETSON = machine(board="NVIDIA Jetson Orin Nano Developer Kit")
NVPMODEL = "NV Power Mode: 15W\n0\n"
MODES = (
    "< POWER_MODEL ID=0 NAME=15W >\n< POWER_MODEL ID=1 NAME=MAXN >\n"
    "< POWER_MODEL ID=2 NAME=MAXN_SUPER >\n"
)
GROUP = {"etc/group": "root:x:0:\nvideo:x:44:alice,bob\n"}
CPUFREQ = "sys/devices/system/cpu/cpufreq/policy0"


def usb(**attributes: str) -> Change:
    return files({f"sys/bus/usb/devices/2-1/{k}": v for k, v in attributes.items()})


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
        "numpy-2-tflite-runtime",
        both(
            probes(tflite_runtime=broken("is installed and does not work here")),
            packages(numpy="2.2.6"),
        ),
        "it was built for numpy 1, and this is numpy 2.2.6",
        "[tflite]'",
    ),
    (
        "engine-not-usable",
        probes(onnxruntime=broken("is installed and does not work here (ImportError)")),
        "onnxruntime is installed and does not work here (ImportError)",
        "[onnx]'",
    ),
    (
        "native-crash",
        probes(opencv=broken("it crashed: Illegal instruction (SIGILL)")),
        "OpenCV cannot be imported: it crashed",
        "[opencv]'",
    ),
    (
        "native-crash",
        both(
            probes(tflite_runtime=broken("it crashed: Illegal instruction (SIGILL)")),
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
        "opencv-python and opencv-python-headless are installed together",
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
        both(with_camera_stack, NO_SYSTEM_PACKAGES),
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
        "run it in a container",
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
        "video-group-missing",
        both(files(GROUP), unreadable("pi", 1000)),
        "pi may not open video0: not in the group video",
        "sudo usermod -aG video pi",
    ),
    (
        "camera-not-readable",
        both(files(GROUP), unreadable("bob", 1000)),
        "in the group video, but not since logging in",
        "newgrp video",
    ),
    (
        "camera-not-readable",
        both(files(GROUP), unreadable("pi", 44)),
        "pi may not open video0",
        "sudo setfacl -m u:pi:rw /dev/video0",
    ),
    (
        "camera-busy",
        both(held, files({"proc/4242/cgroup": "0::/system.slice/edgeclf.service\n"})),
        "motion (process 4242) holds video0",
        "sudo systemctl stop edgeclf.service",
    ),
    (
        "camera-busy",
        both(
            held,
            files(
                {
                    "proc/4242/cgroup": "0::/user.slice/user-1000.slice/"
                    "user@1000.service/session.slice/wireplumber.service\n"
                }
            ),
        ),
        "holds video0",
        "systemctl --user stop wireplumber.service",
    ),
    ("camera-busy", held, "motion (process 4242) holds video0", "kill 4242"),
    (
        "picamera2-missing",
        files({"sys/class/video4linux/video0/name": "rp1-cfe-csi2_ch0\n"}),
        "a camera is connected",
        "sudo apt install python3-picamera2",
    ),
    (
        "libcamera-missing",
        without_libcamera,
        "libcamera's Python package is not",
        "sudo apt install python3-libcamera",
    ),
    (
        "libcamera-other-python",
        files(
            {
                "usr/lib/python3/dist-packages/libcamera/"
                "_libcamera.cpython-313-aarch64-linux-gnu.so": ""
            }
        ),
        "_libcamera.cpython-313-aarch64-linux-gnu.so, and this is Python 3.11",
        "/usr/bin/python3 -m venv --system-site-packages --clear /home/pi/venv",
    ),
    (
        "legacy-camera-stack",
        files({"boot/firmware/config.txt": "[all]\nstart_x=1\n"}),
        "/boot/firmware/config.txt says start_x=1",
        "sudo sed -i 's/^ *start_x=1/camera_auto_detect=1/' /boot/firmware/config.txt",
    ),
    (
        "numpy-broken",
        probes(numpy=broken("it crashed: Illegal instruction (SIGILL)")),
        "numpy does not work: it crashed: Illegal instruction (SIGILL)",
        "OPENBLAS_CORETYPE=ARMV8",
    ),
    (
        "numpy-broken",
        both(probes(numpy=broken("No module named 'numpy._core'")), NO_ENGINE),
        "No module named",
        "pip install --force-reinstall 'numpy'",
    ),
    (
        "provider-not-working",
        both(
            probes(
                onnxruntime_providers=replace(
                    broken("see parts"),
                    parts={
                        "CUDAExecutionProvider": "libcudnn.so.9 is missing",
                        "CPUExecutionProvider": None,
                    },
                )
            ),
            packages(onnxruntime_gpu="1.23.0"),
        ),
        "CUDAExecutionProvider: libcudnn.so.9 is missing",
        "uninstall -y onnxruntime onnxruntime-gpu && ",
    ),
    (
        "provider-not-working",
        probes(onnxruntime_providers=broken("it did not answer in 4 s")),
        "does not work here: it did not answer in 4 s",
        "uninstall -y onnxruntime && ",
    ),
    (
        "python-externally-managed",
        both(
            files({"usr/lib/python3.11/EXTERNALLY-MANAGED": "[externally-managed]\n"}),
            lambda pi: replace(pi, in_venv=False, prefix=Path("/usr")),
        ),
        "the system's own Python",
        "python3 -m venv --system-site-packages ~/edgeclf",
    ),
    (
        "clock-capped",
        files(
            {
                f"{CPUFREQ}/scaling_max_freq": "1500000\n",
                f"{CPUFREQ}/cpuinfo_max_freq": "2400000\n",
            }
        ),
        "policy0 may use 1500 of 2400 MHz",
        "echo 2400000 | sudo tee /sys/devices/system/cpu/cpufreq/policy0/scaling_max_freq",
    ),
    (
        "cores-offline",
        files(
            {
                "sys/devices/system/cpu/present": "0-5\n",
                "sys/devices/system/cpu/online": "0-3\n",
            }
        ),
        "cores 0-3 are on, of 0-5",
        "echo 1 | sudo tee",
    ),
    ("high-load", state(load_1m=99.0), "the load is 99.0 on", "top -b -n 1"),
    (
        "firmware-not-readable",
        state(throttle=None),
        "gives no answer",
        "sudo apt install raspi-utils",
    ),
    (
        "firmware-not-readable",
        both(files({"usr/bin/vcgencmd": ""}), state(throttle=None)),
        "gives no answer",
        "sudo usermod -aG video pi",
    ),
    (
        "under-voltage",
        files(
            {
                "sys/class/hwmon/hwmon1/name": "rpi_volt\n",
                "sys/class/hwmon/hwmon1/in0_lcrit_alarm": "1\n",
            }
        ),
        "under-voltage seen by the kernel",
        "power supply",
    ),
    (
        "fan-not-turning",
        files(
            {
                "sys/class/hwmon/hwmon2/name": "pwmfan\n",
                "sys/class/hwmon/hwmon2/pwm1": "125\n",
                "sys/class/hwmon/hwmon2/fan1_input": "0\n",
            }
        ),
        "the fan of pwmfan is driven (125 of 255)",
        "cat /sys/class/hwmon/hwmon2/fan1_input",
    ),
    (
        "memory-cgroup-off",
        files(
            {
                "sys/fs/cgroup/cgroup.controllers": "cpuset cpu io pids\n",
                "boot/firmware/cmdline.txt": "console=tty1 root=/dev/mmcblk0p2\n",
            }
        ),
        "the kernel limits cpuset cpu io pids, and not memory",
        "cgroup_enable=memory/' /boot/firmware/cmdline.txt && sudo reboot",
    ),
    (
        "read-only-disk",
        files({"proc/mounts": "/dev/mmcblk0p2 / ext4 ro,noatime 0 0\n"}),
        "the root file system (ext4 on /dev/mmcblk0p2) is read-only",
        "sudo mount -o remount,rw /",
    ),
    (
        "clock-not-synchronised",
        tools(timedatectl="CanNTP=yes\nNTP=no\nNTPSynchronized=no\n"),
        "the time service is off",
        "sudo timedatectl set-ntp true",
    ),
    (
        "clock-not-synchronised",
        tools(timedatectl="CanNTP=no\nNTP=no\nNTPSynchronized=no\n"),
        "no time service is installed",
        "sudo apt install systemd-timesyncd",
    ),
    (
        "clock-not-synchronised",
        tools(timedatectl="CanNTP=yes\nNTP=yes\nNTPSynchronized=no\n"),
        "no time server has answered yet",
        "sudo systemctl restart systemd-timesyncd",
    ),
    (
        "jetson-power-mode",
        both(JETSON, tools(nvpmodel=NVPMODEL), files({"etc/nvpmodel.conf": MODES})),
        "the power mode is 15W, not MAXN_SUPER",
        "sudo nvpmodel -m 2 && sudo nvpmodel -q",
    ),
    (
        "jetson-power-mode-unknown",
        JETSON,
        "does not say in which power mode",
        "sudo nvpmodel -q",
    ),
    (
        "argus-daemon-down",
        both(JETSON, files({"usr/sbin/nvargus-daemon": "", "proc/1/comm": "init\n"})),
        "nvargus-daemon, which has the CSI cameras, does not run",
        "sudo systemctl restart nvargus-daemon",
    ),
    ("gstreamer-missing", JETSON, "(gi) is not installed", "apt install python3-gi"),
    (
        "venv-hides-gstreamer",
        both(JETSON, with_gi, NO_SYSTEM_PACKAGES),
        "gi is installed by the distribution",
        "/home/pi/venv/pyvenv.cfg",
    ),
    (
        "opencv-without-gstreamer",
        both(JETSON, probes(opencv=replace(WORKS, parts={"GStreamer": "left out"}))),
        "built without GStreamer",
        "",
    ),
    (
        "coral-usb2",
        usb(idVendor="18d1\n", idProduct="9302\n", speed="480\n"),
        "the Coral at 2-1 has a link of 480 Mbit/s",
        "blue port",
    ),
    (
        "coral-usb2",
        usb(idVendor="1a6e\n", idProduct="089a\n", speed="480\n"),
        "the Coral at 2-1",
        "lsusb -t",
    ),
    (
        "usb-camera-slow",
        both(
            usb(product="C270\n", speed="12\n"),
            files({"sys/bus/usb/devices/2-1:1.0/bInterfaceClass": "0e\n"}),
        ),
        "C270 at 2-1 has a link of 12 Mbit/s",
        "lsusb -t",
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
    assert (found[0].severity, found[0].why) == (KNOWN[name].severity, KNOWN[name].why)


def test_a_healthy_board_has_no_fault(pi: Surroundings) -> None:
    report = examine(pi)

    assert [each for each in report.findings if each.severity != "note"] == []
    assert report.can_run


def test_at_least_twenty_kinds_of_fault_are_known() -> None:
    assert len({name for name, *_ in FAULTS}) >= 20


def test_every_fault_is_tried_by_a_test() -> None:
    assert {name for name, *_ in FAULTS} == set(KNOWN) - {"board"}


def test_the_page_on_faults_names_those_of_the_code_with_their_reasons() -> None:
    page = (ROOT / "docs" / "doctor.md").read_text("utf-8")
    rows = re.findall(
        r"^\| `([a-z0-9-]+)` \| (\w+) \| [^|]+ \| ([^|]+) \| [^|]+ \|$",
        page,
        re.MULTILINE,
    )

    assert {name: (severity, why) for name, severity, why in rows} == {
        name: (fault.severity, fault.why) for name, fault in KNOWN.items()
    }


def test_a_fault_that_is_not_in_the_catalogue_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="no fault 'gremlins'"):
        Finding(name="gremlins", text="they are in the fan", fix="feed them")


def test_a_problem_without_what_mends_it_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="all but a note has a fix"):
        Finding(name="no-engine", text="there is none")


def test_only_what_keeps_models_from_running_makes_doctor_fail(
    pi: Surroundings,
) -> None:
    for name, change, *_ in FAULTS:
        expected = KNOWN[name].severity != "problem"
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


def program(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_a_made_up_board_is_looked_at_through_its_own_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = {name: text for name, text in PI_5.items() if "get_throttled" not in name}
    tree["proc/cpuinfo"] = tree["proc/cpuinfo"].replace(" asimd ", " ")
    root = write_tree(tmp_path / "root", {**tree, "dev/video0": ""})
    program(tmp_path, "vcgencmd", "echo throttled=0x50005")
    program(tmp_path, "nvpmodel", "echo 'NV Power Mode: 15W'; echo 2")
    program(tmp_path, "timedatectl", "echo NTP=no; echo NTPSynchronized=no")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    names = {each.name for each in examine(look_around(root)).findings}

    assert {"under-voltage", "throttled", "clock-not-synchronised"} <= names
    assert not {"jetson-power-mode", "firmware-not-readable"} & names


@pytest.mark.parametrize(
    "mode",
    [
        pytest.param(("MAXN_SUPER", MODES), id="the fastest of the module"),
        pytest.param(("MAXN", ""), id="the fastest by name, modes not known"),
    ],
)
def test_the_fastest_power_mode_is_no_fault(
    pi: Surroundings, mode: tuple[str, str]
) -> None:
    name, modes = mode
    printed = f"NVPM WARN: fan mode is not set!\nNV Power Mode: {name}\n2\n"
    change = both(
        JETSON, tools(nvpmodel=printed), files({"etc/nvpmodel.conf": modes}), with_gi
    )

    assert not [
        each for each in examine(change(pi)).findings if each.severity != "note"
    ]


def test_what_is_well_on_usb_and_disk_is_no_fault(pi: Surroundings) -> None:
    change = both(
        usb(idVendor="18d1\n", idProduct="9302\n", speed="5000\n"),
        files({"proc/mounts": "overlay / overlay ro,relatime 0 0\n"}),
        files({"sys/fs/cgroup/cgroup.controllers": "cpu io memory pids\n"}),
        files({"sys/devices/system/cpu/present": "0-3\n"}),
        files({"sys/devices/system/cpu/online": "0-3\n"}),
    )

    assert not [
        each for each in examine(change(pi)).findings if each.severity != "note"
    ]


@pytest.mark.parametrize("runtime", ["container", "none"])
def test_a_board_whose_python_is_too_old_is_told_why_and_where_to_read(
    pi: Surroundings, runtime: str
) -> None:
    profile = load_profile("raspberry-pi-5")
    old = replace(profile.systems[0], name="JetPack 4.6", python="3.6")
    changes = {"runtime": runtime, "systems": (old,)}
    board = replace(profile, **changes)  # type: ignore[arg-type] # made up

    [found] = [
        each
        for each in examine(replace(pi, profile=board)).findings
        if each.name == "runtime-not-native"
    ]

    assert "(Python 3.6 of JetPack 4.6)" in found.text
    assert found.why == "edgeclf needs Python 3.10 or newer"
    page, _, anchor = str(found.fix).removeprefix("read ").partition("#")
    title = "## Boards whose own Python is too old: a container"
    assert title in (ROOT / page).read_text("utf-8")
    assert anchor == re.sub("[^a-z -]", "", title[3:].lower()).replace(" ", "-")


def test_a_broken_numpy_is_the_one_problem_that_is_told(pi: Surroundings) -> None:
    all_fail = {name: broken("numpy") for name in ("litert", "onnxruntime")}
    change = probes(numpy=broken("dead"), **all_fail)

    problems = [
        each.name for each in examine(change(pi)).findings if each.severity == "problem"
    ]

    assert problems == ["numpy-broken"]


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
