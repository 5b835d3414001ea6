"""Making golden vectors: pictures run through a model on the machine that packs it."""

import io
import platform
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from edgeclf.backends import open_backend
from edgeclf.decode import decode_image, find_images, read_image
from edgeclf.errors import BackendError, SpecError
from edgeclf.golden import GoldenSet, GoldenVector
from edgeclf.golden_members import (
    MAX_GOLDEN_BYTES,
    MAX_GOLDEN_SIDE,
    MAX_GOLDEN_VECTORS,
    MIN_GOLDEN_VECTORS,
)
from edgeclf.preprocess import Preprocessor
from edgeclf.provenance import Kernels
from edgeclf.scenes import golden_images
from edgeclf.texts import plain_text
from edgeclf.types import DecodeSpec, EngineIdentity, Model, Uint8Image

__all__ = [
    "NamedImages",
    "folder_images",
    "golden_images",
    "kernels_of",
    "make_golden",
]

_PNG_LEVEL = 6  # 9 takes five times as long and saves 5 %

NamedImages = Sequence[tuple[str, Uint8Image]]


def make_golden(
    model: Model,
    images: NamedImages | None = None,
    *,
    origin: str = "synthetic:0",
    engine: str | None = None,
) -> GoldenSet:
    """Run pictures through a model, one thread, and keep every step.

    Args:
        model: What the bundle will hold.
        images: Name and pixels, uint8 RGB; ``golden_images()`` by default.
        origin: Where they come from: ``synthetic:SEED`` or ``folder:NAME``.
        engine: As in ``open_backend``.

    Raises:
        SpecError: Too few or too many pictures, or too large ones.
        MissingDependencyError: No engine for this model is installed.
        BackendError: The engine cannot run it, or its scores are no numbers.
    """
    images = golden_images() if images is None else images
    encoded = [(name, _png(name, pixels)) for name, pixels in images]
    _check_amount([len(data) for _, data in encoded])
    spec = model.spec
    preprocess = Preprocessor(spec.preprocess, spec.input)
    vectors = []
    with open_backend(model.data, format=spec.format, engine=engine) as backend:
        for name, data in encoded:
            pixels = decode_image(data, spec.preprocess.decode, name=name)
            tensor = np.array(preprocess(pixels))
            scores = backend.run(tensor)
            if not np.all(np.isfinite(scores)):
                raise BackendError(
                    f"the model gives scores that are not finite numbers for the "
                    f"golden picture {name!r}: it cannot be used"
                )
            vectors.append(
                GoldenVector(
                    name=plain_text(name), image=data, tensor=tensor, scores=scores
                )
            )
        kernels = kernels_of(backend.identity)
    return GoldenSet(origin=plain_text(origin), vectors=tuple(vectors), kernels=kernels)


def folder_images(
    folder: Path, decode: DecodeSpec, *, count: int = MIN_GOLDEN_VECTORS
) -> tuple[tuple[str, Uint8Image], ...]:
    """Return pictures of one's own, evenly drawn from a folder, scaled down to fit.

    Raises:
        SpecError: There are fewer than ``count``.
        ImageError: The folder has none, or one cannot be read.
    """
    paths = find_images(folder)
    if len(paths) < count:
        raise SpecError(
            f"{folder}: {len(paths)} images, golden vectors need {count}: add some, or "
            "leave the folder out for synthetic ones"
        )
    chosen = [paths[index * len(paths) // count] for index in range(count)]
    return tuple((path.stem, _shrunk(read_image(path, decode))) for path in chosen)


def kernels_of(identity: EngineIdentity) -> Kernels:
    """Return what decides which numbers an engine gives on this machine."""
    return Kernels(
        engine=identity.engine,
        version=identity.version,
        delegates=identity.delegates,
        architecture=platform.machine() or "unknown",
    )


def _shrunk(pixels: Uint8Image) -> Uint8Image:
    if max(pixels.shape) <= MAX_GOLDEN_SIDE:
        return pixels
    image = Image.fromarray(pixels)
    image.thumbnail((MAX_GOLDEN_SIDE, MAX_GOLDEN_SIDE), Image.Resampling.LANCZOS)
    return np.asarray(image)


def _png(name: str, pixels: Uint8Image) -> bytes:
    """Encode; a picture of three equal channels as grey."""
    if max(pixels.shape[:2]) > MAX_GOLDEN_SIDE:
        raise SpecError(
            f"golden picture {name!r}: {pixels.shape[1]}x{pixels.shape[0]} pixels, the "
            f"long side may have {MAX_GOLDEN_SIDE}: scale it down"
        )
    grey = np.array_equal(pixels, pixels[..., :1].repeat(3, axis=2))
    image = Image.fromarray(np.ascontiguousarray(pixels[..., 0] if grey else pixels))
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", compress_level=_PNG_LEVEL)
    return buffer.getvalue()


def _check_amount(sizes: Sequence[int]) -> None:
    if not MIN_GOLDEN_VECTORS <= len(sizes) <= MAX_GOLDEN_VECTORS:
        raise SpecError(
            f"{len(sizes)} golden pictures: give {MIN_GOLDEN_VECTORS} to "
            f"{MAX_GOLDEN_VECTORS}"
        )
    if sum(sizes) > MAX_GOLDEN_BYTES:
        raise SpecError(
            f"the golden pictures take {sum(sizes)} bytes as PNG, over the limit of "
            f"{MAX_GOLDEN_BYTES}: scale them down"
        )
