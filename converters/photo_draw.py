"""Which of the user's photos calibrate, and which the artefact is compared on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np

from converters.pass_options import VerifyOptions
from converters.photo_overlap import unseen
from converters.photos import PhotoSet, check_calibration
from converters.pictures import PhotoPixels, PictureSet, real_input
from converters.recipe import Recipe
from converters.source_model import SourceModel
from edgeclf.errors import InputFileError
from edgeclf.preprocess import Preprocessor
from edgeclf.scenes import golden_images
from edgeclf.types import Uint8Image

__all__ = ["DrawnPictures", "draw_pictures", "redrawn_calibration"]

_REDRAWN = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnPictures:
    """What a conversion looks at.

    Attributes:
        calibration: ``None`` for a float artefact.
        evaluation: Photos that calibration does not see, or synthetic pictures.
        notes: What the user must know of them.
    """

    calibration: PictureSet | None
    evaluation: PictureSet
    notes: tuple[str, ...]


def draw_pictures(
    recipe: Recipe,
    source: SourceModel,
    *,
    calibrate: Path | None,
    evaluate: Path | None,
) -> DrawnPictures:
    """Draw photos, seeded and stratified by folder, and prepare them as the board does.

    Args:
        recipe: How many, and the seed.
        source: Its spec prepares them; its labels name classes.
        calibrate: Folder of photos for int8 ranges; without ``evaluate`` a part is
            kept back for the comparison, and a float model is compared on all of them.
        evaluate: Folder of photos for the comparison only.

    Raises:
        CalibrationError: Too few photos, or not photos.
        InputFileError: A folder or an image is missing or damaged.
    """
    drawing = _Drawing(recipe, source)
    held_out: PhotoSet | None = None
    calibration: PictureSet | None = None
    photos = None if calibrate is None else PhotoSet.scan(calibrate)
    if photos is not None and recipe.learns:
        rest = photos
        if evaluate is None:
            holdout = recipe.calibration.holdout
            held_out, rest = photos.split(holdout, seed=recipe.seed)
            held_out = drawing.readable(held_out)
        count = recipe.calibration.images
        calibration = drawing.calibration(rest, held_out, seed=recipe.seed, count=count)
    evaluation = _synthetic(recipe, source)
    if evaluate is not None:
        evaluation = drawing.evaluation(PhotoSet.scan(evaluate), "evaluate")
    elif held_out is not None and len(held_out) > 0:
        evaluation = drawing.evaluation(held_out, "calibration-holdout")
    elif photos is not None and calibration is None:
        evaluation = drawing.evaluation(photos, "calibrate")
    return DrawnPictures(
        calibration=calibration, evaluation=evaluation, notes=tuple(drawing.notes)
    )


def redrawn_calibration(
    recipe: Recipe, source: SourceModel, *, calibrate: Path, is_split: bool, seed: int
) -> PictureSet:
    """Return other photos to calibrate on, of those that do not judge.

    Where all of them calibrate already, four in five are drawn, so that it is others.

    Args:
        recipe: How many, and the seed by which photos were held back.
        source: Its spec prepares them.
        calibrate: The folder.
        is_split: Whether a part of it was held back to judge by.
        seed: Decides which.
    """
    photos = PhotoSet.scan(calibrate)
    if is_split:
        _, photos = photos.split(recipe.calibration.holdout, seed=recipe.seed)
    count = min(recipe.calibration.images, round(_REDRAWN * len(photos)))
    drawing = _Drawing(replace(recipe, allow_small_calibration=True), source)
    return drawing.calibration(photos, None, seed=seed, count=max(1, count))


class _Drawing:
    """Draws sets of photos, and keeps notes of what it left out."""

    def __init__(self, recipe: Recipe, source: SourceModel) -> None:
        self._recipe = recipe
        self._source = source
        self._calibrating: PhotoSet | None = None
        self.notes: list[str] = []

    def calibration(
        self, photos: PhotoSet, held_out: PhotoSet | None, *, seed: int, count: int
    ) -> PictureSet:
        """Return the photos that set ranges, held in memory, if they are photos.

        Photos held out of a small folder count towards the number that it must have.
        """
        drawn = self.readable(photos.draw(count, seed=seed))
        spec = self._source.preprocess
        preprocess = Preprocessor(spec, real_input(spec))
        kept: list[Uint8Image] = []

        def decoded() -> Iterator[Uint8Image]:
            for pixels in drawn.pixels(spec.decode):
                kept.append(preprocess.resized(pixels))
                yield pixels
            if held_out is not None:
                yield from islice(held_out.pixels(spec.decode), count - len(drawn))

        allow_small = self._recipe.allow_small_calibration
        check_calibration(decoded(), allow_small=allow_small)
        self._calibrating = drawn
        return PictureSet(pixels=kept, origin="calibrate", sha256=drawn.sha256())

    def evaluation(self, photos: PhotoSet, origin: str) -> PictureSet:
        """Return the photos to compare on, read when they are needed.

        Raises:
            CalibrationError: They calibrated the model, too.
            InputFileError: Their labels are not the model's, or of one class only.
        """
        photos = self.readable(photos)
        if self._calibrating is not None:
            is_given = origin == "evaluate"
            photos, notes = unseen(photos, self._calibrating, is_given=is_given)
            self.notes += notes
        truth = None
        if origin == "evaluate":
            source = self._source
            truth = photos.class_indices(source.labels, source.synsets)
            _require_classes(truth, source, photos.folder)
        return PictureSet(
            pixels=PhotoPixels(
                [photo.path for photo in photos.photos], self._source.preprocess
            ),
            origin=origin,
            sha256=photos.sha256(),
            truth=None if truth is None else np.array(truth, np.intp),
            clusters=photos.clusters(),
        )

    def readable(self, photos: PhotoSet) -> PhotoSet:
        """Return the photos that can be decoded, and note how many cannot."""
        readable, damaged = photos.readable(self._source.preprocess.decode)
        if damaged:
            self.notes.append(
                f"{len(damaged)} of {len(photos)} images in {photos.folder} cannot be "
                f"read and were left out, such as {damaged[0]}"
            )
        return readable


def _require_classes(
    truth: Sequence[int] | None, source: SourceModel, folder: Path
) -> None:
    if truth is None or len(set(truth)) > 1 or len(source.labels) < 2:
        return
    raise InputFileError(
        f"{folder}: all {len(truth)} photos are labelled {source.labels[truth[0]]!r}: "
        "accuracy on one class says nothing of the others; give photos of several, or "
        "put them where no label is said"
    )


def _synthetic(recipe: Recipe, source: SourceModel) -> PictureSet:
    """Return seeded pictures for a comparison of scores."""
    count = recipe.options(VerifyOptions).synthetic_inputs
    preprocess = Preprocessor(source.preprocess, real_input(source.preprocess))
    pixels: list[Uint8Image] = []
    seed = recipe.seed
    while len(pixels) < count:
        pixels += [preprocess.resized(image) for _, image in golden_images(seed)]
        seed += 1
    return PictureSet(pixels=pixels[:count], origin="synthetic")
