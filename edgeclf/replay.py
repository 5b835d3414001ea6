"""Running one golden vector again, and how far it is from what was stored."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edgeclf.backends import Backend
from edgeclf.decode import decode_image
from edgeclf.golden import GoldenVector
from edgeclf.preprocess import Preprocessor
from edgeclf.types import ModelSpec, Tensor

__all__ = ["ScoreTolerance", "VectorResult", "replay"]

_ROUNDING = 1e-3  # of a step: float32 arithmetic on either side


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreTolerance:
    """How far a score may be from the stored one.

    Attributes:
        limit: In ``unit``.
        unit: ``LSB``, a step of the stored integers; or ``score``, the model's own
            numbers.
    """

    limit: float
    unit: Literal["LSB", "score"]

    def shown(self, error: float) -> str:
        """Return an error as people read it."""
        return f"{error:.3g} LSB" if self.unit == "LSB" else f"{error:.3g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorResult:
    """What replaying one golden vector showed.

    Attributes:
        name: The vector's.
        tensor_error: Largest difference of the tensor, in steps of one pixel value.
        score_error: Largest difference of a score, in the tolerance's unit.
        top_stored: Class with the highest stored score.
        top_here: Class with the highest score on this machine.
        fault: What is wrong, in one line; ``None`` when all is well.
    """

    name: str
    tensor_error: float
    score_error: float
    top_stored: int
    top_here: int
    fault: str | None


def replay(
    vector: GoldenVector,
    spec: ModelSpec,
    preprocessor: Preprocessor,
    backend: Backend,
    tolerance: ScoreTolerance,
) -> VectorResult:
    """Return how far this machine is from what the vector stores.

    Args:
        vector: Picture, tensor and scores.
        spec: What the model takes and gives.
        preprocessor: Makes the tensor here.
        backend: Runs the *stored* tensor here.
        tolerance: How far a score may be.

    Raises:
        ImageError: The picture cannot be decoded.
        BackendError: The engine fails.
    """
    pixels = decode_image(
        vector.image, spec.preprocess.decode, name=f"golden picture {vector.name!r}"
    )
    tensor_error = _tensor_error(preprocessor(pixels), vector.tensor, spec)
    here, stored = _plain(backend.run(vector.tensor)), _plain(vector.scores)
    score_error = _worst(np.abs(here - stored))
    top_here, top_stored = int(here.argmax()), int(stored.argmax())
    margin = _margin(stored)
    fault = None
    if not tensor_error <= 1 + _ROUNDING:
        fault = f"the tensor is {tensor_error:.3g} pixel steps off, 1 is allowed"
    elif not score_error <= tolerance.limit * (1 + 1e-9):
        fault = (
            f"a score is {tolerance.shown(score_error)} off, "
            f"{tolerance.limit:.3g} is allowed"
        )
    elif top_here != top_stored and margin > tolerance.limit:
        fault = f"class {top_here} comes first, not class {top_stored}"
    return VectorResult(
        name=vector.name,
        tensor_error=tensor_error,
        score_error=score_error,
        top_stored=top_stored,
        top_here=top_here,
        fault=fault,
    )


def _tensor_error(here: Tensor, stored: Tensor, spec: ModelSpec) -> float:
    difference = np.abs(_plain(here) - _plain(stored))
    axis = {"nhwc": 3, "nchw": 1}[spec.preprocess.layout]
    by_channel = np.moveaxis(difference, axis, 0).reshape(3, -1)
    return max(
        _worst(channel / step)
        for channel, step in zip(by_channel, _pixel_steps(spec), strict=True)
    )


def _pixel_steps(spec: ModelSpec) -> tuple[float, ...]:
    """Return how much a tensor changes at most when a pixel does by 1, per channel."""
    if spec.preprocess.normalization == "graph":
        return (1.0, 1.0, 1.0)
    steps = (1 / abs(std) for std in spec.preprocess.std)
    if spec.input.dtype == "float32":
        return tuple(steps)
    quantization = spec.input.quantization
    scale = 1.0 if quantization is None else quantization.scale
    return tuple(float(max(1, math.ceil(step / scale - _ROUNDING))) for step in steps)


def _plain(tensor: Tensor) -> NDArray[np.float64]:
    return tensor.astype(np.float64)


def _worst(differences: NDArray[np.float64]) -> float:
    """Return the largest; NaN counts as infinitely far."""
    worst = float(differences.max())
    return worst if math.isfinite(worst) else math.inf


def _margin(scores: NDArray[np.float64]) -> float:
    if scores.size < 2:
        return 0.0
    second, first = np.sort(scores.ravel())[-2:]
    return float(first - second)
