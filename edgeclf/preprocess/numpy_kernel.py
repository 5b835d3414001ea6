"""Our own resize: any filter on any grid, in numpy."""

import numpy as np
from numpy.typing import NDArray

from edgeclf.preprocess.geometry import ResizePlan
from edgeclf.preprocess.taps import Taps, taps
from edgeclf.types import ResizeSpec, Uint8Image

__all__ = ["NumpyKernel"]

_Float32 = NDArray[np.float32]


class NumpyKernel:
    """Two passes of weighted sums in float32, rounded once at the end.

    Only the rows and columns that the kept window needs are read.

    Args:
        spec: Filter, antialias, grid and the cubic's a.
    """

    name = "edgeclf"

    def __init__(self, spec: ResizeSpec) -> None:
        self._spec = spec

    def resize(self, source: Uint8Image, plan: ResizePlan, out: Uint8Image) -> None:
        """Write the kept part of the resized picture into ``out``.

        Args:
            source: Shape ``plan.source.size`` + (3,), any strides.
            plan: Sizes.
            out: Shape ``plan.kept.size`` + (3,), any strides.
        """
        (height, width), kept = plan.scaled, plan.kept
        rows = taps(source.shape[0], height, self._spec, kept.top, kept.height)
        columns = taps(source.shape[1], width, self._spec, kept.left, kept.width)
        if self._spec.filter == "nearest":
            _pick(source, rows, columns, out)
            return
        span = columns.span
        tall = _weigh(source[:, span], rows)
        shifted = Taps(index=columns.index - span.start, weight=columns.weight)
        # Columns become rows, so that each tap moves contiguous runs of pixels.
        turned = np.ascontiguousarray(tall.transpose(1, 0, 2))
        result = _weigh(turned, shifted)
        np.rint(result, out=result)
        np.clip(result, 0, 255, out=result)
        np.copyto(out, result.transpose(1, 0, 2), casting="unsafe")


def _pick(source: Uint8Image, rows: Taps, columns: Taps, out: Uint8Image) -> None:
    # A pixel is moved as one value of three bytes, not as three values.
    lines = np.ascontiguousarray(source[rows.index[0]])
    pixels = lines.view("V3")[..., 0]
    np.copyto(out, pixels[:, columns.index[0]][..., None].view(np.uint8))


def _weigh(image: NDArray[np.uint8] | _Float32, axis: Taps) -> _Float32:
    """Return weighted sums of rows, float32, shape (outputs, columns, 3)."""
    flat = image.reshape(image.shape[0], -1)
    total: _Float32 = flat[axis.index[0]] * axis.weight[0][:, None]
    for index, weight in zip(axis.index[1:], axis.weight[1:], strict=True):
        total += flat[index] * weight[:, None]
    return total.reshape((-1, *image.shape[1:]))
