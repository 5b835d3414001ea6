"""From a camera buffer, in the format that libcamera granted, to RGB."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from edgeclf.sources.rows import without_padding
from edgeclf.sources.yuv import YuvCoding, yuv_to_rgb
from edgeclf.types import Uint8Image

__all__ = ["FORMATS", "GrantedStream", "rgb_of"]

_Bytes = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantedStream:
    """What a camera really gives, whatever it was asked for.

    Attributes:
        format: One of ``FORMATS``.
        size: (height, width) in pixels.
        bytes_per_row: Of the first plane, padding included.
        coding: Of the colours, where the format is a YUV one.
    """

    format: str
    size: tuple[int, int]
    bytes_per_row: int
    coding: YuvCoding = field(default_factory=YuvCoding)


def rgb_of(data: _Bytes, stream: GrantedStream) -> Uint8Image:
    """Return a buffer's picture.

    libcamera's names say the order of the bits in a number, so that the bytes lie the
    other way round: ``RGB888`` is blue, green, red in memory.

    Args:
        data: The buffer's bytes, one dimension.
        stream: What lies in it.

    Returns:
        Shape ``stream.size`` + (3,), contiguous, with memory of its own.

    Raises:
        SourceError: The buffer is too small for that.

    Source:
        include/uapi/drm/drm_fourcc.h, which libcamera's formats are named after.
    """
    return FORMATS[stream.format](data, stream)


def _interleaved(
    data: _Bytes, stream: GrantedStream, *, channels: tuple[int, int, int], step: int
) -> Uint8Image:
    height, width = stream.size
    rows = without_padding(data, (height, width * step), stream.bytes_per_row)
    pixels = rows.reshape(height, width, step)
    if channels == (0, 1, 2) and step == 3:
        return pixels
    return np.ascontiguousarray(pixels[..., list(channels)])


def _planar(data: _Bytes, stream: GrantedStream, *, u_first: bool) -> Uint8Image:
    height, width = stream.size
    half_rows, half_width = -(-height // 2), -(-width // 2)
    stride, half_stride = stream.bytes_per_row, stream.bytes_per_row // 2
    luma = without_padding(data, (height, width), stride)
    first = data[height * stride :]
    planes = [
        without_padding(each, (half_rows, half_width), half_stride)
        for each in (first, first[half_rows * half_stride :])
    ]
    u, v = planes if u_first else reversed(planes)
    return yuv_to_rgb(luma, u, v, stream.coding)


def _half_planar(data: _Bytes, stream: GrantedStream, *, u_first: bool) -> Uint8Image:
    height, width = stream.size
    half_rows, half_width = -(-height // 2), -(-width // 2)
    luma = without_padding(data, (height, width), stream.bytes_per_row)
    pairs = without_padding(
        data[height * stream.bytes_per_row :],
        (half_rows, 2 * half_width),
        stream.bytes_per_row,
    ).reshape(half_rows, half_width, 2)
    u, v = (pairs[..., 0], pairs[..., 1]) if u_first else (pairs[..., 1], pairs[..., 0])
    return yuv_to_rgb(luma, u, v, stream.coding)


def _packed(data: _Bytes, stream: GrantedStream, *, order: str) -> Uint8Image:
    """Two pixels in four bytes, which share their colour."""
    height, width = stream.size
    rows = without_padding(data, (height, 2 * width), stream.bytes_per_row)
    quads = rows.reshape(height, width // 2, 4)
    luma = quads[..., order.index("Y") :: 2].reshape(height, width)
    u, v = quads[..., order.index("U")], quads[..., order.index("V")]
    return yuv_to_rgb(luma, u, v, stream.coding)


def _grey(data: _Bytes, stream: GrantedStream) -> Uint8Image:
    rows = without_padding(data, stream.size, stream.bytes_per_row)
    return np.repeat(rows[..., None], 3, axis=2)


FORMATS: dict[str, Callable[[_Bytes, GrantedStream], Uint8Image]] = {
    "BGR888": partial(_interleaved, channels=(0, 1, 2), step=3),
    "RGB888": partial(_interleaved, channels=(2, 1, 0), step=3),
    "XBGR8888": partial(_interleaved, channels=(0, 1, 2), step=4),
    "XRGB8888": partial(_interleaved, channels=(2, 1, 0), step=4),
    "YUV420": partial(_planar, u_first=True),
    "YVU420": partial(_planar, u_first=False),
    "NV12": partial(_half_planar, u_first=True),
    "NV21": partial(_half_planar, u_first=False),
    **{
        order: partial(_packed, order=order)
        for order in ("YUYV", "YVYU", "UYVY", "VYUY")
    },
    "R8": _grey,
}
"""How each format that is known is read."""
