"""Resizing and rearranging pixels by OpenCV; the only module that imports it here."""

from collections.abc import Callable
from functools import lru_cache, partial
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from edgeclf.preprocess.geometry import ResizePlan, Window
from edgeclf.preprocess.numpy_kernel import NumpyKernel
from edgeclf.types import ResizeSpec, Uint8Image

__all__ = [
    "OpenCvKernel",
    "OpenCvWarpKernel",
    "bind_look_up",
    "bind_swap",
    "bind_transform",
    "look_up_each",
    "split",
]

Step: TypeAlias = Callable[[], object]

_LONGEST_WARP = 32_766
"""OpenCV's warps count pixels in 16-bit integers."""


class OpenCvKernel:
    """``cv2.resize`` for the filters that it shares with the trainers.

    Args:
        spec: A combination that ``serves`` accepts.
    """

    name = "opencv"

    def __init__(self, spec: ResizeSpec) -> None:
        flag = _flag(spec)
        if flag is None:
            raise ValueError(f"no cv2.resize does {spec}")
        self._flag = flag
        self._wide = NumpyKernel(spec)

    @staticmethod
    def serves(spec: ResizeSpec) -> bool:
        """Say whether ``cv2.resize`` is this filter, within one step."""
        return _flag(spec) is not None

    def resize(self, source: Uint8Image, plan: ResizePlan, out: Uint8Image) -> None:
        """Write the kept part of the resized picture into ``out``.

        Args:
            source: Shape ``plan.source.size`` + (3,), rows contiguous.
            plan: Sizes.
            out: Shape ``plan.kept.size`` + (3,), rows contiguous.
        """
        height, width = plan.scaled
        if plan.keeps_all:
            _into(out, cv2.resize(source, (width, height), out, 0, 0, self._flag))
        elif height * width > 16 * out.shape[0] * out.shape[1]:
            # A sliver of a picture: OpenCV would compute far more than is kept.
            self._wide.resize(source, plan, out)
        else:
            whole = cv2.resize(source, (width, height), interpolation=self._flag)
            np.copyto(out, whole[plan.kept.slices])


class OpenCvWarpKernel:
    """Bilinear on TensorFlow 1's grid, where output i samples ``i * scale``.

    Args:
        spec: A combination that ``serves`` accepts.
    """

    name = "opencv"

    def __init__(self, spec: ResizeSpec) -> None:
        self._wide = NumpyKernel(spec)

    @staticmethod
    def serves(spec: ResizeSpec) -> bool:
        """Say whether this OpenCV's warp is this filter, within one step."""
        return (
            spec.filter == "bilinear"
            and not spec.half_pixel
            and not spec.antialias
            and _warp_is_exact()
        )

    def resize(self, source: Uint8Image, plan: ResizePlan, out: Uint8Image) -> None:
        """Write the kept part of the resized picture into ``out``.

        Args:
            source: Shape ``plan.source.size`` + (3,), rows contiguous.
            plan: Sizes.
            out: Shape ``plan.kept.size`` + (3,), rows contiguous.
        """
        if max(source.shape[:2]) > _LONGEST_WARP:
            self._wide.resize(source, plan, out)
            return
        _into(out, _warp(source, plan, out))


def bind_swap(pixels: Uint8Image, out: Uint8Image) -> Step:
    """Return what writes the pixels with channels 0 and 2 exchanged into ``out``."""
    return _bound(partial(cv2.cvtColor, pixels, cv2.COLOR_RGB2BGR, out), out)


def bind_look_up(
    stored: NDArray[np.uint8], pixels: NDArray[np.uint8], out: NDArray[np.uint8]
) -> Step:
    """Return what writes ``stored[pixels]`` into ``out``; ``stored`` has shape (256,)."""
    return _bound(partial(cv2.LUT, pixels, stored, out), out)


def bind_transform(
    matrix: NDArray[np.float64],
    pixels: NDArray[np.uint8],
    out: NDArray[np.uint8],
) -> Step:
    """Return what writes ``matrix @ (r, g, b, 1)``, rounded and clipped, to ``out``.

    Args:
        matrix: Shape (3, 4), the first three columns diagonal.
        pixels: Shape (height, width, 3).
        out: Same shape.
    """
    return _bound(partial(cv2.transform, pixels, matrix, out), out)


