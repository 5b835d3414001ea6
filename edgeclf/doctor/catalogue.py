"""Every fault that doctor knows: how bad it is, and why it matters."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

__all__ = ["FAULTS", "Fault", "Severity"]

Severity: TypeAlias = Literal["problem", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of fault.

    Attributes:
        severity: A ``problem`` keeps models from running; a ``warning`` makes them
            slow, wrong to measure, or keeps a part from working; a ``note`` is good
            to know.
        why: What it means for a classifier, one clause.
    """

    severity: Severity
    why: str


_PROBLEMS = {
    "cpu-feature-missing": "compiled packages end with 'Illegal instruction' here",
    "no-engine": "without an engine no model runs",
    "numpy-broken": "every engine hands its tensors over as numpy arrays",
}

_WARNINGS = {
    # Engines.
    "engine-not-usable": "models for this engine are refused, or run on another one",
    "native-crash": "it would end the whole program, without a message",
    "numpy-2-tflite-runtime": "it imports, and fails at its first model",
    "provider-not-working": "sessions that ask for it silently run on the CPU",
    "two-onnxruntimes": "the last one installed overwrites the other's files",
    # Python.
    "libgl-missing": "without OpenCV resizing is slow, and videos cannot be read",
    "opencv-broken": "without OpenCV resizing is slow, and videos cannot be read",
    "opencv-missing": "without OpenCV resizing is slow, and videos cannot be read",
    "python-externally-managed": "pip refuses to install an engine (PEP 668)",
    "two-opencvs": "they overwrite each other's files, and removing one breaks both",
    # Cameras.
    "camera-busy": "only one program at a time gets a camera's pictures",
    "camera-not-readable": "'run' cannot open the camera",
    "legacy-camera-stack": "libcamera and picamera2 find no camera beside it",
    "libcamera-missing": "picamera2 cannot be imported without it: no picamera:N",
    "libcamera-other-python": "its compiled part loads in its own Python only",
    "numpy-breaks-picamera2": "picamera2 cannot be imported: no picamera:N",
    "picamera2-missing": "picamera:N needs it, and pip cannot bring it",
    "usb-camera-slow": "it gives few pictures, or small ones",
    "venv-hides-picamera2": "picamera2 cannot be imported: no picamera:N",
    "video-group-missing": "'run' cannot open the camera",
    # Board.
    "32-bit-system": "models run more slowly, and LiteRT and ONNX Runtime have no wheel",
    "clock-capped": "models run more slowly than the board can",
    "cores-offline": "threads and workers share fewer cores",
    "fan-not-turning": "the board will throttle under load",
    "firmware-not-readable": "'bench' and 'run' cannot tell throttling from slowness",
    "governor": "latency follows the load, and measurements do not repeat",
    "high-load": "frames wait for other programs, and 'bench' gives no verdict",
    "hot": "the clock will fall as soon as models run",
    "runtime-not-native": "edgeclf needs Python 3.10 or newer",
    "throttled": "latency was, or is, not what the board can do",
    "under-voltage": "the firmware lowers the clock, and disks may be damaged",
    # System.
    "clock-not-set": "certificates are refused, and times in results are wrong",
    "clock-not-synchronised": "times in results and certificates may be wrong",
    "little-disk": "engines, captures and logs need room",
    "little-memory": "the kernel ends programs when memory runs out",
    "memory-cgroup-off": "the limit that 'service install' sets has no effect",
    "read-only-disk": "results cannot be written; a failing card does this",
    "swap-in-use": "frames may wait for the disk",
    # Jetson.
    "argus-daemon-down": "csi:N gets no pictures without it",
    "gstreamer-missing": "csi:N and gst: need it, and pip cannot bring it",
    "jetson-power-mode": "clocks and cores are limited, and latency with them",
    "jetson-power-mode-unknown": "latency depends on it, and reports cannot state it",
    "venv-hides-gstreamer": "csi:N and gst: need the distribution's PyGObject",
    # USB.
    "coral-usb2": "published latencies are 2.3 to 3.2 times those of USB 3",
}

_NOTES = {
    "board": "its profile gives budgets, and temperatures to keep below",
    "no-converters": "a board does not need it, a workstation does",
    "opencv-without-gstreamer": "csi:N and gst: do not need it: they use PyGObject",
}

FAULTS: Final[Mapping[str, Fault]] = MappingProxyType(
    {name: Fault("problem", why) for name, why in _PROBLEMS.items()}
    | {name: Fault("warning", why) for name, why in _WARNINGS.items()}
    | {name: Fault("note", why) for name, why in _NOTES.items()}
)
"""Every fault by its stable name; ``docs/doctor.md`` has the same ones.

Source of the USB figure: published Edge TPU latencies on USB 2 and USB 3 hosts.
"""
