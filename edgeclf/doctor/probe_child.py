"""The child that tries native packages: ``python -m edgeclf.doctor.probe_child NAME…``.

It prints one line of JSON a package, and may well crash at one.
"""

import importlib
import json
import sys
from dataclasses import asdict

from edgeclf.doctor.probing import Probe

__all__: list[str] = []

_IMPORTS = {"opencv": "cv2", "simplejpeg": "simplejpeg"}


def _try(name: str) -> Probe:
    if name in _IMPORTS:
        return _try_import(_IMPORTS[name])
    from edgeclf.backends import engine_status  # noqa: PLC0415 - loads numpy

    status = engine_status(name)
    return Probe(
        installed=status.version is not None
        or "not installed" not in str(status.reason),
        usable=status.usable,
        version=status.version,
        detail=status.reason,
    )


def _try_import(module_name: str) -> Probe:
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name == module_name:
            return Probe(installed=False, usable=False)
        return Probe(installed=True, usable=False, detail=str(error))
    except (AttributeError, ImportError, OSError, ValueError) as error:
        return Probe(installed=True, usable=False, detail=" ".join(str(error).split()))
    return Probe(
        installed=True, usable=True, version=getattr(module, "__version__", None)
    )


if __name__ == "__main__":
    for each in sys.argv[1:]:
        sys.stdout.write(json.dumps({"probe": each, **asdict(_try(each))}) + "\n")
        sys.stdout.flush()
