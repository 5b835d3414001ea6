"""Teaching a model with the rounding to come."""

from pathlib import Path
from typing import Any

from converters.aware.student import AwareStudent
from converters.child import Report
from converters.graph.folding import fold_batch_norms
from converters.pass_options import AwareOptions
from converters.picture_batches import picture_batches
from converters.recover.distill import Recovered, recover
from converters.recover.lesson import Lesson
from converters.recover.options import RecoverOptions

__all__ = ["PHASE", "train_aware"]

PHASE = "training"
"""The phase that progress is reported of."""


def train_aware(
    model: Any,
    teacher: Any,
    lesson: Lesson,
    options: AwareOptions,
    *,
    report: Report,
    state_folder: Path | None = None,
) -> tuple[Any, Recovered]:
    """Return a plain Keras model that has learned to be rounded, and how that went.

    A copy with its batch norms folded learns what the float teacher answers, with its
    weights and tensors rounded as in the int8 file. The state of the best epoch by
    held-out loss is kept; that before the first counts as one, so that training does no
    harm beyond what the held-out photos cannot tell.

    Args:
        model: Functional or Sequential; left as it is.
        teacher: Of the same inputs and scores.
        lesson: The photos; they also set the ranges of the rounding.
        options: How.
        report: Told of ``PHASE`` and how much of it is done.
        state_folder: As ``recover`` takes it.

    Raises:
        ConversionError: The model is no graph of layers.
        CalibrationError: There are too few photos.
        OutputFileError: The state cannot be written.
    """
    folded = fold_batch_norms(model)
    student = AwareStudent(folded, picture_batches(lesson.photos, lesson.spec))
    recovered = recover(
        student.model,
        teacher,
        lesson,
        _recover_options(options),
        report=lambda _, done: report(PHASE, done),
        state_folder=state_folder,
    )
    student.hand_back()
    return folded, recovered


def _recover_options(options: AwareOptions) -> RecoverOptions:
    """Return what distillation takes: small steps, and no batch statistics to change."""
    return RecoverOptions(
        epochs=options.epochs,
        learning_rate=options.learning_rate,
        label_share=options.label_share,
        weight_decay=0.0,
        temperature=4.0,
        patience=options.epochs,
        statistics="fixed",
    )
