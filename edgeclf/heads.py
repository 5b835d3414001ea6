"""Scores → decision: what a model's output means, one head a kind of task."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from edgeclf.errors import BackendError, SpecError
from edgeclf.types import Classification, QuantParams, Task, Tensor, TensorSpec

__all__ = ["HEADS", "Head", "open_head"]

FloatArray: TypeAlias = NDArray[np.float32]

_LARGEST_EXPONENT = 600.0
"""exp(-600) is a normal double."""
_FEW = 32
"""So many labels are found sooner one by one than by a sort of all."""


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
            ValueError: ``top_k`` is less than 1.
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


def _open_multiclass(task: Task, output: TensorSpec, labels: Sequence[str]) -> Head:
    """Return a head for models of which exactly one label is right."""
    softmax = task.scores == "logits"
    params = output.quantization
    if params is None:
        return _FloatHead(labels, softmax=softmax, temperature=task.temperature)
    if softmax and params.scale / task.temperature * 255 > _LARGEST_EXPONENT:
        return _WideHead(labels, params, temperature=task.temperature)
    signed = output.dtype == "int8"
    return _ByteHead(labels, params, task, signed=signed)


class _FloatHead:
    """Float32 scores."""

    def __init__(
        self, labels: Sequence[str], *, softmax: bool, temperature: float
    ) -> None:
        self._labels = tuple(labels)
        self._softmax = softmax
        self._temperature = temperature

    def __call__(self, raw_scores: Tensor, *, top_k: int) -> tuple[Classification, ...]:
        if top_k < 1:
            raise _no_label(top_k)
        labels = self._labels
        best = _largest(raw_scores[0], top_k)
        share = self._shares(raw_scores, highest=best[0][1])
        return tuple(
            [
                Classification(index, labels[index], share(score))
                for index, score in best
            ]
        )

    def probabilities(self, raw_scores: Tensor) -> FloatArray:
        values: FloatArray = np.asarray(raw_scores[0], np.float32)
        if not self._softmax:
            return np.clip(values, 0, 1)
        powers = self._powers(values, values.max())
        return np.asarray(powers / powers.sum(), np.float32)

    def _powers(self, values: FloatArray, highest: np.float32) -> FloatArray:
        below = values - highest
        if self._temperature != 1:
            below = below / np.float32(self._temperature)
        return np.asarray(np.exp(below))

    def _shares(self, raw_scores: Tensor, highest: float) -> Callable[[float], float]:
        """Return what makes a probability of a score."""
        if not self._softmax:
            return lambda score: min(max(score, 0.0), 1.0)
        total = float(self._powers(raw_scores, np.float32(highest)).sum())
        temperature = self._temperature
        return lambda score: math.exp((score - highest) / temperature) / total


class _ByteHead:
    """Scores of one byte: everything is looked up in tables of 256 entries.

    An invoke leaves the processor's caches full of weights, and what runs after it
    takes ten times as long as it would alone: the more kinds of numpy call and of
    function, the slower. So the best are found by walking down from the highest byte,
    not by a sort, and all of it is in one function.
    """

    def __init__(
        self, labels: Sequence[str], params: QuantParams, task: Task, *, signed: bool
    ) -> None:
        # Seen as a byte, a negative int8 is 128 to 255; as an index it counts from
        # the end of a table. Both are the same entry.
        stored = np.arange(256)
        if signed:
            stored[128:] -= 256
        real = params.scale * (stored - float(params.zero_point))
        self._labels = tuple(labels)
        self._softmax = task.scores == "logits"
        below = (real - real.max()) / task.temperature
        self._table = np.exp(below) if self._softmax else np.clip(real, 0, 1)
        self._numbers: list[float] = self._table.tolist()
        self._ones = np.ones(len(labels))
        self._downwards = bytes(stored.argsort()[::-1].tolist())

    def __call__(self, raw_scores: Tensor, *, top_k: int) -> tuple[Classification, ...]:
        if top_k < 1:
            raise _no_label(top_k)
        labels, numbers, total = self._labels, self._numbers, 1.0
        if self._softmax:
            # The product with ones is the sum, without the ways of a ufunc.
            total = self._table.take(raw_scores).dot(self._ones).item()
        top: list[Classification] = []
        stored = raw_scores.tobytes()
        for byte in self._downwards:
            index = stored.find(byte) if byte in stored else -1
            while index >= 0 and len(top) < top_k:
                top.append(Classification(index, labels[index], numbers[byte] / total))
                index = stored.find(byte, index + 1)
            if len(top) == top_k:
                break
        return tuple(top)

    def probabilities(self, raw_scores: Tensor) -> FloatArray:
        values = self._table[raw_scores[0]]
        total = values.sum() if self._softmax else 1.0
        return np.asarray(values / total, np.float32)


class _WideHead:
    """Logits of one byte whose steps are so large that their powers leave a double."""

    def __init__(
        self, labels: Sequence[str], params: QuantParams, *, temperature: float
    ) -> None:
        self._params = params
        self._floats = _FloatHead(labels, softmax=True, temperature=temperature)

    def __call__(self, raw_scores: Tensor, *, top_k: int) -> tuple[Classification, ...]:
        return self._floats(self._real(raw_scores), top_k=top_k)

    def probabilities(self, raw_scores: Tensor) -> FloatArray:
        return self._floats.probabilities(self._real(raw_scores))

    def _real(self, raw_scores: Tensor) -> FloatArray:
        steps = raw_scores.astype(np.float32) - np.float32(self._params.zero_point)
        return np.asarray(np.float32(self._params.scale) * steps)


def _no_label(top_k: int) -> ValueError:
    return ValueError(f"top_k must be at least 1, got {top_k}")


def _largest(values: Tensor, count: int) -> list[tuple[int, float]]:
    """Return index and value of the largest, best first, ties in index order."""
    count = min(count, len(values))
    pick = _by_turns if count <= _FEW else _by_order
    pairs = [(index, values.item(index)) for index in pick(values, count)]
    if len(pairs) < count or not all(math.isfinite(value) for _, value in pairs):
        raise BackendError(
            "the model gives scores that are not finite numbers: it cannot be used"
        )
    return pairs


def _by_turns(values: Tensor, count: int) -> Iterator[int]:
    """Yield the place of the largest, then of the largest of the rest, ….

    One kind of call, again and again: see ``_ByteHead``. NaN comes before all numbers.
    """
    rest = values.copy()
    for _ in range(count):
        index = int(rest.argmax())
        yield index
        rest[index] = -math.inf


def _by_order(values: Tensor, count: int) -> Iterator[int]:
    """Yield the same by one sort; nothing where one is NaN, which it would hide."""
    if not np.isnan(values).any():
        yield from (-values).argsort(kind="stable")[:count].tolist()


HEADS: Mapping[str, Callable[[Task, TensorSpec, Sequence[str]], Head]] = (
    MappingProxyType({"multiclass": _open_multiclass})
)
"""Every kind of task that can be decided."""
