"""The name of a training: a digest of all that decides how it comes out."""

import hashlib
from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from converters.pictures import PictureSet
from converters.recover.options import RecoverOptions
from converters.source_model import weights_digest
from edgeclf.json_values import canonical_json, to_json_value

if TYPE_CHECKING:
    from converters.recover.lesson import Lesson

__all__ = ["state_key"]


def state_key(
    student: Any, teacher: Any, lesson: "Lesson", options: RecoverOptions
) -> str:
    """Return the SHA-256 of both models, the photos, every setting and the tools."""
    parts = {
        "student": weights_digest(student),
        "shapes": [list(each.shape) for each in student.weights],
        "teacher": weights_digest(teacher),
        "count": len(lesson.photos),
        "photos": lesson.photos.sha256 or _pixels_digest(lesson.photos),
        "truth": None
        if lesson.photos.truth is None
        else [int(each) for each in lesson.photos.truth],
        "spec": to_json_value(lesson.spec),
        "scores": lesson.scores,
        "seed": lesson.seed,
        "options": to_json_value(options),
        "tools": [tf.__version__, keras.__version__],
    }
    return hashlib.sha256(canonical_json(parts)).hexdigest()


def _pixels_digest(photos: PictureSet) -> str:
    digest = hashlib.sha256()
    for pixels in photos.pixels:
        digest.update(pixels.tobytes())
    return digest.hexdigest()