def split(pixels: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
    """Write (height, width, 3) pixels into ``out`` of shape (3, height, width)."""
    planes = [out[0], out[1], out[2]]
    for plane, written in zip(planes, cv2.split(pixels, planes), strict=True):
        _into(plane, written)


def look_up_each(
    stored: NDArray[np.uint8],
    pixels: NDArray[np.uint8],
    planes: NDArray[np.uint8],
    out: NDArray[np.uint8],
) -> None:
    """Write what each channel's own table makes of (height, width, 3) pixels.

    Channel by channel takes a third less time than OpenCV's own three-table lookup.

    Args:
        stored: Tables, shape (3, 256).
        pixels: Shape (height, width, 3).
        planes: Working memory, shape (3, height, width).
        out: Shape (height, width, 3).
    """
    split(pixels, planes)
    for channel in range(3):
        plane = planes[channel]
        _into(plane, cv2.LUT(plane, stored[channel], plane))
    _into(out, cv2.merge([planes[0], planes[1], planes[2]], out))


def _flag(spec: ResizeSpec) -> int | None:
    if spec.antialias or not spec.half_pixel:
        return None
    if spec.filter == "bilinear":
        return cv2.INTER_LINEAR
    if spec.filter == "bicubic" and spec.cubic_a == -0.75:
        return cv2.INTER_CUBIC
    return None


def _bound(call: Callable[[], NDArray[np.uint8]], out: NDArray[np.uint8]) -> Step:
    """Return a step that leaves what OpenCV writes in ``out``.

    Whether OpenCV makes an array of its own depends on the arrays that it is given,
    which stay: one trial tells, and no picture waits for the question.
    """
    if call() is out:
        return call
    return lambda: np.copyto(out, call())


def _into(out: NDArray[np.uint8], written: NDArray[np.uint8]) -> None:
    """See to it that what OpenCV wrote is in ``out``; it may have made its own."""
    if written is not out:
        np.copyto(out, written)


def _warp(source: Uint8Image, plan: ResizePlan, out: Uint8Image) -> Uint8Image:
    warped: Uint8Image = cv2.warpAffine(
        source,
        _warp_matrix(plan),
        (plan.kept.width, plan.kept.height),
        out,
        cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        cv2.BORDER_REPLICATE,
    )
    return warped


@lru_cache(maxsize=32)
def _warp_matrix(plan: ResizePlan) -> NDArray[np.float64]:
    """Return where in the source each pixel lies; made once for each picture size."""
    down = plan.source.height / plan.scaled[0]
    across = plan.source.width / plan.scaled[1]
    return np.array(
        [[across, 0, plan.kept.left * across], [0, down, plan.kept.top * down]]
    )


@lru_cache(maxsize=1)
def _warp_is_exact() -> bool:
    """Try the warp on noise: older OpenCV rounds positions to 1/32 of a pixel."""
    noise = _noise(67, 89)
    spec = ResizeSpec(size=(31, 40), half_pixel=False)
    plan = ResizePlan(
        source=Window(0, 0, 67, 89),
        scaled=(31, 40),
        kept=Window(0, 0, 31, 40),
        placed=Window(0, 0, 31, 40),
    )
    ours, theirs = np.empty((2, 31, 40, 3), np.uint8)
    NumpyKernel(spec).resize(noise, plan, ours)
    _into(theirs, _warp(noise, plan, theirs))
    return int(np.abs(ours.astype(int) - theirs).max()) <= 1


def _noise(height: int, width: int) -> Uint8Image:
    """Return pixels that look random; importing numpy.random costs each start 10 ms."""
    # Knuth's multiplicative hash: The Art of Computer Programming, volume 3, 6.4.
    hashed = np.arange(height * width * 3, dtype=np.uint32) * np.uint32(2654435761)
    noise: Uint8Image = (hashed >> np.uint32(24)).astype(np.uint8)
    return noise.reshape(height, width, 3)
