"""Scores → decision: what a model's output means, one head a kind of task."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from edgeclf.errors import BackendError, SpecError
from edgeclf.types import Classification, QuantParams, Task, Tensor, TensorSpec

__all__ = ["HEADS", "Head", "MulticlassHead", "open_head"]

FloatArray: TypeAlias = NDArray[np.float32]
Indices: TypeAlias = NDArray[np.intp]

_SIGN_BIT = {"uint8": 0x00, "int8": 0x80}


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
        scores: _Scores
        if output.quantization is None:
            scores = _FloatScores(softmax=task.scores == "logits")
        else:
            scores = _IntegerScores(
                output.quantization,
                sign_bit=_SIGN_BIT[output.dtype],
                softmax=task.scores == "logits",
            )
        self._scores = scores

    def __call__(self, raw_scores: Tensor, *, top_k: int) -> tuple[Classification, ...]:
        """Return the likeliest labels; see ``Head``."""
        if top_k < 1:
            raise ValueError(f"top_k must be at least 1, got {top_k}")
        indices, probabilities = self._scores.top(raw_scores.reshape(-1), top_k)
        labels = self._labels
        return tuple(
            Classification(index=index, label=labels[index], score=score)
            for index, score in zip(
                indices.tolist(), probabilities.tolist(), strict=True
            )
        )

    def probabilities(self, raw_scores: Tensor) -> FloatArray:
        """Return every class's probability; see ``Head``."""
        return self._scores.probabilities(raw_scores.reshape(-1))


class _Scores(Protocol):
    def top(self, raw: Tensor, count: int) -> tuple[Indices, FloatArray]: ...

    def probabilities(self, raw: Tensor) -> FloatArray: ...


class _FloatScores:
    """Float32 scores."""

    def __init__(self, *, softmax: bool) -> None:
        self._softmax = softmax

    def top(self, raw: Tensor, count: int) -> tuple[Indices, FloatArray]:
        chosen = _largest(raw, count)
        if not self._softmax:
            return chosen, np.clip(raw[chosen], 0, 1)
        best = raw[chosen[0]]
        return chosen, np.exp(raw[chosen] - best) / np.exp(raw - best).sum()

    def probabilities(self, raw: Tensor) -> FloatArray:
        values: FloatArray = np.asarray(raw, np.float32)
        if not self._softmax:
            return np.clip(values, 0, 1)
        powers = np.exp(values - values.max())
        return np.asarray(powers / powers.sum(), np.float32)


class _IntegerScores:
    """Scores of one byte: everything is looked up in tables of 256 entries.

    A stored score's *distance* is how many steps it is from the largest number that
    its dtype stores, 0…255: as a uint8 it sorts in linear time, best first.
    """

    def __init__(self, params: QuantParams, *, sign_bit: int, softmax: bool) -> None:
        # int8 and uint8 differ by the top bit only; the largest becomes 0.
        self._flip = np.uint8(sign_bit ^ 0xFF)
        self._softmax = softmax
        distance = np.arange(256)
        if softmax:
            self._table = np.exp(-params.scale * distance).astype(np.float32)
        else:
            largest = 127 if sign_bit else 255
            real = params.scale * (largest - distance - params.zero_point)
            self._table = np.clip(real, 0, 1).astype(np.float32)

    def top(self, raw: Tensor, count: int) -> tuple[Indices, FloatArray]:
        distance = raw.view(np.uint8) ^ self._flip
        chosen = distance.argsort(kind="stable")[:count]  # a radix sort for bytes
        return chosen, self._of(distance, distance[chosen], distance[chosen[0]])

    def probabilities(self, raw: Tensor) -> FloatArray:
        distance = raw.view(np.uint8) ^ self._flip
        return self._of(distance, distance, distance.min())

    def _of(self, everyone: Any, wanted: Any, best: Any) -> FloatArray:
        if not self._softmax:
            return np.asarray(self._table[wanted])
        total = self._table[everyone - best].sum()
        return np.asarray(self._table[wanted - best] / total, np.float32)


def _largest(values: Tensor, count: int) -> Indices:
    """Return the indices of the largest values, best first, ties in index order."""
    if not np.isfinite(values.max()):  # the largest of anything and NaN is NaN
        raise BackendError(
            "the model gives scores that are not finite numbers: it cannot be used"
        )
    candidates: Indices = np.arange(len(values))
    if count < len(values):
        # A partition alone would break ties at its edge in any order.
        edge = len(values) - count
        smallest = np.partition(values, edge)[edge]
        candidates = np.flatnonzero(values >= smallest)
    order: Indices = candidates[(-values[candidates]).argsort(kind="stable")]
    return order[:count]


HEADS: Mapping[str, Callable[[Task, TensorSpec, Sequence[str]], Head]] = (
    MappingProxyType({"multiclass": MulticlassHead})
)
"""Every kind of task that can be decided."""
