"""Run trained image classifiers on small boards, and know what they cost there.

    from edgeclf import Classifier, open_source

Importing this package loads no engine and no camera library.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgeclf.bundle import Bundle, read_bundle
    from edgeclf.classifier import Classifier
    from edgeclf.errors import EdgeclfError
    from edgeclf.sources import open_source
    from edgeclf.types import Classification, Frame, Prediction

__all__ = [
    "Bundle",
    "Classification",
    "Classifier",
    "EdgeclfError",
    "Frame",
    "Prediction",
    "__version__",
    "open_source",
    "read_bundle",
]

_HOMES = {
    "Bundle": "edgeclf.bundle",
    "Classification": "edgeclf.types",
    "Classifier": "edgeclf.classifier",
    "EdgeclfError": "edgeclf.errors",
    "Frame": "edgeclf.types",
    "Prediction": "edgeclf.types",
    "open_source": "edgeclf.sources",
    "read_bundle": "edgeclf.bundle",
}


def __getattr__(name: str) -> Any:
    """Load a public name from its home on first use."""
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415 - 20 ms, rarely asked

        return version("edgeclf")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'edgeclf' has no attribute {name!r}")
