"""What a model learns from."""

from dataclasses import dataclass

from converters.pictures import PictureSet
from converters.workpiece import Workpiece
from edgeclf.types import PreprocessSpec, ScoreKind

__all__ = ["Lesson", "lesson_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What is learned from.

    Attributes:
        photos: Labelled or not.
        spec: How the models take them.
        scores: What the models give.
        seed: Of every draw.
    """

    photos: PictureSet
    spec: PreprocessSpec
    scores: ScoreKind = "logits"
    seed: int = 0


def lesson_of(work: Workpiece, photos: PictureSet) -> Lesson:
    """Return what a workpiece's model learns from some photos."""
    return Lesson(
        photos=photos,
        spec=work.source.preprocess,
        scores=work.task.scores,
        seed=work.recipe.seed,
    )
