"""The pass that loads the artefact on its engine and compares it with the source."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from converters.parity import Parity, accuracy, compare, judge
from converters.pass_options import VerifyOptions
from converters.pictures import PictureSet, after_resize, real_input
from converters.workpiece import Workpiece
from edgeclf.backends import Backend, open_backend
from edgeclf.errors import ConversionError
from edgeclf.provenance import Quality
from edgeclf.types import Model, Tensor, TensorSpec, Uint8Image

__all__ = ["VerifyParity"]

_BATCH = 16
_Scores = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class VerifyParity:
    """The artefact, run by its engine, must do what the source model does."""

    options: VerifyOptions

    def requires(self, work: Workpiece) -> None:
        """Refuse a workpiece without an artefact."""
        if work.artefact is None:
            raise ConversionError("there is no artefact to verify")

    def call(self, work: Workpiece) -> Workpiece:
        """Return the workpiece with its quality.

        Raises:
            OutOfBoundsError: It is out of parity.
            BackendError: The engine cannot load or run it.
        """
        assert work.artefact is not None  # noqa: S101 - requires() checked it
        reference, scores = _score_both(work, work.artefact)
        parity = compare(
            reference,
            scores,
            photos=work.evaluation.are_photos,
            photos_to_judge=self.options.photos_to_judge,
        )
        judge(parity, self.options, name=work.source.name)
        quality = self._quality(work.evaluation, parity, reference, scores)
        return replace(work, quality=quality)

    def ensures(self, work: Workpiece) -> None:
        """Refuse a result without figures."""
        if work.quality is None or work.quality.score_error is None:
            raise ConversionError("the comparison gave no figures")

    def _quality(
        self,
        pictures: PictureSet,
        parity: Parity,
        reference: _Scores,
        scores: _Scores,
    ) -> Quality:
        own, sources = None, None
        if pictures.truth is not None:
            enough = self.options.photos_to_judge
            own = accuracy(scores, pictures.truth, photos_to_judge=enough)
            sources = accuracy(reference, pictures.truth, photos_to_judge=enough)
        return Quality(
            agreement=parity.agreement,
            accuracy=own,
            source_accuracy=sources,
            score_error=parity.score_error,
            measured_on=pictures.origin,
            pictures_sha256=pictures.sha256,
        )


def _score_both(work: Workpiece, artefact: Model) -> tuple[_Scores, _Scores]:
    """Return the source's and the artefact's scores, shape (pictures, classes)."""
    spec, preprocess = artefact.spec, work.source.preprocess
    to_real = after_resize(preprocess, real_input(preprocess))
    to_stored = after_resize(spec.preprocess, spec.input)
    reference: list[_Scores] = []
    scores: list[_Scores] = []
    with open_backend(artefact.data, format=spec.format, engine=work.engine) as backend:
        for pictures in _chunks(work.evaluation.pixels):
            batch = np.concatenate([np.array(to_real(pixels)) for pixels in pictures])
            expected = _predict(work.reference, batch)
            if not reference:
                _require_same_decision(work, batch, expected)
            reference.append(expected)
            scores += [_run(backend, to_stored(pixels)) for pixels in pictures]
    return np.concatenate(reference), np.concatenate(scores)


def _chunks(pixels: Sequence[Uint8Image]) -> Iterator[list[Uint8Image]]:
    for start in range(0, len(pixels), _BATCH):
        yield list(pixels[start : start + _BATCH])


def _predict(model: object, batch: Tensor) -> _Scores:
    """Return a Keras model's scores; always for a full batch, which compiles once."""
    missing = _BATCH - len(batch)
    full = np.concatenate([batch, np.repeat(batch[:1], missing, axis=0)])
    scores: _Scores = np.asarray(model.predict_on_batch(full))  # type: ignore[attr-defined]  # keras has no types
    return scores[: len(batch)].astype(np.float32)


def _run(backend: Backend, tensor: Tensor) -> _Scores:
    return _dequantized(backend.run(tensor), backend.output)


def _dequantized(stored: Tensor, spec: TensorSpec) -> _Scores:
    real: _Scores = stored.astype(np.float32)
    if spec.quantization is None:
        return real
    real -= np.float32(spec.quantization.zero_point)
    real *= np.float32(spec.quantization.scale)
    return real


def _require_same_decision(work: Workpiece, batch: Tensor, scores: _Scores) -> None:
    """Refuse a scoring model that lost more than its softmax."""
    if work.reference is work.source.keras_model:
        return
    probabilities = _predict(work.source.keras_model, batch)
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    difference = np.abs(powers / powers.sum(axis=1, keepdims=True) - probabilities)
    if difference.max() > 1e-4:
        raise ConversionError(
            f"{work.source.name} without its softmax is another model: probabilities "
            f"differ by {difference.max():.2g}; report this model"
        )
