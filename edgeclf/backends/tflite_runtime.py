"""tflite-runtime: for boards where LiteRT has no wheel (32-bit Raspberry Pi OS)."""

from typing import ClassVar

import tflite_runtime
from tflite_runtime.interpreter import Interpreter

from edgeclf.backends.interpreter import InterpreterBackend
from edgeclf.errors import BackendError, ModelFileError
from edgeclf.modelfile import read_model_file

__all__ = ["TFLiteRuntimeBackend"]


class TFLiteRuntimeBackend(InterpreterBackend):
    """A ``.tflite`` model in tflite-runtime."""

    engine: ClassVar[str] = "tflite-runtime"
    interpreter_class = Interpreter

    @classmethod
    def version(cls) -> str:
        """Return the version of ``tflite-runtime``."""
        return str(tflite_runtime.__version__)

    def _check(self, data: bytes) -> None:
        """Refuse a damaged file: this engine follows its offsets without looking."""
        try:
            read_model_file(data, name="the file")
        except ModelFileError as error:
            raise BackendError(
                f"{self.engine} cannot load the model: {error}"
            ) from error
