"""LiteRT, TensorFlow Lite's present name: the ``ai-edge-litert`` package."""

from typing import ClassVar

import ai_edge_litert
from ai_edge_litert.interpreter import Interpreter

from edgeclf.backends.interpreter import InterpreterBackend

__all__ = ["LiteRTBackend"]


class LiteRTBackend(InterpreterBackend):
    """A ``.tflite`` model in LiteRT."""

    engine: ClassVar[str] = "litert"
    interpreter_class = Interpreter

    @classmethod
    def version(cls) -> str:
        """Return the version of ``ai-edge-litert``."""
        return str(ai_edge_litert.__version__)
