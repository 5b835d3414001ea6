"""Fine-tuning by distillation: a smaller model learns what its original answers."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from converters.child import Report
from converters.recover.course import PHASE, Course
from converters.recover.lesson import Lesson
from converters.recover.options import RecoverOptions
from converters.recover.state import EpochRecord, StateFile
from converters.recover.state_key import state_key

__all__ = ["PHASE", "Recovered", "recover"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """A model that has learned, and how that went.

    Attributes:
        model: The student, as it was after its best epoch.
        history: One record an epoch; 0 is before the first step.
        best: The epoch that ``model`` is of.
        learned_from: How many photos.
        held_out: How many photos chose the best epoch.
    """

    model: Any = field(repr=False)
    history: tuple[EpochRecord, ...]
    best: EpochRecord
    learned_from: int
    held_out: int


def recover(
    student: Any,
    teacher: Any,
    lesson: Lesson,
    options: RecoverOptions,
    *,
    report: Report | None = None,
    state_folder: Path | None = None,
) -> Recovered:
    """Teach a smaller model what its original answers on the user's photos.

    First batch norm is estimated anew, and kept if that brings the held-out photos
    nearer to the teacher. Then come the epochs. The best one by held-out loss is what
    is returned, the state before any of them included, so that recovery does no harm.

    Args:
        student: A Keras model; changed in place.
        teacher: The model that it was made from; not changed.
        lesson: The photos.
        options: How.
        report: Told of ``PHASE`` and how much of it is done.
        state_folder: Where the state goes after every epoch. The same call goes on
            from there, with the same result; removing it is the caller's.

    Raises:
        CalibrationError: There are too few photos.
        OutputFileError: The state cannot be written.
    """
    course = Course(student, teacher, lesson, options, report or _silent)
    state = course.run(
        StateFile(state_folder, state_key(student, teacher, lesson, options))
    )
    return Recovered(
        model=student,
        history=state.history,
        best=state.best_record,
        learned_from=len(course.train),
        held_out=len(course.held),
    )


def _silent(phase: str, done: float) -> None:
    """Report to nobody."""
