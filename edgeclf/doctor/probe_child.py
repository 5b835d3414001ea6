"""The child that tries native packages: ``python -m edgeclf.doctor.probe_child NAME…``.

It prints one line of JSON a package, and may well crash at one.
"""

import importlib
import json
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from edgeclf.doctor.probing import Probe

__all__: list[str] = []


def _try(name: str) -> Probe:
    if name in _IMPORTS:
        return _try_import(*_IMPORTS[name])
    if name == "onnxruntime-providers":
        return _try_providers()
    from edgeclf.backends import engine_status  # noqa: PLC0415 - loads numpy

    status = engine_status(name)
    return Probe(
        installed=status.version is not None
        or "not installed" not in str(status.reason),
        usable=status.usable,
        version=status.version,
        detail=status.reason,
    )


def _try_providers() -> Probe:
    """Run a model on each provider of an ONNX Runtime that works on the CPU."""
    from edgeclf.backends import engine_parts, engine_status  # noqa: PLC0415 - loads numpy

    if not engine_status("onnxruntime").usable:
        return Probe(installed=False, usable=False)
    parts = engine_parts("onnxruntime")
    broken = [name for name, fault in parts.items() if fault is not None]
    return Probe(
        installed=True,
        usable=not broken,
        detail=f"{', '.join(broken)}: see parts" if broken else None,
        parts=parts,
    )


def _try_import(
    module_name: str, look_at: Callable[[Any], Mapping[str, str | None]]
) -> Probe:
    try:
        module = importlib.import_module(module_name)
        parts = look_at(module)
    except ModuleNotFoundError as error:
        if error.name == module_name:
            return Probe(installed=False, usable=False)
        return Probe(installed=True, usable=False, detail=str(error))
    except (AttributeError, ImportError, OSError, ValueError) as error:
        return Probe(installed=True, usable=False, detail=" ".join(str(error).split()))
    return Probe(
        installed=True,
        usable=True,
        version=getattr(module, "__version__", None),
        parts=parts,
    )


def _multiply(numpy: Any) -> Mapping[str, str | None]:
    """Use the linear algebra that numpy brings: it chooses its code by processor."""
    ones = numpy.ones((32, 32), numpy.float32)
    if (ones @ ones)[0, 0] != 32:
        raise ValueError("it multiplies wrongly")
    return {}


def _video_parts(cv2: Any) -> Mapping[str, str | None]:
    match = re.search(r"GStreamer:\s+(YES|NO)", cv2.getBuildInformation())
    if match is None:
        return {}
    left_out = None if match[1] == "YES" else "it was left out when OpenCV was built"
    return {"GStreamer": left_out}


def _nothing(_module: Any) -> Mapping[str, str | None]:
    return {}


_IMPORTS: Mapping[str, tuple[str, Callable[[Any], Mapping[str, str | None]]]] = {
    "numpy": ("numpy", _multiply),
    "opencv": ("cv2", _video_parts),
    "simplejpeg": ("simplejpeg", _nothing),
}
"""Module of each package that is no engine, and what to do with it."""


if __name__ == "__main__":
    for each in sys.argv[1:]:
        sys.stdout.write(json.dumps({"probe": each, **asdict(_try(each))}) + "\n")
        sys.stdout.flush()
