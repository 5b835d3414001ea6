"""The photos that a model learns from: the user's own, less those that judge it."""

import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converters.photos import PhotoSet
from converters.pictures import PhotoPixels, PictureSet
from converters.source_model import SourceModel
from converters.workpiece import Workpiece
from edgeclf.errors import CalibrationError

__all__ = ["PhotosToLearn", "photos_to_learn"]

_Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotosToLearn:
    """Photos for recovery, and what to say of them.

    Attributes:
        pictures: Resized, on disk where they are many.
        words: What they are, for people.
        notes: What was left out.
    """

    pictures: PictureSet
    words: str
    notes: tuple[str, ...] = ()


def photos_to_learn(work: Workpiece) -> PhotosToLearn | None:
    """Return the photos of ``--finetune``, else those of calibration, else ``None``.

    Raises:
        CalibrationError: Photos of ``--evaluate`` are among them.
        InputFileError: The folder holds no photos, or labels that are not the model's.
    """
    if work.finetune is not None:
        return _of_folder(work.finetune, work.source, work.evaluation, work.folder)
    if work.calibration is None:
        return None
    words = f"{len(work.calibration)} unlabelled photos of --calibrate"
    return PhotosToLearn(pictures=work.calibration, words=words)


@functools.lru_cache(maxsize=1)  # pruning looks at what recovery then learns from
def _of_folder(
    folder: Path, source: SourceModel, judges: PictureSet, work_folder: Path
) -> PhotosToLearn:
    spec = source.preprocess
    photos, damaged = PhotoSet.scan(folder).readable(spec.decode)
    truth = photos.class_indices(source.labels, source.synsets)
    paths = [photo.path for photo in photos.photos]
    kept = _on_disk(PhotoPixels(paths, spec), work_folder / "finetune.pixels")
    judging = _among(kept, judges)
    notes = list(_notes_on_damage(damaged, len(photos), folder))
    if judging.any():
        notes.append(_note_on_judges(judging, judges, photos))
    chosen = np.flatnonzero(~judging)
    pictures = PictureSet(
        pixels=kept if len(chosen) == len(kept) else kept[chosen],
        origin="finetune",
        sha256=photos.sha256(),
        truth=None if truth is None else np.array(truth, np.intp)[chosen],
    )
    kind = "unlabelled" if truth is None else "labelled"
    words = f"{len(chosen)} {kind} photos of --finetune"
    return PhotosToLearn(pictures=pictures, words=words, notes=tuple(notes))


def _on_disk(pixels: Sequence[Any], path: Path) -> Any:
    """Decode each photo once: later epochs read a file that the system keeps in memory."""
    first = pixels[0]
    shape = (len(pixels), *first.shape)
    kept = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
    for index in range(len(pixels)):
        kept[index] = first if index == 0 else pixels[index]
    return kept


def _among(kept: Any, judges: PictureSet) -> _Bools:
    """Return which photos have the very pixels of one that judges."""
    if not judges.are_photos:
        return np.zeros(len(kept), np.bool_)
    known = {_digest(judges.pixels[index]) for index in range(len(judges))}
    return np.array([_digest(pixels) in known for pixels in kept], np.bool_)


def _digest(pixels: Any) -> bytes:
    return hashlib.sha256(np.asarray(pixels).tobytes()).digest()


def _note_on_judges(judging: _Bools, judges: PictureSet, photos: PhotoSet) -> str:
    name = photos.photos[int(np.flatnonzero(judging)[0])].name
    seen = f"{judging.sum()} of the {len(photos)} photos of --finetune"
    if judges.origin == "evaluate":
        raise CalibrationError(
            f"{seen} are among those of --evaluate, such as {name}: a model is not "
            "judged by what it learned from; give other photos"
        )
    return f"{seen} judge the result and were not learned from"


def _notes_on_damage(
    damaged: Sequence[str], readable: int, folder: Path
) -> tuple[str, ...]:
    if not damaged:
        return ()
    note = (
        f"{len(damaged)} of {readable + len(damaged)} images in {folder} cannot be read "
        f"and were left out, such as {damaged[0]}"
    )
    return (note,)
