"""One training: its variables, its step, and its state."""

import math
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from converters.recover.layers import batch_norms
from converters.recover.loss import as_logits, distillation_loss
from converters.recover.options import RecoverOptions
from converters.recover.state import Arrays
from edgeclf.types import ScoreKind

__all__ = ["Training", "score_function"]

_MOMENTUM = 0.9
"""Of batch norm's running numbers, at most. Keras's models have up to 0.999, which a
training of some hundred steps does not move."""

_SLOWER = 0.3
"""What a setback multiplies the learning rate by."""

_WARM_UP = 0.05
"""Share of the steps in which the learning rate rises."""


class Training:
    """A student, its optimizer, and the step that changes both.

    Args:
        student: A Keras model; changed in place. All of it is trained.
        options: How.
        steps: In the whole training, for the learning rate's schedule.
        scores: What the student gives.
        seed: Of what drops out.
    """

    def __init__(
        self,
        student: Any,
        options: RecoverOptions,
        *,
        steps: int,
        scores: ScoreKind,
        seed: int,
    ) -> None:
        self._student = student
        self._options = options
        self._scores = scores
        student.trainable = True
        self._momenta = [norm.momentum for norm in batch_norms(student)]
        for norm in batch_norms(student):
            norm.momentum = min(norm.momentum, _MOMENTUM)
        _seed_layers(student, seed)
        self._pace = tf.Variable(1.0, dtype=tf.float32)
        self._optimizer = _optimizer(options, _Rate(options, steps, self._pace))
        self._optimizer.exclude_from_weight_decay(var_names=["bias", "beta", "gamma"])
        self._optimizer.build(student.trainable_variables)
        self._step = tf.function(self._traced_step, autograph=False)

    def step(
        self,
        inputs: NDArray[np.float32],
        teacher: NDArray[np.float32],
        truth: NDArray[np.int32],
    ) -> float:
        """Take one step and return the loss before it.

        Args:
            inputs: Shape (batch, height, width, 3).
            teacher: Logits, shape (batch, classes).
            truth: Right classes, shape (batch,); -1 where there is none.
        """
        loss = self._step(
            tf.constant(inputs), tf.constant(teacher), tf.constant(truth, tf.int32)
        )
        return float(loss)

    def variables(self) -> Arrays:
        """Return the values of all the student's variables."""
        return [np.array(each) for each in self._student.variables]

    def optimizer_variables(self) -> Arrays:
        """Return the values of all the optimizer's variables."""
        return [np.array(each) for each in self._optimizer.variables]

    def restore(self, variables: Arrays, optimizer: Arrays = ()) -> None:
        """Set the student's variables and, if given, the optimizer's."""
        for variable, values in zip(self._student.variables, variables, strict=True):
            variable.assign(values)
        if optimizer:
            pairs = zip(self._optimizer.variables, optimizer, strict=True)
            for variable, values in pairs:
                variable.assign(values)

    def slow_down(self, setbacks: int) -> None:
        """Set the learning rate back for as many setbacks as there were."""
        self._pace.assign(_SLOWER**setbacks)

    def finish(self) -> None:
        """Put the layers' settings back."""
        norms = batch_norms(self._student)
        for norm, momentum in zip(norms, self._momenta, strict=True):
            norm.momentum = momentum

    def _traced_step(self, inputs: Any, teacher: Any, truth: Any) -> Any:
        variables = self._student.trainable_variables
        training = self._options.statistics == "batch"
        with tf.GradientTape() as tape:
            scores = self._student(inputs, training=training)
            logits = as_logits(scores, self._scores)
            loss = distillation_loss(logits, teacher, truth, self._options)
        self._optimizer.apply(tape.gradient(loss, variables), variables)
        return loss


def score_function(model: Any, kind: ScoreKind, *, batch: int) -> Any:
    """Return a function from inputs to logits, compiled once for full batches.

    Args:
        model: A Keras model.
        kind: What it gives.
        batch: The most inputs of a call.
    """
    compiled = tf.function(
        lambda x: as_logits(model(x, training=False), kind), autograph=False
    )

    def score(inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        missing = batch - len(inputs)
        full = np.concatenate([inputs, np.repeat(inputs[:1], missing, axis=0)])
        logits: NDArray[np.float32] = np.asarray(compiled(tf.constant(full)))
        return logits[: len(inputs)]

    return score


class _Rate(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]  # keras has no types
    """A short rise, half a cosine down to 0, and a factor that is set from outside."""

    def __init__(self, options: RecoverOptions, steps: int, pace: Any) -> None:
        warm_up = math.ceil(_WARM_UP * steps)
        self._pace = pace
        self._cosine = keras.optimizers.schedules.CosineDecay(
            initial_learning_rate=options.learning_rate / max(1, warm_up),
            decay_steps=max(1, steps - warm_up),
            warmup_target=options.learning_rate,
            warmup_steps=warm_up,
        )

    def __call__(self, step: Any) -> Any:
        """Return the learning rate of a step."""
        return self._pace * self._cosine(step)


def _optimizer(options: RecoverOptions, rate: _Rate) -> Any:
    decay = options.weight_decay
    if options.optimizer == "adamw":
        return keras.optimizers.AdamW(rate, weight_decay=decay, global_clipnorm=1.0)
    return keras.optimizers.SGD(
        rate, momentum=0.9, nesterov=True, weight_decay=decay, global_clipnorm=1.0
    )


def _seed_layers(model: Any, seed: int) -> None:
    """Seed what drops out: a layer made without a seed has one by chance."""
    for index, variable in enumerate(model.variables):
        if variable.name == "seed_generator_state":
            variable.assign(np.array([seed % 2**32, index], np.uint32))
