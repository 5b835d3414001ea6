"""Checks of the Python environment: engines, OpenCV, the camera's packages."""

from collections.abc import Iterator

from edgeclf.doctor.finding import Check, Finding
from edgeclf.doctor.surroundings import Surroundings, missing_features
from edgeclf.install import install_line

__all__ = ["PYTHON_CHECKS"]

_OPENCVS = (
    "opencv-contrib-python",
    "opencv-contrib-python-headless",
    "opencv-python",
    "opencv-python-headless",
)
_ENGINES = {"litert": "litert", "tflite-runtime": "tflite", "onnxruntime": "onnx"}
"""Extra of each engine."""

_PICAMERA = "usr/lib/python3/dist-packages/picamera2"
_SIMPLEJPEG = "usr/lib/python3/dist-packages/simplejpeg"


def cpu_features(here: Surroundings) -> Iterator[Finding]:
    """The processor can run compiled packages at all."""
    missing = missing_features(here.machine)
    if missing:
        yield Finding(
            name="cpu-feature-missing",
            severity="problem",
            text=f"the processor has no {', '.join(missing)}: compiled packages would "
            "end with 'Illegal instruction', so none was tried",
            fix="use a board whose profile 'edgeclf profiles list' shows",
        )


def an_engine(here: Surroundings) -> Iterator[Finding]:
    """At least one engine runs a model."""
    if not here.probes or any(here.probes[name].usable for name in _ENGINES):
        return
    yield Finding(
        name="no-engine",
        severity="problem",
        text=f"no engine runs models in this Python "
        f"{here.python[0]}.{here.python[1]} ({here.machine.architecture})",
        fix=_engine_fix(here),
    )


def engines_work(here: Surroundings) -> Iterator[Finding]:
    """Every installed engine runs a model: importing it proves nothing."""
    for name, extra in _ENGINES.items():
        found = here.probes.get(name)
        if found is None or not found.installed or found.usable:
            continue
        fix = install_line(extra)
        if name == "tflite-runtime" and here.python >= (3, 12):
            fix = install_line("litert")
        yield Finding(
            name="engine-not-usable",
            severity="warning",
            text=f"{name} {_reason(here, name)}",
            fix=fix,
        )


def opencv_there(here: Surroundings) -> Iterator[Finding]:
    """OpenCV is there: without it pictures are resized several times slower."""
    found = here.probes.get("opencv")
    if found is None or found.installed:
        return
    fix = install_line("opencv")
    if here.machine.python_bits == 32:
        fix = "sudo apt install python3-opencv  # no wheel for 32-bit systems"
    yield Finding(
        name="opencv-missing",
        severity="warning",
        text="OpenCV (cv2) is not installed: pictures are resized more slowly, and "
        "videos cannot be read",
        fix=fix,
    )


def opencv_works(here: Surroundings) -> Iterator[Finding]:
    """OpenCV can be imported."""
    found = here.probes.get("opencv")
    if found is None or not found.installed or found.usable:
        return
    detail = found.detail or "it cannot be imported"
    if "libGL" in detail:
        yield Finding(
            name="libgl-missing",
            severity="warning",
            text=f"OpenCV cannot be imported: {detail}",
            fix="sudo apt install libgl1  # or use opencv-python-headless instead",
        )
        return
    yield Finding(
        name="opencv-broken",
        severity="warning",
        text=f"OpenCV cannot be imported: {detail}",
        fix=install_line("opencv"),
    )


def one_opencv(here: Surroundings) -> Iterator[Finding]:
    """Only one distribution brings cv2: they overwrite each other's files."""
    installed = [name for name in _OPENCVS if name in here.packages]
    if len(installed) > 1:
        yield Finding(
            name="two-opencvs",
            severity="warning",
            text=f"{' and '.join(installed)} overwrite each other's files",
            fix=f"{_pip(here)} uninstall -y {' '.join(installed)} && "
            f"{install_line('opencv')}",
        )


def one_onnxruntime(here: Surroundings) -> Iterator[Finding]:
    """Only one ONNX Runtime is there: the CPU's wheel hides the GPU's."""
    if {"onnxruntime", "onnxruntime-gpu"} <= here.packages.keys():
        yield Finding(
            name="two-onnxruntimes",
            severity="warning",
            text="onnxruntime and onnxruntime-gpu live in one folder: the last "
            "installed hides the other",
            fix=f"{_pip(here)} uninstall -y onnxruntime onnxruntime-gpu, then install "
            "the one that you want; on a Jetson the vendor's wheel",
        )


def camera_visible(here: Surroundings) -> Iterator[Finding]:
    """The distribution's picamera2 can be imported from this environment."""
    there = (here.root / _PICAMERA).is_dir()
    if there and here.in_venv and not here.sees_system_packages:
        setting = "include-system-site-packages = "
        yield Finding(
            name="venv-hides-picamera2",
            severity="warning",
            text="picamera2 is installed by the distribution, and this virtual "
            "environment does not see it",
            fix=f"sed -i 's/{setting}false/{setting}true/' {here.prefix}/pyvenv.cfg",
        )


def camera_numpy(here: Surroundings) -> Iterator[Finding]:
    """What picamera2 imports was built for this numpy."""
    found = here.probes.get("simplejpeg")
    if found is None or not found.installed or found.usable:
        return
    if (here.root / _SIMPLEJPEG).is_dir() and here.sees_system_packages:
        numpy = here.packages.get("numpy", "?")
        yield Finding(
            name="numpy-breaks-picamera2",
            severity="warning",
            text=f"simplejpeg, which picamera2 imports, does not work with numpy "
            f"{numpy}: {found.detail}",
            fix=install_line("picamera"),
        )


def converters(here: Surroundings) -> Iterator[Finding]:
    """Whether models can be converted here."""
    if "tensorflow" not in here.packages:
        yield Finding(
            name="no-converters",
            severity="note",
            text="'edgeclf convert' is not installed, and a board does not need it; on "
            f"a workstation: {install_line('convert')}",
        )


PYTHON_CHECKS: tuple[Check, ...] = (
    cpu_features,
    an_engine,
    engines_work,
    opencv_there,
    opencv_works,
    one_opencv,
    one_onnxruntime,
    camera_visible,
    camera_numpy,
    converters,
)


def _engine_fix(here: Surroundings) -> str:
    if here.machine.python_bits == 64:
        return install_line("litert")
    if here.python <= (3, 11):
        return install_line("tflite")
    return (
        "install a 64-bit system: no engine has a wheel for a 32-bit "
        f"Python {here.python[0]}.{here.python[1]}"
    )


def _reason(here: Surroundings, name: str) -> str:
    detail = here.probes[name].detail or "does not work here"
    numpy = here.packages.get("numpy", "")
    explains = name != "tflite-runtime" or "numpy" in detail
    if not explains and not numpy.startswith("1."):
        return f"{detail}; it was built for numpy 1, and this is numpy {numpy}"
    return detail


def _pip(here: Surroundings) -> str:
    return f"{here.prefix}/bin/python -m pip" if here.in_venv else "python3 -m pip"
