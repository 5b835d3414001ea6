"""Trying native packages in child processes, so that a crash is a finding."""

import json
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

__all__ = ["CRASHED", "PROBES", "Probe", "probe"]

_TIMEOUT_S = 20
"""For what should take a second; a slow card that reads an engine the first time may
take several."""
_PROVIDERS_TIMEOUT_S = 4
"""A provider may build an engine for minutes at its first model."""

_GROUPS: Final[Mapping[tuple[str, ...], int]] = {
    ("numpy", "opencv", "simplejpeg"): _TIMEOUT_S,
    ("litert", "tflite-runtime"): _TIMEOUT_S,
    ("onnxruntime",): _TIMEOUT_S,
    ("onnxruntime-providers",): _PROVIDERS_TIMEOUT_S,
}
"""What one child tries, one after the other, and its time in seconds."""

PROBES: Final = (
    "numpy",
    "litert",
    "tflite-runtime",
    "onnxruntime",
    "onnxruntime-providers",
    "opencv",
    "simplejpeg",
)
"""What is tried, in the order of showing it."""

CRASHED: Final = "it crashed: "
"""How the detail of a package that ended its child begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What became of trying one package.

    Attributes:
        installed: Whether it is there.
        usable: Whether it worked.
        version: Its own.
        detail: Why it did not work.
        parts: What was compiled into it, such as ONNX Runtime's execution providers,
            and why each does not work here; ``None`` for one that does.
    """

    installed: bool
    usable: bool
    version: str | None = None
    detail: str | None = None
    parts: Mapping[str, str | None] = field(default_factory=dict)


def probe(
    command: Sequence[str] = (sys.executable, "-m", "edgeclf.doctor.probe_child"),
) -> Mapping[str, Probe]:
    """Try every package of ``PROBES``, in several children side by side.

    What ends a child is the package that it was at; a new child tries the rest.

    Args:
        command: What to start: it is given names, and prints a line of JSON after
            each.
    """
    found: dict[str, Probe] = {}
    with ThreadPoolExecutor(len(_GROUPS)) as pool:
        jobs = [
            pool.submit(_try_group, command, names, timeout_s)
            for names, timeout_s in _GROUPS.items()
        ]
        for job in jobs:
            found.update(job.result())
    return {name: found[name] for name in PROBES}


def _try_group(
    command: Sequence[str], names: Sequence[str], timeout_s: int
) -> dict[str, Probe]:
    found: dict[str, Probe] = {}
    left = list(names)
    while left:
        done, crash = _run([*command, *left], timeout_s)
        found.update(done)
        left = [name for name in left if name not in done]
        if left:
            found[left[0]] = Probe(installed=True, usable=False, detail=crash)
            del left[0]
    return found


def _run(command: Sequence[str], timeout_s: int) -> tuple[dict[str, Probe], str]:
    """Return what the child got done, and how it ended."""
    try:
        done = subprocess.run(  # noqa: S603 - this very Python
            command, capture_output=True, timeout=timeout_s, check=False
        )
    except subprocess.TimeoutExpired as error:
        return _results(error.stdout or b""), f"it did not answer in {timeout_s} s"
    if done.returncode == -signal.SIGINT:
        raise KeyboardInterrupt  # Ctrl-C reaches children too: try no more packages
    return _results(done.stdout), _ending(done.returncode, done.stderr)


def _results(printed: bytes) -> dict[str, Probe]:
    results = {}
    for line in printed.decode("utf-8", "replace").splitlines():
        if line.startswith('{"probe":') and line.endswith("}"):
            entry = json.loads(line)
            name = entry.pop("probe")
            results[name] = Probe(**entry)
    return results


def _ending(code: int, errors: bytes) -> str:
    if code < 0:
        return CRASHED + _signal_words(-code)
    last = errors.decode("utf-8", "replace").strip().splitlines()[-1:]
    return (last or [f"it ended with {code}"])[0]


def _signal_words(number: int) -> str:
    """Return a signal as people and programs call it: ``Illegal instruction (SIGILL)``."""
    words = signal.strsignal(number)
    return f"{words} ({signal.Signals(number).name})" if words else f"signal {number}"
