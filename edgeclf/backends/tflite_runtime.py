"""tflite-runtime: for boards where LiteRT has no wheel (32-bit Raspberry Pi OS)."""

from typing import ClassVar

import tflite_runtime
from tflite_runtime.interpreter import Interpreter

from edgeclf.backends.interpreter import InterpreterBackend

__all__ = ["TFLiteRuntimeBackend"]


class TFLiteRuntimeBackend(InterpreterBackend):
    """A ``.tflite`` model in tflite-runtime."""

    engine: ClassVar[str] = "tflite-runtime"
    interpreter_class = Interpreter

    @classmethod
    def version(cls) -> str:
        """Return the version of ``tflite-runtime``."""
        return str(tflite_runtime.__version__)
