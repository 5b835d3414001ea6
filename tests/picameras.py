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

__all__ = ["bgr888", "pi_camera"]

_FOLDER = Path(__file__).parent / "stand_ins"


def bgr888(picture: Uint8Image, stride: int) -> NDArray[np.uint8]:
    """Return a buffer that holds red, green and blue, with padded rows."""
    height, width = picture.shape[:2]
    rows = np.full((height, stride), 77, np.uint8)
    rows[:, : 3 * width] = picture.reshape(height, -1)
    return rows.reshape(-1)


@contextmanager
def pi_camera(
    *,
    pictures: Sequence[Uint8Image] | None = None,
    encode: Callable[[Uint8Image, int], NDArray[np.uint8]] = bgr888,
    pixel_format: str = "BGR888",
    stride: int = 256,
    stream: str = "main",
    **settings: Any,
) -> Iterator[Any]:
    """Make picamera2 importable, with one camera, and return the module.

    Args:
        pictures: What it shows; by default moving squares, 64x48.
        encode: Makes a buffer of a picture and a stride.
        pixel_format: libcamera's name of what that is.
        stride: Bytes from one row to the next.
        stream: Which is granted so.
        settings: Further ``grants``.
    """
    seen = pictures or [moving_square(index) for index in range(6)]
    height, width = seen[0].shape[:2]
    given = {"format": pixel_format, "size": (width, height), "stride": stride}
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.syspath_prepend(_FOLDER)
        for name in ("picamera2", "edgeclf.sources.picamera"):
            monkeypatch.delitem(sys.modules, name, raising=False)
        import picamera2

        picamera2.shown.extend(encode(each, stride) for each in seen)
        picamera2.grants.update({"main": given, stream: given}, **settings)
        yield picamera2
        for name in ("picamera2", "edgeclf.sources.picamera"):
            sys.modules.pop(name, None)
