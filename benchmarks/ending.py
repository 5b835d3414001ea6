"""How soon ``edgeclf run`` ends when it is asked to, and whether it reports."""

import json
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.figures import Figure

__all__ = ["ending"]


def ending(bundle: Path, *, times: int) -> list[Figure]:
    """Send SIGTERM to a run that works well, and to one whose sinks do not.

    Args:
        bundle: What runs.
        times: How often each.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        socket.create_server(("127.0.0.1", 0)) as deaf,
    ):
        nobody = f"127.0.0.1:{deaf.getsockname()[1]}"
        ways = {
            "synthetic camera": [],
            "same, two workers": ["--workers", "2"],
            "same, a broker and a webhook that accept and never answer": [
                f"--sink=mqtt://{nobody}/edgeclf",
                f"--sink=http://{nobody}/",
                f"--sink=jsonl:{folder}/decisions.jsonl",
            ],
        }
        return [_figure(name, bundle, way, times) for name, way in ways.items()]


def _figure(name: str, bundle: Path, way: list[str], times: int) -> Figure:
    took_s = [_took_s(bundle, way) for _ in range(times)]
    return Figure(
        name=f"SIGTERM to `run`, {name}: seconds to its end with a report, {times} times",
        measured=f"{max(took_s):.2f} at most (median {np.median(took_s):.2f})",
        bar="≤ 2",
        holds=max(took_s) <= 2,
    )


def _took_s(bundle: Path, way: list[str]) -> float:
    """Return the seconds from the signal to the end.

    Raises:
        RuntimeError: It did not end well, or without a report.
    """
    command = [sys.executable, "-m", "edgeclf", "run", str(bundle)]
    child = subprocess.Popen(  # noqa: S603 - this package
        [*command, "--source", "synthetic:7", "--json", *way],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with child:
        assert child.stdout is not None  # noqa: S101 - a pipe was asked for
        child.stdout.readline()  # the first decision
        time.sleep(1)
        started = time.monotonic()
        child.send_signal(signal.SIGTERM)
        lines = child.stdout.read().splitlines()
        code = child.wait()
        took_s = time.monotonic() - started
    last = json.loads(lines[-1])
    if code != 0 or "counts" not in last.get("report", last):
        raise RuntimeError(f"ended with {code}, and said last: {lines[-1][:200]}")
    return took_s
