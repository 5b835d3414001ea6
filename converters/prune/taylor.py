"""What the loss would change by, to first order, if a channel were taken away."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from converters.graph.channels import IntArray
from converters.graph.flat_model import Step, Tensor
from converters.graph.groups import ChannelGraph, channel_graph
from edgeclf.errors import ConversionError
from edgeclf.types import ScoreKind

__all__ = ["Batch", "taylor_scores"]

Batch: TypeAlias = tuple[npt.NDArray[Any], npt.NDArray[Any] | None]
_Float64s: TypeAlias = npt.NDArray[np.float64]
_TINY = 1e-30


def taylor_scores(
    model: Any, batches: Iterable[Batch], *, scores: ScoreKind = "logits", seed: int = 0
) -> Mapping[str, _Float64s]:
    """Return the squared change of the loss without each channel, over pictures.

    A channel is gone when nothing reads it any more, so the change is the sum of
    activation times gradient over all places where the group's readers take it in; it
    is squared picture by picture and averaged.

    With classes the loss is the cross-entropy. Without, it is the divergence from the
    model's own answers, whose first order is nothing and whose second is the Fisher
    information: the same square, averaged over classes as the model believes in them.
    One random sign a class estimates that average in one pass.

    Args:
        model: As ``channel_groups`` takes it.
        batches: Pictures float32 (n, height, width, 3) as the model takes them, and
            their classes, int (n,), or ``None``.
        scores: What the model gives.
        seed: Of the signs.

    Returns:
        By the name of each prunable group, float64, shape (group.size,).

    Raises:
        ConversionError: No pictures, or gradients that are not finite.

    Source:
        Molchanov et al. 2019, arXiv:1906.10771, equation 8, with the gate behind the
        group. Fisher information: Theis et al. 2018, arXiv:1801.05787, section 3.
        Random signs: Hutchinson 1990, doi:10.1080/03610919008812866.
    """
    probe = _Probe(channel_graph(model), scores)
    signs = np.random.default_rng(seed)
    total, count = np.zeros(probe.width), 0
    for pictures, classes in batches:
        total += np.square(probe.changes(pictures, classes, signs)).sum(axis=0)
        count += len(pictures)
    if not count:
        raise ConversionError("taylor importance needs pictures: give --calibrate")
    if not np.all(np.isfinite(total)):
        raise ConversionError(
            "taylor importance met gradients that are not finite; use --importance l1"
        )
    return probe.by_group(total / count)


class _Probe:
    """Runs a model call by call, and reads activation times gradient at the readers."""

    def __init__(self, graph: ChannelGraph, scores: ScoreKind) -> None:
        self._graph = graph
        self._scores = scores
        sizes = [group.size for group in graph.groups]
        self._starts: IntArray = np.concatenate([[0], np.cumsum(sizes)])
        self._readers = {
            slot.layer
            for group in graph.groups
            if group.prunable
            for slot in group.readers
        }

    @property
    def width(self) -> int:
        """How many channels all groups have."""
        return int(self._starts[-1])

    def changes(
        self,
        pictures: npt.NDArray[Any],
        classes: npt.NDArray[Any] | None,
        signs: np.random.Generator,
    ) -> _Float64s:
        """Return the change for each picture and channel, shape (n, width)."""
        taken: list[tuple[Tensor, Any]] = []
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            answers = self._run(tf.convert_to_tensor(pictures), tape, taken)
            loss = _loss(answers, self._scores, classes, signs)
        gradients = tape.gradient(loss, [value for _, value in taken])
        found = np.zeros((len(pictures), self.width))
        for (tensor, value), gradient in zip(taken, gradients, strict=True):
            axes = list(range(1, len(value.shape) - 1))
            products = tf.reduce_sum(value * gradient, axis=axes).numpy()
            # Columns, because several places can be of one channel.
            np.add.at(found.T, self._columns(tensor), products.T)
        return found

    def by_group(self, values: _Float64s) -> Mapping[str, _Float64s]:
        """Return one array a prunable group."""
        return {
            group.name: values[start : start + group.size]
            for group, start in zip(self._graph.groups, self._starts, strict=False)
            if group.prunable
        }

    def _run(
        self, pictures: Any, tape: tf.GradientTape, taken: list[tuple[Tensor, Any]]
    ) -> Any:
        model = self._graph.model
        known: dict[Tensor, Any] = {tensor: pictures for _, tensor in model.inputs}
        for step in model.steps:
            own = {tensor: known[tensor] for tensor in step.inputs}
            for tensor in self._read_by(step):
                # A copy for each reader, so that its gradient is through it alone.
                own[tensor] = tf.identity(own[tensor])
                tape.watch(own[tensor])
                taken.append((tensor, own[tensor]))
            known[step.output] = step.call(own)
        return known[model.outputs[0]]

    def _read_by(self, step: Step) -> Iterator[Tensor]:
        if step.name in self._readers:
            yield step.inputs[0]

    def _columns(self, tensor: Tensor) -> IntArray:
        places = self._graph.tensors[tensor]
        columns: IntArray = self._starts[places[:, 0]] + places[:, 1]
        return columns


def _loss(
    answers: Any,
    scores: ScoreKind,
    classes: npt.NDArray[Any] | None,
    signs: np.random.Generator,
) -> Any:
    """Return the sum over pictures of what is differentiated."""
    is_logits = scores == "logits"
    logs = tf.nn.log_softmax(answers) if is_logits else tf.math.log(answers + _TINY)
    if classes is not None:
        return -tf.reduce_sum(tf.gather(logs, classes, axis=1, batch_dims=1))
    drawn = signs.choice([-1.0, 1.0], size=tuple(logs.shape))
    weights = tf.sqrt(tf.stop_gradient(tf.exp(logs))) * tf.cast(drawn, logs.dtype)
    return tf.reduce_sum(weights * logs)
