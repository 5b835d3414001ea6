"""Scores of a source model and of an artefact, for the same pictures."""

import io
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from converters.gate.comparison import Scores
from converters.kept import kept_file
from converters.pictures import PictureSet, after_resize, real_input
from converters.workpiece import Workpiece
from edgeclf.backends import Backend, open_backend
from edgeclf.errors import ConversionError
from edgeclf.types import Model, PreprocessSpec, Tensor, TensorSpec, Uint8Image

__all__ = ["artefact_scores", "model_scores", "reference_scores"]

_BATCH = 16


def model_scores(model: Any, spec: PreprocessSpec, pictures: PictureSet) -> Scores:
    """Return a Keras model's scores, shape (pictures, classes).

    Args:
        model: Takes the real numbers of ``spec``.
        spec: The source's.
        pictures: After the resize.
    """
    parts = [_predict(model, batch) for batch in _batches(spec, pictures)]
    return np.concatenate(parts)


def artefact_scores(
    artefact: Model, pictures: PictureSet, *, engine: str | None
) -> Scores:
    """Return what an artefact gives on its engine, as real numbers.

    Args:
        artefact: The model file and its spec.
        pictures: After the resize.
        engine: What runs it.

    Raises:
        BackendError: The engine cannot load or run it.
    """
    spec = artefact.spec
    to_stored = after_resize(spec.preprocess, spec.input)
    with open_backend(artefact.data, format=spec.format, engine=engine) as backend:
        rows = [_run(backend, to_stored(pixels)) for pixels in pictures.pixels]
    return np.concatenate(rows)


def reference_scores(work: Workpiece, pictures: PictureSet) -> Scores:
    """Return the unchanged source's scores; kept for other recipes' artefacts.

    Args:
        work: Has the source.
        pictures: After the resize.

    Raises:
        ConversionError: The source without its softmax is another model.
    """

    def make() -> bytes:
        _require_same_decision(work, pictures)
        scores = model_scores(work.reference, work.source.preprocess, pictures)
        target = io.BytesIO()
        np.save(target, scores)
        return target.getvalue()

    made_of = _reference_parts(work, pictures)
    path = kept_file(work.common_folder, "source-scores", made_of, make)
    kept: Scores = np.load(path)
    return kept


def _reference_parts(
    work: Workpiece, pictures: PictureSet
) -> Iterator[bytes | memoryview]:
    """Yield all that a source's scores depend on."""
    yield f"keras {keras.__version__} tensorflow {tf.__version__}".encode()
    for model in (work.reference, work.source.keras_model):
        yield model.to_json().encode()
        yield from (_buffer(weight) for weight in model.weights)
    yield repr(work.source.preprocess).encode()
    if pictures.sha256 is None:
        yield from (_buffer(pixels) for pixels in pictures.pixels)
    else:
        yield f"{pictures.sha256} {len(pictures)}".encode()


def _buffer(values: Any) -> memoryview:
    return np.ascontiguousarray(values).data


def _require_same_decision(work: Workpiece, pictures: PictureSet) -> None:
    """Refuse a scoring model that lost more than its softmax."""
    if work.reference is work.source.keras_model:
        return
    batch = next(_batches(work.source.preprocess, pictures))
    scores = _predict(work.reference, batch)
    probabilities = _predict(work.source.keras_model, batch)
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    difference = np.abs(powers / powers.sum(axis=1, keepdims=True) - probabilities)
    if difference.max() > 1e-4:
        raise ConversionError(
            f"{work.source.name} without its softmax is another model: probabilities "
            f"differ by {difference.max():.2g}; report this model"
        )


def _batches(spec: PreprocessSpec, pictures: PictureSet) -> Iterator[Tensor]:
    to_real = after_resize(spec, real_input(spec))
    for chunk in _chunks(pictures.pixels):
        yield np.concatenate([np.array(to_real(pixels)) for pixels in chunk])


def _chunks(pixels: Sequence[Uint8Image]) -> Iterator[list[Uint8Image]]:
    for start in range(0, len(pixels), _BATCH):
        yield list(pixels[start : start + _BATCH])


def _predict(model: Any, batch: Tensor) -> Scores:
    """Return a Keras model's scores; always for a full batch, which compiles once."""
    missing = _BATCH - len(batch)
    full = np.concatenate([batch, np.repeat(batch[:1], missing, axis=0)])
    scores: Scores = np.asarray(model.predict_on_batch(full))
    return scores[: len(batch)].astype(np.float32)


def _run(backend: Backend, tensor: Tensor) -> Scores:
    return _dequantized(backend.run(tensor), backend.output)


def _dequantized(stored: Tensor, spec: TensorSpec) -> Scores:
    real: Scores = stored.astype(np.float32)
    if spec.quantization is None:
        return real
    real -= np.float32(spec.quantization.zero_point)
    real *= np.float32(spec.quantization.scale)
    return real
