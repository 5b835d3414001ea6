"""Preprocessing, once: the same pixels in training, conversion and on the board."""

from typing import TYPE_CHECKING, Any

from edgeclf.preprocess.preprocessor import Preprocessor

if TYPE_CHECKING:
    from edgeclf.preprocess.presets import PRESETS, Preset, preset

__all__ = ["PRESETS", "Preprocessor", "Preset", "preset"]


def __getattr__(name: str) -> Any:
    """Load the presets on first use: a board that opens a bundle needs none."""
    if name in __all__:
        from edgeclf.preprocess import presets  # noqa: PLC0415 - see above

        return getattr(presets, name)
    raise AttributeError(f"module 'edgeclf.preprocess' has no attribute {name!r}")
