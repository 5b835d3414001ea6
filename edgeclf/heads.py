"""Scores → decision: what a model's output means, one head a kind of task."""

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from edgeclf.errors import BackendError, SpecError
from edgeclf.types import Classification, QuantParams, Task, Tensor, TensorSpec

__all__ = ["HEADS", "Head", "MulticlassHead", "open_head"]

FloatArray: TypeAlias = NDArray[np.float32]

_LARGEST_EXPONENT = 600.0
"""exp(-600) is a normal double."""


class Head(Protocol):
    """Turns a model's raw scores into labels."""

    def __call__(self, raw_scores: Tensor, *, top_k: int) -> tuple[Classification, ...]:
        """Return the ``top_k`` likeliest labels, or all when there are fewer.

        Args:
            raw_scores: As the backend gives them, shape (1, classes).
            top_k: At least 1.

        Returns:
            Best first; equal scores in the order of their index.

        Raises:
            BackendError: The scores are not numbers.
        """
        ...

    def probabilities(self, raw_scores: Tensor) -> FloatArray:
        """Return every class's probability, float32 in 0…1, shape (classes,)."""
        ...


def open_head(task: Task, output: TensorSpec, labels: Sequence[str]) -> Head:
    """Return the head for a task.

    Args:
        task: What the scores mean.
        output: How the model stores them.
        labels: One a class.

    Raises:
        SpecError: There is no head for this task, or the three do not fit together.
    """
    if task.kind not in HEADS:
        raise SpecError(f"no head for task {task.kind!r}: there is {', '.join(HEADS)}")
    if output.shape != (1, len(labels)):
        raise SpecError(
            f"the model gives scores of shape {output.shape}, which does not fit "
            f"{len(labels)} labels: expected (1, {len(labels)})"
        )
    if output.dtype != "float32" and output.quantization is None:
        raise SpecError(
            f"the model gives {output.dtype} scores without scale and zero point: "
            "what they stand for is unknown"
        )
    return HEADS[task.kind](task, output, labels)


class MulticlassHead:
    """Exactly one label is right: probabilities that sum to 1.

    Args:
        task: Whether the scores are logits or probabilities.
        output: How the model stores them; checked by ``open_head``.
        labels: One a class.
    """

    def __init__(self, task: Task, output: TensorSpec, labels: Sequence[str]) -> None:
        self._labels = tuple(labels)
        softmax = task.scores == "logits"
        self._scores: _Scores
        if output.quantization is None:
            self._scores = _FloatScores(softmax=softmax)
        elif softmax and output.quantization.scale * 255 > _LARGEST_EXPONENT:
            self._scores = _WideScores(output.quantization)
        else:
            self._scores = _IntegerScores(
                output.quantization, signed=output.dtype == "int8", softmax=softmax
            )

    def __call__(self, raw_scores: Tensor, *, top_k: int) -> tuple[Classification, ...]:
        """Return the likeliest labels; see ``Head``."""
        if top_k < 1:
            raise ValueError(f"top_k must be at least 1, got {top_k}")
        labels = self._labels
        return tuple(
            [
                Classification(index, labels[index], score)
                for index, score in self._scores.top(raw_scores[0], top_k)
            ]
        )

    def probabilities(self, raw_scores: Tensor) -> FloatArray:
        """Return every class's probability; see ``Head``."""
        return self._scores.probabilities(raw_scores[0])


class _Scores(Protocol):
    def top(self, raw: Tensor, count: int) -> list[tuple[int, float]]: ...

    def probabilities(self, raw: Tensor) -> FloatArray: ...


class _FloatScores:
    """Float32 scores."""

    def __init__(self, *, softmax: bool) -> None:
        self._softmax = softmax

    def top(self, raw: Tensor, count: int) -> list[tuple[int, float]]:
        best = _largest(raw, count)
        if not self._softmax:
            return [(index, min(max(score, 0.0), 1.0)) for index, score in best]
        highest = best[0][1]
        total = float(np.exp(raw - np.float32(highest)).sum())
        return [(index, math.exp(score - highest) / total) for index, score in best]

    def probabilities(self, raw: Tensor) -> FloatArray:
        values: FloatArray = np.asarray(raw, np.float32)
        if not self._softmax:
            return np.clip(values, 0, 1)
        powers = np.exp(values - values.max())
        return np.asarray(powers / powers.sum(), np.float32)


class _IntegerScores:
    """Scores of one byte: everything is looked up in tables of 256 entries.

    An invoke leaves the processor's caches full of weights, so every numpy call after
    it is slow the first time; there are as few as can be.
    """

    def __init__(self, params: QuantParams, *, signed: bool, softmax: bool) -> None:
        # A negative int8 counts from the end of a table, as any negative index does.
        stored = np.arange(256)
        if signed:
            stored[128:] -= 256
        real = params.scale * (stored - float(params.zero_point))
        self._softmax = softmax
        self._table = np.exp(real - real.max()) if softmax else np.clip(real, 0, 1)
        self._numbers: list[float] = self._table.tolist()

    def top(self, raw: Tensor, count: int) -> list[tuple[int, float]]:
        # Backwards and read from its end, a stable sort gives the best first and ties
        # in the order of their index. Bytes are radix sorted, in linear time.
        last = len(raw) - 1
        order = raw[::-1].argsort(kind="stable")[: -count - 1 : -1].tolist()
        total = self._table.take(raw).sum().item() if self._softmax else 1.0
        numbers = self._numbers
        return [(last - at, numbers[raw.item(last - at)] / total) for at in order]

    def probabilities(self, raw: Tensor) -> FloatArray:
        values = self._table[raw]
        total = values.sum() if self._softmax else 1.0
        return np.asarray(values / total, np.float32)


class _WideScores:
    """Logits of one byte whose steps are so large that their powers leave a double."""

    def __init__(self, params: QuantParams) -> None:
        self._params = params
        self._floats = _FloatScores(softmax=True)

    def top(self, raw: Tensor, count: int) -> list[tuple[int, float]]:
        return self._floats.top(self._real(raw), count)

    def probabilities(self, raw: Tensor) -> FloatArray:
        return self._floats.probabilities(self._real(raw))

    def _real(self, raw: Tensor) -> FloatArray:
        steps = raw.astype(np.float32) - np.float32(self._params.zero_point)
        return np.asarray(np.float32(self._params.scale) * steps)


def _largest(values: Tensor, count: int) -> list[tuple[int, float]]:
    """Return index and value of the largest, best first, ties in index order."""
    count = min(count, len(values))
    edge = len(values) - count
    # A partition puts what is at its edge where a sort would, and NaN behind all.
    # It alone would break ties in any order; the sort below keeps that of the index.
    smallest = np.partition(values, edge).item(edge)
    found = (values >= smallest).nonzero()[0].tolist()
    pairs = [(index, values.item(index)) for index in found]
    if len(pairs) < count or not all(math.isfinite(value) for _, value in pairs):
        raise BackendError(
            "the model gives scores that are not finite numbers: it cannot be used"
        )
    pairs.sort(key=lambda pair: -pair[1])
    return pairs[:count]


HEADS: Mapping[str, Callable[[Task, TensorSpec, Sequence[str]], Head]] = (
    MappingProxyType({"multiclass": MulticlassHead})
)
"""Every kind of task that can be decided."""
