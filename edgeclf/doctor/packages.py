"""Which distributions are installed, and how much room the runtime takes."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

__all__ = ["ClosureEntry", "installed_packages", "runtime_closure"]

_OPTIONAL_ROOTS = (
    "opencv-python-headless",
    "opencv-python",
    "ai-edge-litert",
    "tflite-runtime",
    "onnxruntime",
    "onnxruntime-gpu",
    "paho-mqtt",
    "prometheus-client",
    "tornado",
)
"""What the runtime uses when it is there."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosureEntry:
    """One distribution that the runtime brings along.

    Attributes:
        name: Normalised.
        version: Installed.
        size_mib: Of its files, as its record states them.
    """

    name: str
    version: str
    size_mib: float


def installed_packages() -> Mapping[str, str]:
    """Return the version of each installed distribution, by normalised name."""
    return {
        _normalised(each.metadata["Name"]): each.version
        for each in metadata.distributions()
        if "Name" in each.metadata  # a half-removed one has none
    }


def runtime_closure(packages: Mapping[str, str]) -> tuple[ClosureEntry, ...]:
    """Return edgeclf, its engines, and all that they need, largest first."""
    names: set[str] = set()
    open_names = ["edgeclf", *_OPTIONAL_ROOTS]
    while open_names:
        name = open_names.pop()
        if name in packages and name not in names:
            names.add(name)
            open_names.extend(_requirements(name))
    entries = [
        ClosureEntry(name=name, version=packages[name], size_mib=_size(name) / 2**20)
        for name in names
    ]
    return tuple(sorted(entries, key=lambda each: (-each.size_mib, each.name)))


def _requirements(name: str) -> Iterable[str]:
    """Return what a distribution needs, extras aside.

    Markers for other systems do no harm, as only what is installed counts.
    """
    for line in metadata.requires(name) or ():
        match = _NAME.match(line)
        if match and "extra ==" not in line.replace("extra==", "extra =="):
            yield _normalised(match[0])


def _size(name: str) -> int:
    if name == "edgeclf":  # an editable install's record does not hold the code
        folder = Path(__file__).parents[1]
        return sum(path.stat().st_size for path in folder.rglob("*.py"))
    files = metadata.files(name) or ()
    return sum(each.size or 0 for each in files)


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
