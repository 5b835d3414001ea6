"""Where every output pixel comes from: crop windows and sizes, in whole pixels."""

from typing import NamedTuple

import numpy as np

from edgeclf.types import CropSpec, PreprocessSpec, ResizeSpec

__all__ = ["ResizePlan", "Window", "plan_resize", "seen_part"]


class Window(NamedTuple):
    """A rectangle of whole pixels.

    Attributes:
        top: First row.
        left: First column.
        height: Rows, at least 1.
        width: Columns, at least 1.
    """

    top: int
    left: int
    height: int
    width: int

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)."""
        return self.height, self.width

    @property
    def slices(self) -> tuple[slice, slice]:
        """What cuts the window out of an image."""
        return (
            slice(self.top, self.top + self.height),
            slice(self.left, self.left + self.width),
        )


class ResizePlan(NamedTuple):
    """One resize of pictures of one size.

    Attributes:
        source: The part of the picture that is resized; its edges are the picture's
            edges for the filter.
        scaled: (height, width) that this part is brought to.
        kept: The part of the scaled picture that is computed and kept.
        placed: Where it lies in the output; smaller than the output with a letterbox.
    """

    source: Window
    scaled: tuple[int, int]
    kept: Window
    placed: Window

    @property
    def keeps_all(self) -> bool:
        """Whether nothing is cut off after the resize."""
        return self.kept.size == self.scaled


def plan_resize(size: tuple[int, int], spec: PreprocessSpec) -> ResizePlan:
    """Return the plan for pictures of one size.

    Args:
        size: (height, width) of the picture in pixels, each at least 1.
        spec: Its ``crop`` and ``resize`` are read.
    """
    whole = Window(0, 0, *size)
    crops_first = spec.crop.when == "before-resize"
    source = _centre(size, spec.crop) if crops_first else whole
    scaled = _scaled(source.size, spec.resize)
    if spec.resize.mode == "letterbox":
        kept = Window(0, 0, *scaled)
        return ResizePlan(
            source=source,
            scaled=scaled,
            kept=kept,
            placed=_letterboxed(source.size, spec.resize, scaled),
        )
    kept = Window(0, 0, *scaled) if crops_first else _centre(scaled, spec.crop)
    placed = Window(0, 0, *kept.size)
    return ResizePlan(source=source, scaled=scaled, kept=kept, placed=placed)


def seen_part(
    size: tuple[int, int], spec: PreprocessSpec
) -> tuple[float, float, float, float]:
    """Return the part of a picture that the model sees.

    Args:
        size: (height, width) of the picture in pixels.
        spec: Its ``crop`` and ``resize`` are read.

    Returns:
        Left, top, width, height, as shares of the picture's width and height, 0 to 1.
    """
    plan = plan_resize(size, spec)
    rows = plan.source.height / plan.scaled[0] / size[0]
    columns = plan.source.width / plan.scaled[1] / size[1]
    return (
        plan.source.left / size[1] + plan.kept.left * columns,
        plan.source.top / size[0] + plan.kept.top * rows,
        plan.kept.width * columns,
        plan.kept.height * rows,
    )


def _centre(size: tuple[int, int], crop: CropSpec) -> Window:
    height, width = crop.kept(size)
    top = _half(size[0] - height, crop.offset_rounding)
    left = _half(size[1] - width, crop.offset_rounding)
    return Window(top, left, height, width)


def _half(margin: int, rounding: str) -> int:
    if rounding == "half-even":
        return round(margin / 2)
    return (margin + (rounding == "ceil")) // 2


def _scaled(size: tuple[int, int], resize: ResizeSpec) -> tuple[int, int]:
    if resize.mode == "squash":
        return resize.size
    if resize.mode == "letterbox":
        fitted = _fitted(size, resize.size)
        return max(1, int(fitted[0])), max(1, int(fitted[1]))
    target = min(resize.size)
    height, width = size
    if height <= width:
        return target, int(target * width / height)
    return int(target * height / width), target


def _fitted(
    size: tuple[int, int], target: tuple[int, int]
) -> tuple[np.float32, np.float32]:
    """Return the size that just fits, in fractions of a pixel.

    Source:
        TensorFlow, tensorflow/python/ops/image_ops_impl.py,
        _resize_image_with_pad_common, whose float32 steps are kept: they decide
        which way a size that is whole on paper is truncated.
    """
    height, width = np.float32(size[0]), np.float32(size[1])
    ratio = max(width / np.float32(target[1]), height / np.float32(target[0]))
    return height / ratio, width / ratio


def _letterboxed(
    size: tuple[int, int], resize: ResizeSpec, scaled: tuple[int, int]
) -> Window:
    fitted = _fitted(size, resize.size)
    top, left = (
        min(max(0, int((np.float32(target) - side) / 2)), target - whole)
        for target, side, whole in zip(resize.size, fitted, scaled, strict=True)
    )
    return Window(top, left, *scaled)
