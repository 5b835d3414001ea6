"""Cameras of the stand-in for picamera2 in tests/stand_ins."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgeclf.types import Uint8Image
from tests.videos import moving_square

__all__ = ["as_planes", "bgr888", "pi_camera", "yuv420"]

_FOLDER = Path(__file__).parent / "stand_ins"


def bgr888(picture: Uint8Image, stride: int) -> NDArray[np.uint8]:
    """Return a buffer that holds red, green and blue, with padded rows."""
    height, width = picture.shape[:2]
    rows = np.full((height, stride), 77, np.uint8)
    rows[:, : 3 * width] = picture.reshape(height, -1)
    return rows.reshape(-1)


def as_planes(picture: Uint8Image) -> NDArray[np.uint8]:
    import cv2

    planes: NDArray[np.uint8] = cv2.cvtColor(picture, cv2.COLOR_RGB2YUV_I420)
    return planes


def yuv420(picture: Uint8Image, stride: int) -> NDArray[np.uint8]:
    """Return a buffer that holds brightness and both differences, with padded rows."""
    height, width = picture.shape[:2]
    planes = as_planes(picture)
    memory = np.full(height * stride * 3 // 2, 222, np.uint8)
    memory[: height * stride].reshape(height, stride)[:, :width] = planes[:height]
    halves = memory[height * stride :].reshape(height, stride // 2)
    halves[:, : width // 2] = planes[height:].reshape(height, width // 2)
    return memory


@contextmanager
def pi_camera(
    *,
    pictures: Sequence[Uint8Image] | None = None,
    encode: Callable[[Uint8Image, int], NDArray[np.uint8]] = bgr888,
    pixel_format: str = "BGR888",
    stride: int = 256,
    stream: str = "main",
    beside: Sequence[Uint8Image] | None = None,
    **settings: Any,
) -> Iterator[Any]:
    """Make picamera2 importable, with one camera, and return the module.

    Args:
        pictures: What it shows; by default moving squares, 64x48.
        encode: Makes a buffer of a picture and a stride.
        pixel_format: libcamera's name of what that is.
        stride: Bytes from one row to the next.
        stream: Which is granted so.
        beside: What the main stream shows beside another one, red, green and blue; by
            default the same.
        settings: Further ``grants``.
    """
    seen = pictures or [moving_square(index) for index in range(6)]
    main = beside or seen
    main_stride = 3 * main[0].shape[1] + 16
    shown = {
        "main": [bgr888(each, main_stride) for each in main],
        stream: [encode(each, stride) for each in seen],
    }
    granted = {
        "main": _granted("BGR888", main, main_stride),
        stream: _granted(pixel_format, seen, stride),
    }
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.syspath_prepend(_FOLDER)
        for name in ("picamera2", "edgeclf.sources.picamera"):
            monkeypatch.delitem(sys.modules, name, raising=False)
        import picamera2

        picamera2.shown.update(shown)
        picamera2.grants.update({**granted, **settings})
        yield picamera2
        for name in ("picamera2", "edgeclf.sources.picamera"):
            sys.modules.pop(name, None)


def _granted(
    pixel_format: str, pictures: Sequence[Uint8Image], stride: int
) -> dict[str, Any]:
    height, width = pictures[0].shape[:2]
    return {"format": pixel_format, "size": (width, height), "stride": stride}
