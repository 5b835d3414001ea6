"""How soon frames are decided again when a camera's server is back."""

import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.figures import Figure
from edgeclf.classifier import Classifier
from edgeclf.sources import open_source
from edgeclf.stream import Decision, Event, LoopReport, Recovery, Stop, run_loop
from edgeclf.types import Model, Uint8Image

__all__ = ["reconnect"]

_LONGEST_AWAY_S = 12.0
_WELL_S = 1.5
_PATIENCE_S = 60.0


def reconnect(model: Model, picture: Uint8Image, *, times: int) -> list[Figure]:
    """Kill a camera's server in the middle of its stream, and start it anew.

    It is away for 0 to 12 seconds; every second time the one that comes back falls
    silent by itself, in the middle of a picture, before it is killed.

    Args:
        model: What decides.
        picture: What the camera sees.
        times: How often.
    """
    dice = random.Random(7)  # noqa: S311 - no secret
    decided, stop = _LastDecision(), Stop()
    with tempfile.TemporaryDirectory() as folder, Classifier(model) as classifier:
        jpeg = Path(folder) / "picture.jpg"
        Image.fromarray(picture).save(jpeg, quality=90)
        port = _free_port()
        reopen = partial(open_source, f"http://127.0.0.1:{port}/")
        waits_s = []
        with _serving(port, jpeg) as _:
            thread = threading.Thread(
                target=run_loop,
                args=[reopen(), classifier],
                kwargs={
                    "sinks": [decided],
                    "recovery": Recovery(reopen=reopen),
                    "stop": stop,
                },
                daemon=True,  # a benchmark that gives up ends
            )
            thread.start()
            decided.wait_after(0)
        for number in range(times):
            time.sleep(_LONGEST_AWAY_S * dice.random())
            silent_after = 20 if number % 2 else None
            with _serving(port, jpeg, silent_after) as listening_ns:
                waits_s.append(decided.wait_after(listening_ns) - listening_ns / 1e9)
                time.sleep(_WELL_S + (2.0 if silent_after else 0.0))
        stop.request("terminated")
        thread.join()
    return [
        Figure(
            name=f"camera over HTTP killed and back {times} times, away for 0 to "
            f"{_LONGEST_AWAY_S:.0f} s: from its return to the first decision, s",
            measured=f"{max(waits_s):.2f} at most (median {np.median(waits_s):.2f})",
            bar="≤ 5",
            holds=max(waits_s) <= 5,
        )
    ]


@contextmanager
def _serving(port: int, jpeg: Path, silent_after: int | None = None) -> Iterator[int]:
    """Serve, and kill the server at the end; yields when it listened."""
    asked = [] if silent_after is None else [str(silent_after)]
    child = subprocess.Popen(  # noqa: S603 - this package
        [sys.executable, "-m", "benchmarks.mjpeg_child", str(port), str(jpeg), *asked],
        stdout=subprocess.PIPE,
        text=True,
    )
    with child:
        assert child.stdout is not None  # noqa: S101 - a pipe was asked for
        try:
            yield int(child.stdout.readline())
        finally:
            child.kill()


class _LastDecision:
    """A sink that knows when something was decided last."""

    def __init__(self) -> None:
        self._captured_ns = 0
        self._decided_ns = 0

    def wait_after(self, since_ns: int) -> float:
        """Return when a frame was decided that was taken since then, in seconds."""
        ends_ns = time.monotonic_ns() + round(_PATIENCE_S * 1e9)
        while self._captured_ns <= since_ns:
            if time.monotonic_ns() > ends_ns:
                raise TimeoutError(f"nothing was decided for {_PATIENCE_S:.0f} s")
            time.sleep(0.005)
        return self._decided_ns / 1e9

    def decision(self, decision: Decision) -> None:
        """Note its times."""
        self._decided_ns = decision.prediction.decided_ns
        self._captured_ns = decision.frame.captured_ns

    def event(self, _: Event) -> None:
        """Outages are what is measured."""

    def report(self, _: LoopReport) -> None:
        """Nobody asks."""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
