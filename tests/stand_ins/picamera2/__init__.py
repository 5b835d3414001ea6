"""A stand-in for picamera2 0.3: what edgeclf calls of it, and no more.

It keeps what the real one is strict about: few buffers, which stand still until they
are given back and are overwritten then, a job that is waited for, and a configuration
that differs from what was asked for. ``shown`` and ``grants`` set it up.
"""

import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Picamera2", "grants", "shown"]

shown: "dict[str, list[NDArray[np.uint8]]]" = {}
"""Each stream's bytes, one buffer after the other."""

grants: "dict[str, Any]" = {}
"""What is granted of each stream, ``colour_space``, ``models``, ``fps``, ``clock``,
``copying``."""

opened: "list[Picamera2]" = []
asked: "list[dict[str, Any]]" = []
copied: "list[str]" = []
"""The streams whose buffers were copied."""

_BUFFERS = 2


class _Request:
    def __init__(self, camera: "Picamera2", number: int) -> None:
        self._camera = camera
        self._memory = {
            name: pictures[number % len(pictures)].copy()
            for name, pictures in shown.items()
        }
        self._stamp_ns = grants.get("clock", _boot_ns)()

    def get_metadata(self) -> dict[str, Any]:
        stamp_ns = self._stamp_ns
        return {} if stamp_ns is None else {"SensorTimestamp": stamp_ns}

    def make_buffer(self, name: str) -> NDArray[np.uint8]:
        if name not in self._camera.camera_configuration():
            raise RuntimeError(f"Stream {name!r} is not defined")
        grants.get("copying", copied.append)(name)
        return np.array(self._memory[name])

    def release(self) -> None:
        for memory in self._memory.values():
            memory[:] = 99  # the next picture is written into it
        self._camera.free_buffers += 1


class _Job:
    def __init__(self, done: Callable[["_Job"], None]) -> None:
        self.done = done
        self.result: _Request | None = None


class Picamera2:
    @staticmethod
    def global_camera_info() -> list[dict[str, Any]]:
        return [{"Model": each} for each in grants.get("models", ["imx708"])]

    def __init__(self, number: int) -> None:
        if opened:
            raise RuntimeError("Camera __init__ sequence did not complete.")
        opened.append(self)
        self.number = number
        self.free_buffers = _BUFFERS
        self._configuration: dict[str, Any] = {}
        self._jobs: list[_Job] = []
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def create_video_configuration(self, **wishes: Any) -> dict[str, Any]:
        asked.append(wishes)
        return wishes

    def configure(self, configuration: dict[str, Any]) -> None:
        if "failure" in grants:
            raise RuntimeError(grants["failure"])
        self._configuration = {
            **{
                each: grants[each]
                for each in ("main", "lores")
                if each in configuration
            },
            "colour_space": grants.get("colour_space"),
        }

    def camera_configuration(self) -> dict[str, Any]:
        return self._configuration

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def capture_request(
        self, *, wait: bool, signal_function: Callable[[_Job], None]
    ) -> _Job:
        assert not wait
        job = _Job(signal_function)
        self._jobs.append(job)
        return job

    def wait(self, job: _Job) -> _Request:
        assert job.result is not None, "the real one would wait for ever"
        return job.result

    def stop(self) -> None:
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def close(self) -> None:
        opened.remove(self)

    def _run(self) -> None:
        number = 0
        while not self._stopping.wait(1 / grants.get("fps", 200)):
            hangs = number >= grants.get("hang", 10**9)
            if self._jobs and self.free_buffers and not hangs:
                self.free_buffers -= 1
                job = self._jobs.pop(0)
                job.result = _Request(self, number)
                job.done(job)
            number += 1


def _boot_ns() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) - 3_000_000


def rec(matrix: str, value_range: str) -> Any:
    """A colour space as libcamera describes one."""
    return SimpleNamespace(
        ycbcrEncoding=SimpleNamespace(name=matrix),
        range=SimpleNamespace(name=value_range),
    )
