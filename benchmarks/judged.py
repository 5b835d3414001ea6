"""Model files of any tool, run on the same pictures by the same engines."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter_ns

import numpy as np
from numpy.typing import NDArray

from converters.gate.scoring import artefact_scores
from converters.pictures import PictureSet, after_resize
from edgeclf.backends import open_backend
from edgeclf.types import Model, ModelFormat, ModelSpec, PreprocessSpec, Task

__all__ = ["Artefact", "Pixels", "decisions", "interleaved"]

Pixels = Sequence[NDArray[np.uint8]]
"""Pictures after crop and resize."""

_WARM_UP = 20


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Artefact:
    """A model file that a tool made.

    Attributes:
        tool: Its name, for people.
        format: What the file is.
        data: Its bytes.
        preprocess: What turns a picture into its input.
        seconds: From the trained model to the bytes.
        notes: What the reader of a figure must know.
    """

    tool: str
    format: ModelFormat
    data: bytes = field(repr=False)
    preprocess: PreprocessSpec
    seconds: float
    notes: tuple[str, ...] = ()

    def model(self) -> Model:
        """Return it as the engines' adapters take it."""
        with open_backend(self.data, format=self.format) as backend:
            image, scores = backend.input, backend.output
        spec = ModelSpec(
            format=self.format,
            input=image,
            output=scores,
            preprocess=replace(self.preprocess, dtype=image.dtype),
        )
        classes = spec.output.shape[-1]
        return Model(
            name=self.tool,
            spec=spec,
            task=Task(scores="logits"),
            labels=tuple(str(number) for number in range(classes)),
            data=self.data,
            digest="0" * 64,
        )


def decisions(artefact: Artefact, pixels: Pixels) -> NDArray[np.intp]:
    """Return an artefact's top-1 for each picture, on this machine's engine."""
    pictures = PictureSet(pixels=pixels, origin="evaluate")
    scores = artefact_scores(artefact.model(), pictures, engine=None)
    top: NDArray[np.intp] = scores.argmax(axis=1)
    return top


def interleaved(
    artefacts: Sequence[Artefact], picture: NDArray[np.uint8], *, rounds: int
) -> list[list[int]]:
    """Return times of an invoke in nanoseconds, one list an artefact, one thread.

    All run once a round, so that whatever slows this machine slows all of them.

    Args:
        artefacts: At least one.
        picture: After the resize.
        rounds: Counted ones.
    """
    models = [artefact.model() for artefact in artefacts]
    tensors = [after_resize(m.spec.preprocess, m.spec.input)(picture) for m in models]
    backends = [open_backend(m.data, format=m.spec.format, threads=1) for m in models]
    times: list[list[int]] = [[] for _ in models]
    for number in range(_WARM_UP + rounds):
        for backend, tensor, own in zip(backends, tensors, times, strict=True):
            start = perf_counter_ns()
            backend.run(tensor)
            if number >= _WARM_UP:
                own.append(perf_counter_ns() - start)
    for backend in backends:
        backend.close()
    return times
