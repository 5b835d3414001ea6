"""Checks of the processor, numpy and the engines."""

from collections.abc import Iterator

from edgeclf.doctor.finding import Check, Finding
from edgeclf.doctor.fixes import pip
from edgeclf.doctor.probing import CRASHED
from edgeclf.doctor.surroundings import Surroundings, missing_features
from edgeclf.install import install_line

__all__ = ["ENGINE_CHECKS"]

_ENGINES = {"litert": "litert", "tflite-runtime": "tflite", "onnxruntime": "onnx"}
"""Extra of each engine."""


def cpu_features(here: Surroundings) -> Iterator[Finding]:
    """The processor can run compiled packages at all."""
    missing = missing_features(here.machine)
    if missing:
        yield Finding(
            name="cpu-feature-missing",
            text=f"the processor has no {', '.join(missing)}, so no compiled package "
            "was tried",
            fix="use a board whose profile 'edgeclf profiles list' shows",
        )


def numpy_works(here: Surroundings) -> Iterator[Finding]:
    """Numpy can be imported and multiplies."""
    found = here.probes.get("numpy")
    if found is None or found.usable:
        return
    detail = found.detail or "it is not installed"
    fix = f"{pip(here)} install --force-reinstall 'numpy{_numpy_bound(here)}'"
    if "SIGILL" in detail and here.machine.architecture == "aarch64":
        # OpenBLAS takes some ARM processors for newer ones; a plain ARMv8 is always one.
        fix = "echo 'export OPENBLAS_CORETYPE=ARMV8' >> ~/.profile && . ~/.profile"
    yield Finding(name="numpy-broken", text=f"numpy does not work: {detail}", fix=fix)


def an_engine(here: Surroundings) -> Iterator[Finding]:
    """At least one engine runs a model."""
    if not here.probes or any(here.probes[name].usable for name in _ENGINES):
        return
    if _numpy_is_broken(here):
        return  # that is what to mend first
    yield Finding(
        name="no-engine",
        text=f"no engine runs models in this Python "
        f"{here.python[0]}.{here.python[1]} ({here.machine.architecture})",
        fix=_engine_fix(here),
    )


def engines_work(here: Surroundings) -> Iterator[Finding]:
    """Every installed engine runs a model: importing it proves nothing."""
    if _numpy_is_broken(here):
        return
    for name in _ENGINES:
        found = here.probes.get(name)
        if found is None or not found.installed or found.usable:
            continue
        detail = found.detail or "does not work here"
        yield Finding(
            name=_fault_of_engine(here, name, detail),
            text=f"{name} {detail}{_numpy_seen(here, name, detail)}",
            fix=_fix_of_engine(here, name),
        )


def one_onnxruntime(here: Surroundings) -> Iterator[Finding]:
    """Only one ONNX Runtime is there: the CPU's wheel hides the GPU's."""
    if {"onnxruntime", "onnxruntime-gpu"} <= here.packages.keys():
        yield Finding(
            name="two-onnxruntimes",
            text="onnxruntime and onnxruntime-gpu live in one folder",
            fix=f"{pip(here)} uninstall -y onnxruntime onnxruntime-gpu && "
            f"{install_line('onnx')}  # on a Jetson the vendor's wheel instead",
        )


def providers_work(here: Surroundings) -> Iterator[Finding]:
    """Every provider compiled into ONNX Runtime runs a model, read back from it."""
    found = here.probes.get("onnxruntime-providers")
    if found is None or not found.installed or found.usable:
        return
    broken = {name: why for name, why in found.parts.items() if why is not None}
    # With no parts, one of them ended the child or kept it busy.
    seen = "; ".join(f"{name}: {why}" for name, why in broken.items()) or found.detail
    others = [name for name in here.packages if name.startswith("onnxruntime-")]
    remove = " ".join(["onnxruntime", *sorted(others)])
    yield Finding(
        name="provider-not-working",
        text=f"ONNX Runtime was built with what does not work here: {seen}",
        fix=f"{pip(here)} uninstall -y {remove} && {install_line('onnx')}"
        "  # to do with the CPU",
    )


def converters(here: Surroundings) -> Iterator[Finding]:
    """Whether models can be converted here."""
    if "tensorflow" not in here.packages:
        yield Finding(
            name="no-converters",
            text="'edgeclf convert' is not installed, and a board does not need it; on "
            f"a workstation: {install_line('convert')}",
        )


ENGINE_CHECKS: tuple[Check, ...] = (
    cpu_features,
    numpy_works,
    an_engine,
    engines_work,
    one_onnxruntime,
    providers_work,
    converters,
)


def _numpy_is_broken(here: Surroundings) -> bool:
    found = here.probes.get("numpy")
    return found is not None and not found.usable


def _has_numpy_2(here: Surroundings) -> bool:
    return here.packages.get("numpy", "").partition(".")[0] not in {"", "0", "1"}


def _numpy_bound(here: Surroundings) -> str:
    return "<2" if "tflite-runtime" in here.packages else ""


def _fault_of_engine(here: Surroundings, name: str, detail: str) -> str:
    if detail.startswith(CRASHED):
        return "native-crash"
    if name == "tflite-runtime" and _has_numpy_2(here):
        return "numpy-2-tflite-runtime"
    return "engine-not-usable"


def _numpy_seen(here: Surroundings, name: str, detail: str) -> str:
    if name != "tflite-runtime" or not _has_numpy_2(here) or "numpy" in detail:
        return ""
    return f"; it was built for numpy 1, and this is numpy {here.packages['numpy']}"


def _fix_of_engine(here: Surroundings, name: str) -> str:
    if name == "tflite-runtime" and here.python >= (3, 12):
        return install_line("litert")
    return install_line(_ENGINES[name])


def _engine_fix(here: Surroundings) -> str:
    if here.machine.python_bits == 64:
        return install_line("litert")
    if here.python <= (3, 11):
        return install_line("tflite")
    return (
        "install a 64-bit system: no engine has a wheel for a 32-bit "
        f"Python {here.python[0]}.{here.python[1]}"
    )
