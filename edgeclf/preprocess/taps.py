"""Which input pixels make an output pixel, and with what weights."""

import math
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgeclf.types import ResizeSpec

__all__ = ["ChannelTaps", "Taps", "channel_taps", "taps"]

_Float64 = NDArray[np.float64]


class Taps(NamedTuple):
    """One axis of a resize.

    Attributes:
        index: Input positions, intp, shape (taps, outputs).
        weight: What each counts, float32, same shape; every column sums to 1.
    """

    index: NDArray[np.intp]  # type: ignore[assignment]  # hides tuple.index
    weight: NDArray[np.float32]


class ChannelTaps(NamedTuple):
    """The axis across, where the three channels of a pixel lie side by side.

    Attributes:
        span: The input pixels that any output needs.
        index: Input pixels from the start of the span on, intp, shape (taps, outputs).
        weight: What each counts, once a channel, float32, shape (taps, 3 * outputs).
    """

    span: slice
    index: NDArray[np.intp]  # type: ignore[assignment]  # hides tuple.index
    weight: NDArray[np.float32]


@lru_cache(maxsize=64)
def channel_taps(
    inputs: int, outputs: int, spec: ResizeSpec, first: int, count: int
) -> ChannelTaps:
    """Return ``taps`` for an axis of pixels with three channels each."""
    pixels = taps(inputs, outputs, spec, first, count)
    span = slice(int(pixels.index.min()), int(pixels.index.max()) + 1)
    return ChannelTaps(
        span=span,
        index=pixels.index - span.start,
        weight=np.repeat(pixels.weight, 3, axis=1),
    )


@lru_cache(maxsize=64)
def taps(inputs: int, outputs: int, spec: ResizeSpec, first: int, count: int) -> Taps:
    """Return the taps of ``count`` outputs from ``first`` on.

    Args:
        inputs: Pixels along the axis before the resize.
        outputs: Pixels along the axis of the whole resized picture.
        spec: Filter, antialias, grid and the cubic's a.
        first: First output wanted.
        count: Outputs wanted.
    """
    if spec.filter == "nearest":
        return _nearest(inputs, outputs, spec, slice(first, first + count))
    scale = inputs / outputs
    output = np.arange(first, first + count, dtype=np.float64)
    centre = (output + 0.5) * scale - 0.5 if spec.half_pixel else output * scale
    stretch = max(scale, 1.0) if spec.antialias else 1.0
    kernel, radius = _kernel(spec)
    reach = radius * stretch
    start = np.floor(centre - reach).astype(np.intp) + 1
    length = math.ceil(2 * reach)
    index = start + np.arange(length, dtype=np.intp)[:, None]
    weight = kernel((index - centre) / stretch)
    if _drops_outside(spec):
        weight = np.where((index >= 0) & (index < inputs), weight, 0.0)
    weight /= weight.sum(axis=0)
    used = np.any(weight != 0, axis=1)
    return Taps(
        index=np.clip(index, 0, inputs - 1)[used],
        weight=weight[used].astype(np.float32),
    )


def _nearest(inputs: int, outputs: int, spec: ResizeSpec, wanted: slice) -> Taps:
    """Return the one tap of each output.

    Source:
        Multiplied out in float32: TensorFlow,
        core/kernels/image/resize_nearest_neighbor_op.cc. Added up from output to
        output: Pillow, libImaging/Geometry.c, ImagingScaleAffine.
    """
    start = 0.5 if spec.half_pixel else 0.0
    if spec.arithmetic == "pillow":
        scale = inputs / outputs
        steps = np.full(outputs, scale)
        steps[0] = start * scale
        position = np.cumsum(steps)
    else:
        output = np.arange(outputs, dtype=np.float32) + np.float32(start)
        position = output * (np.float32(inputs) / np.float32(outputs))
    index = np.minimum(np.floor(position).astype(np.intp), inputs - 1)[None, wanted]
    return Taps(index=index, weight=np.ones(index.shape, np.float32))


def _drops_outside(spec: ResizeSpec) -> bool:
    """Say whether taps beyond the edge are left out, or repeat the edge pixel.

    Source:
        Left out and the rest renormalised: Pillow, and TensorFlow's half-pixel
        kernels, both with the cubic's a = -0.5. Repeated: TensorFlow 1's grid, OpenCV
        and PyTorch, whose a is -0.75. For bilinear both come to the same.
    """
    if spec.antialias or spec.filter == "lanczos3":
        return True
    return spec.half_pixel and spec.cubic_a == -0.5


def _kernel(spec: ResizeSpec) -> tuple[Callable[[_Float64], _Float64], float]:
    if spec.filter == "bilinear":
        return _triangle, 1.0
    if spec.filter == "bicubic":
        return lambda x: _cubic(x, spec.cubic_a), 2.0
    return _lanczos3, 3.0


def _triangle(x: _Float64) -> _Float64:
    return np.maximum(0.0, 1.0 - np.abs(x))


def _cubic(x: _Float64, a: float) -> _Float64:
    """Return the cubic convolution kernel.

    Source:
        Keys 1981, doi:10.1109/TASSP.1981.1163711, equation 15 with a left free.
    """
    x = np.abs(x)
    near = ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0
    far = (((x - 5.0) * x + 8.0) * x - 4.0) * a
    return np.where(x < 1.0, near, np.where(x < 2.0, far, 0.0))


def _lanczos3(x: _Float64) -> _Float64:
    return np.where(np.abs(x) < 3.0, np.sinc(x) * np.sinc(x / 3.0), 0.0)
