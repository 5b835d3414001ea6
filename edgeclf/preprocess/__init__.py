"""Preprocessing, once: the same pixels in training, conversion and on the board."""

from edgeclf.preprocess.preprocessor import Preprocessor
from edgeclf.preprocess.presets import PRESETS, Preset, preset

__all__ = ["PRESETS", "Preprocessor", "Preset", "preset"]
