"""Pictures for calibration and parity: decoded and resized once, by the spec."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import overload

import numpy as np
from numpy.typing import NDArray

from edgeclf.decode import read_image
from edgeclf.preprocess import Preprocessor
from edgeclf.types import (
    CropSpec,
    PreprocessSpec,
    ResizeSpec,
    TensorSpec,
    Uint8Image,
)

__all__ = ["PhotoPixels", "PictureSet", "after_resize", "real_input"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PictureSet:
    """Pictures as they are after crop and resize, before any model's arithmetic.

    Attributes:
        pixels: Of each: uint8, shape ``spec.size`` + (3,), RGB.
        origin: What they are: ``evaluate``, ``calibration-holdout``, ``synthetic``.
        sha256: Of the set of files, in hex; ``None`` for synthetic ones.
        truth: The right class of each, where it is known of all.
        clusters: A number for each, the same for those that show the same thing.
    """

    pixels: Sequence[Uint8Image] = field(repr=False)
    origin: str
    sha256: str | None = None
    truth: NDArray[np.intp] | None = None
    clusters: NDArray[np.intp] | None = None

    def __len__(self) -> int:
        return len(self.pixels)

    @property
    def groups(self) -> NDArray[np.intp]:
        """A number for each; all different where nothing is known of clusters."""
        return np.arange(len(self)) if self.clusters is None else self.clusters

    @property
    def are_photos(self) -> bool:
        """Whether a top-1 on them means anything."""
        return self.origin != "synthetic"


class PhotoPixels(Sequence[Uint8Image]):
    """A sequence of photos that reads each file when it is asked for.

    Args:
        paths: The files.
        spec: How they are decoded, cropped and resized.
    """

    def __init__(self, paths: Sequence[Path], spec: PreprocessSpec) -> None:
        self._paths = tuple(paths)
        self._spec = spec
        self._preprocess = Preprocessor(spec, real_input(spec))

    def __len__(self) -> int:
        return len(self._paths)

    @overload
    def __getitem__(self, index: int) -> Uint8Image: ...

    @overload
    def __getitem__(self, index: slice) -> "PhotoPixels": ...

    def __getitem__(self, index: int | slice) -> "Uint8Image | PhotoPixels":
        """Return a photo's pixels, the caller's own; or a part of the sequence.

        Raises:
            ImageError: The file cannot be decoded.
        """
        if isinstance(index, slice):
            return PhotoPixels(self._paths[index], self._spec)
        photo = read_image(self._paths[index], self._spec.decode)
        return self._preprocess.resized(photo)


def after_resize(spec: PreprocessSpec, tensor: TensorSpec) -> Preprocessor:
    """Return the part of the preprocessing that comes after the resize.

    Args:
        spec: A model's.
        tensor: The model's input.

    Returns:
        It takes pixels of ``spec.size`` and leaves them where they are.
    """
    rest = replace(
        spec, resize=ResizeSpec(size=spec.size), crop=CropSpec(), enhancement="none"
    )
    return Preprocessor(rest, tensor)


def real_input(spec: PreprocessSpec) -> TensorSpec:
    """Return the input of a source model with this spec: float32, NHWC."""
    return TensorSpec(name="image", shape=(1, *spec.size, 3), dtype="float32")
