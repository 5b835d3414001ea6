"""A model that says what is in a picture: preprocess → backend → head, timed."""

import math
from operator import index
from pathlib import Path
from time import monotonic_ns, perf_counter_ns
from typing import TYPE_CHECKING

import numpy as np

from edgeclf.backends import Backend, open_backend
from edgeclf.errors import BackendError
from edgeclf.heads import Head, open_head
from edgeclf.opening import read_model
from edgeclf.preprocess import Preprocessor
from edgeclf.types import (
    EngineIdentity,
    Frame,
    Model,
    Prediction,
    TensorSpec,
    Uint8Image,
)

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self  # in typing from Python 3.11 on

__all__ = ["Classifier"]


class Classifier:
    """A model, opened on an engine.

    Not thread-safe: its buffers are used again by the next call. For two threads,
    open two classifiers; the engines let go of the GIL while they compute.

    Attributes:
        model: What was opened.
        preprocessor: Makes the model's tensor from pixels.
        backend: Runs the model.
        head: Makes labels from scores.
    """

    model: Model
    preprocessor: Preprocessor
    backend: Backend
    head: Head

    def __init__(
        self,
        model: Model,
        *,
        engine: str | None = None,
        threads: int = 1,
        top_k: int = 5,
        backend: Backend | None = None,
    ) -> None:
        """Open a model.

        Args:
            model: From a bundle or a model file.
            engine: A name in ``edgeclf.backends.BACKENDS``; by default the first that
                works here.
            threads: Threads that the engine may use, the caller's included.
            top_k: How many labels a prediction holds.
            backend: One that is open already, such as ``edgeclf.testing``'s, instead
                of the engine; it is closed with the classifier.

        Raises:
            MissingDependencyError: No fitting engine is installed.
            BackendError: The engine cannot run the model.
            SpecError: The model's parts do not fit together.
            TypeError: ``top_k`` or ``threads`` is not a whole number.
        """
        try:
            index(top_k)
        except TypeError:
            raise TypeError(f"top_k must be a whole number, got {top_k!r}") from None
        if top_k < 1:
            raise ValueError(f"top_k must be at least 1, got {top_k}")
        self.model = model
        self.top_k = top_k
        self.preprocessor = Preprocessor(model.spec.preprocess, model.spec.input)
        self.head = open_head(model.task, model.spec.output, model.labels)
        self.backend = backend or open_backend(
            model.data, format=model.spec.format, engine=engine, threads=threads
        )
        try:
            _require_same("input", self.backend.input, model.spec.input)
            _require_same("output", self.backend.output, model.spec.output)
        except BackendError:
            self.backend.close()
            raise

    @classmethod
    def open(
        cls,
        path: Path | str,
        *,
        engine: str | None = None,
        threads: int = 1,
        top_k: int = 5,
    ) -> "Self":
        """Open a bundle; the arguments are those of the class.

        Raises:
            BundleError: The file is not a bundle, or must not be used.
            InputFileError: It is missing or unreadable.
        """
        # The engine checks the model file as it loads it, and __init__ what it holds.
        return cls(read_model(path), engine=engine, threads=threads, top_k=top_k)

    @property
    def identity(self) -> EngineIdentity:
        """What really runs the model."""
        return self.backend.identity

    def classify(self, frame: Frame | Uint8Image) -> Prediction:
        """Say what is in a picture.

        Args:
            frame: From a source, or pixels: uint8, shape (height, width, 3), RGB, any
                strides.

        Returns:
            The best labels, and the nanoseconds that each stage took.

        Raises:
            TypeError: It is neither.
            ValueError: The pixels have another dtype or shape.
            BackendError: The engine failed, or the classifier is closed.
        """
        if isinstance(frame, Frame):
            origin, pixels = frame, frame.pixels
        elif isinstance(frame, np.ndarray):
            origin, pixels = None, frame
        else:
            raise TypeError(
                "classify takes a Frame or a numpy array of uint8 RGB pixels, "
                f"got {type(frame).__name__}"
            )
        started = perf_counter_ns()
        tensor = self.preprocessor(pixels)
        preprocessed = perf_counter_ns()
        scores = self.backend.run(tensor)
        invoked = perf_counter_ns()
        top = self.head(scores, top_k=self.top_k)
        decided = perf_counter_ns()
        return Prediction(
            top=top,
            stage_ns={
                "preprocess": preprocessed - started,
                "invoke": invoked - preprocessed,
                "head": decided - invoked,
            },
            decided_ns=monotonic_ns(),
            frame=origin,
            raw_scores=scores,
        )

    def close(self) -> None:
        """Let go of the model; closing twice does nothing."""
        self.backend.close()

    def __enter__(self) -> "Self":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: "TracebackType | None",
    ) -> None:
        self.close()


def _require_same(what: str, found: TensorSpec, expected: TensorSpec) -> None:
    """Refuse a model file that is not what goes with it says."""
    if (found.shape, found.dtype) != (expected.shape, expected.dtype):
        raise BackendError(
            f"the model file's {what} is {found.dtype} {found.shape}, and its "
            f"description says {expected.dtype} {expected.shape}: pack it again"
        )
    if found.quantization is None or expected.quantization is None:
        return
    if found.quantization.zero_point != expected.quantization.zero_point or (
        not math.isclose(
            found.quantization.scale, expected.quantization.scale, rel_tol=1e-6
        )
    ):
        raise BackendError(
            f"the model file's {what} has {found.quantization}, and its description "
            f"says {expected.quantization}: pack it again"
        )
