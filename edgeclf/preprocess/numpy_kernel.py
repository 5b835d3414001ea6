"""Our own resize: any filter on any grid, in numpy."""

import numpy as np
from numpy.typing import NDArray

from edgeclf.preprocess.geometry import ResizePlan
from edgeclf.preprocess.taps import ChannelTaps, Taps, channel_taps, taps
from edgeclf.types import ResizeSpec, Uint8Image

__all__ = ["NumpyKernel"]

_Bytes = NDArray[np.uint8]
_Float32 = NDArray[np.float32]


class NumpyKernel:
    """Two passes of weighted sums in float32, rounded once at the end.

    Down the rows first, whose bytes lie together; then across. Only the rows and
    columns that the kept window needs are read. Channels are columns like others.

    Args:
        spec: Filter, antialias, grid and the cubic's a.
    """

    name = "edgeclf"

    def __init__(self, spec: ResizeSpec) -> None:
        self._spec = spec
        self._memory: dict[str, _Float32] = {}

    def resize(self, source: Uint8Image, plan: ResizePlan, out: Uint8Image) -> None:
        """Write the kept part of the resized picture into ``out``.

        Args:
            source: Shape ``plan.source.size`` + (3,), rows contiguous.
            plan: Sizes.
            out: Shape ``plan.kept.size`` + (3,), rows contiguous.
        """
        (height, width), kept = plan.scaled, plan.kept
        rows = taps(source.shape[0], height, self._spec, kept.top, kept.height)
        across = channel_taps(source.shape[1], width, self._spec, kept.left, kept.width)
        source = source[:, across.span]
        if self._spec.filter == "nearest":
            np.copyto(out, np.take(source[rows.index[0]], across.index[0], axis=1))
            return
        # Views: rows are contiguous.
        flat, flat_out = (image.reshape(len(image), -1) for image in (source, out))
        result = self._across(self._down(flat, rows), across)
        np.rint(result, out=result)
        np.clip(result, 0, 255, out=result)
        np.copyto(flat_out, result, casting="unsafe")

    def _down(self, flat: _Bytes, rows: Taps) -> _Float32:
        """Return weighted sums of rows, shape (outputs, columns)."""
        shape = (rows.weight.shape[1], flat.shape[1])
        total, part = self._buffer("tall", shape), self._buffer("tall part", shape)
        for tap, (index, weight) in enumerate(
            zip(rows.index, rows.weight, strict=True)
        ):
            target = part if tap else total
            np.multiply(flat[index], weight[:, None], out=target)
            if tap:
                np.add(total, part, out=total)
        return total

    def _across(self, tall: _Float32, columns: ChannelTaps) -> _Float32:
        """Return weighted sums of columns, shape (rows, 3 * outputs)."""
        shape = (tall.shape[0], columns.weight.shape[1])
        total, part = self._buffer("wide", shape), self._buffer("wide part", shape)
        pixels = tall.reshape(shape[0], -1, 3)
        for tap, (index, weight) in enumerate(
            zip(columns.index, columns.weight, strict=True)
        ):
            target = part if tap else total
            # Whole pixels at once, into memory at hand: both save time, on numpy 1 most.
            np.take(
                pixels, index, axis=1, out=target.reshape(shape[0], -1, 3), mode="clip"
            )
            np.multiply(target, weight, out=target)
            if tap:
                np.add(total, part, out=total)
        return total

    def _buffer(self, name: str, shape: tuple[int, int]) -> _Float32:
        """Return memory of a shape, the same as last time if that is large enough."""
        size = shape[0] * shape[1]
        memory = self._memory.get(name)
        if memory is None or memory.size < size:
            memory = self._memory[name] = np.empty(size, np.float32)
        return memory[:size].reshape(shape)
