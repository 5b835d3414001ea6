"""What is compressed and judged: a trained model, photos to calibrate, photos to judge."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.judged import Artefact, Pixels
from benchmarks.peers import Trained
from converters.gate.scoring import model_scores
from converters.photos import PhotoSet
from converters.pictures import PhotoPixels, PictureSet
from converters.pipeline import ConversionRequest, ConversionResult, convert
from converters.recipe import Target
from converters.source_model import KerasFileOptions, SourceModel

__all__ = ["Judging", "Subject", "converted", "halves", "keras_subject"]

_CALIBRATION_IMAGES = 300
"""As many as ``edgeclf`` draws; the others get the very same number."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Judging:
    """Photos that no tool has seen.

    Attributes:
        pixels: After the resize.
        truth: The right class of each, where the photos have labels.
        reference: Top-1 of the float model.
        photos: Number of the photo that each picture shows.
    """

    pixels: Pixels = field(repr=False)
    truth: NDArray[np.intp] | None = field(repr=False)
    reference: NDArray[np.intp] = field(repr=False)
    photos: NDArray[np.intp] = field(repr=False)

    def drop(self, decided: NDArray[np.intp]) -> float | None:
        """Return by how much fewer are right than with the float model; a share."""
        if self.truth is None:
            return None
        source, own = self.reference == self.truth, decided == self.truth
        return float(source.mean() - own.mean())

    def flips(self, decided: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return for each photo how many of its pictures changed their top-1."""
        changed = (decided != self.reference).astype(np.float64)
        return np.asarray(np.bincount(self.photos, weights=changed), np.float64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Subject:
    """One model, with one folder to calibrate on and another to judge on.

    Attributes:
        name: For people.
        source: As the command takes it.
        flags: What else the command needs to be told of the source.
        model: Keras, without its last softmax.
        described: The source as the workshop reads it.
        calibrate: Folder of photos.
        evaluate: Folder of other photos.
    """

    name: str
    source: str
    flags: Mapping[str, Any]
    model: Any = field(repr=False)
    described: SourceModel = field(repr=False)
    calibrate: Path
    evaluate: Path

    def trained(self) -> Trained:
        """Return it as the other tools get it."""
        photos = PhotoSet.scan(self.calibrate).draw(_CALIBRATION_IMAGES, seed=0)
        return Trained(
            model=self.model,
            preprocess=self.described.preprocess,
            calibration=list(self._pixels(photos)),
        )

    def judging(self, *, mirrored: bool = False, of: Any = None) -> Judging:
        """Return the photos to judge on, as the float model decides them.

        Args:
            mirrored: Show each photo mirrored too.
            of: Keras model whose decisions are the right ones to keep; this one's own
                by default.
        """
        photos = PhotoSet.scan(self.evaluate)
        views = [
            view
            for pixels in self._pixels(photos)
            for view in ((pixels, pixels[:, ::-1].copy()) if mirrored else (pixels,))
        ]
        each = 2 if mirrored else 1
        truth = photos.class_indices(self.described.labels, self.described.synsets)
        pictures = PictureSet(pixels=views, origin="evaluate")
        scores = model_scores(of or self.model, self.described.preprocess, pictures)
        return Judging(
            pixels=views,
            truth=None if truth is None else np.repeat(np.array(truth, np.intp), each),
            reference=scores.argmax(axis=1),
            photos=np.repeat(np.arange(len(photos)), each),
        )

    def swapped(self) -> "Subject":
        """Return it with the two folders changed for each other."""
        return replace(self, calibrate=self.evaluate, evaluate=self.calibrate)

    def _pixels(self, photos: PhotoSet) -> Pixels:
        paths = [photo.path for photo in photos.photos]
        return PhotoPixels(paths, self.described.preprocess)


def keras_subject(
    name: str,
    source: str,
    *,
    calibrate: Path,
    evaluate: Path,
    preset: str | None = None,
    labels: Path | None = None,
) -> Subject:
    """Return a subject of a model by name or by file."""
    from converters.serving import scoring_model  # noqa: PLC0415 - heavy
    from converters.zoo import load_source  # noqa: PLC0415

    options = KerasFileOptions(preset=preset, labels=labels)
    described = load_source(source, options=options)
    model, _ = scoring_model(described)
    flags = {"preset": preset, "labels": labels}
    return Subject(
        name=name,
        source=source,
        flags={key: value for key, value in flags.items() if value is not None},
        model=model,
        described=described,
        calibrate=calibrate,
        evaluate=evaluate,
    )


@contextmanager
def halves(photos: Path) -> Iterator[tuple[Path, Path]]:
    """Make two folders of links to every other photo, with their labels."""
    found = PhotoSet.scan(photos)
    table = photos / "labels.csv"
    lines = table.read_text("utf-8-sig").splitlines() if table.is_file() else []
    with tempfile.TemporaryDirectory(prefix="edgeclf-halves-") as name:
        folders = Path(name) / "first", Path(name) / "second"
        for number, folder in enumerate(folders):
            folder.mkdir()
            chosen = {photo.name for photo in found.photos[number::2]}
            for photo in sorted(chosen):
                (folder / photo).symlink_to((photos / photo).resolve())
            kept = [line for line in lines[1:] if line.partition(",")[0] in chosen]
            if kept:
                text = "\n".join([lines[0], *kept])
                (folder / "labels.csv").write_text(f"{text}\n")
        yield folders


def converted(
    subject: Subject, target: Target, **wishes: Any
) -> tuple[Artefact, ConversionResult]:
    """Return what ``edgeclf convert`` makes with its defaults.

    It is told to accept that few photos leave the gate undecided, so that the photos it
    is judged on choose nothing: what is best is chosen on those that calibrate.

    Args:
        subject: What to convert.
        target: Format.
        wishes: Other fields of the request.
    """
    with tempfile.TemporaryDirectory(prefix="edgeclf-benchmark-") as folder:
        fields: dict[str, Any] = {
            "calibrate": subject.calibrate,
            "evaluate": subject.evaluate,
            "precision": "int8",
            "accept_undecided": True,
            **subject.flags,
            **wishes,
        }
        result = convert(
            ConversionRequest(
                source=subject.source,
                output=Path(folder) / "model.edgeclf",
                target=target,
                **fields,
            )
        )
        manifest = result.bundle.manifest
    artefact = Artefact(
        tool=f"edgeclf {target}",
        format=manifest.model.format,
        data=result.bundle.model_bytes,
        preprocess=manifest.model.preprocess,
        seconds=result.seconds,
        notes=result.notes,
    )
    return artefact, result
