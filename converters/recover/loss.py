"""What a student is taught by: its teacher's soft answers, and the right ones."""

from typing import Any

import tensorflow as tf

from converters.recover.options import RecoverOptions
from edgeclf.types import ScoreKind

__all__ = ["as_logits", "distillation_loss"]

_SMALLEST = 1e-7


def as_logits(scores: Any, kind: ScoreKind) -> Any:
    """Return a model's scores as logits; up to a constant a picture, for probabilities.

    Args:
        scores: Float32, shape (batch, classes).
        kind: What they are.
    """
    if kind == "logits":
        return scores
    return tf.math.log(tf.maximum(scores, _SMALLEST))


def distillation_loss(
    student: Any, teacher: Any, truth: Any, options: RecoverOptions
) -> Any:
    """Return the mean loss of a batch.

    Args:
        student: Logits, shape (batch, classes).
        teacher: Likewise, for the same pixels.
        truth: Right classes, shape (batch,); -1 where there is none.
        options: Temperature, and the weight of the right classes.

    Returns:
        Kullback-Leibler divergence of the softened answers times temperature squared,
        mixed with the cross-entropy of the right classes.

    Source:
        Hinton et al. 2015, arXiv:1503.02531, section 2.
    """
    temperature = options.temperature
    expected = tf.nn.log_softmax(teacher / temperature)
    given = tf.nn.log_softmax(student / temperature)
    soft = tf.reduce_sum(tf.exp(expected) * (expected - given), axis=1) * temperature**2
    right = tf.nn.sparse_softmax_cross_entropy_with_logits(
        labels=tf.maximum(truth, 0), logits=student
    )
    share = tf.where(truth < 0, 0.0, options.label_share)
    return tf.reduce_mean((1 - share) * soft + share * right)
