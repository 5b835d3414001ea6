"""Trying native packages in a child process, so that a crash is a finding."""

import json
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

__all__ = ["PROBES", "Probe", "probe"]

PROBES: Final = ("litert", "tflite-runtime", "onnxruntime", "opencv", "simplejpeg")
"""What is tried, in this order: the engines, then what reads pictures."""

_TIMEOUT_S = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What became of trying one package.

    Attributes:
        installed: Whether it is there.
        usable: Whether it worked.
        version: Its own.
        detail: Why it did not work.
    """

    installed: bool
    usable: bool
    version: str | None = None
    detail: str | None = None


def probe(
    command: Sequence[str] = (sys.executable, "-m", "edgeclf.doctor.probe_child"),
) -> Mapping[str, Probe]:
    """Try every package of ``PROBES``; what ends the child is the one that it was at.

    Args:
        command: What to start: it is given names, and prints a line of JSON before
            and after each.
    """
    found: dict[str, Probe] = {}
    left = list(PROBES)
    while left:
        done, crash = _run([*command, *left])
        found.update(done)
        left = [name for name in left if name not in done]
        if left:
            found[left[0]] = Probe(installed=True, usable=False, detail=crash)
            del left[0]
    return {name: found[name] for name in PROBES}


def _run(command: Sequence[str]) -> tuple[dict[str, Probe], str]:
    """Return what the child got done, and how it ended."""
    try:
        done = subprocess.run(  # noqa: S603 - this very Python
            command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        return {}, f"it did not answer in {_TIMEOUT_S} s"
    results = {}
    for line in done.stdout.splitlines():
        if line.startswith('{"probe":'):
            entry = json.loads(line)
            name = entry.pop("probe")
            results[name] = Probe(**entry)
    return results, _ending(done.returncode, done.stderr)


def _ending(code: int, errors: str) -> str:
    if code < 0:
        return f"it crashed: {signal.strsignal(-code) or f'signal {-code}'}"
    last = errors.strip().splitlines()[-1:] or [f"it ended with {code}"]
    return last[0]
