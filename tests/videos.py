"""Small real video files, encoded when a test asks for one."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edgeclf.types import Uint8Image

__all__ = ["moving_square", "write_pictures", "write_video"]

_CODECS = {".avi": "MJPG", ".mkv": "MJPG", ".mp4": "mp4v"}


def moving_square(index: int, size: tuple[int, int] = (48, 64)) -> Uint8Image:
    """Return a picture, RGB: red on the left, blue on the right, a grey square between.

    The square moves down with the index; its brightness tells top from bottom.
    """
    height, width = size
    picture = np.zeros((height, width, 3), np.uint8)
    picture[:, : width // 2, 0] = 230
    picture[:, width // 2 :, 2] = 230
    top = index % (height - 8)
    picture[top : top + 8, width // 2 - 4 : width // 2 + 4] = 128
    return picture


def write_video(
    path: Path, *, frames: int = 12, size: tuple[int, int] = (48, 64)
) -> Path:
    """Encode ``moving_square`` pictures, 25 a second."""
    return write_pictures(path, [moving_square(each, size) for each in range(frames)])


def write_pictures(path: Path, pictures: Sequence[Uint8Image]) -> Path:
    """Encode RGB pictures of one size, 25 a second."""
    import cv2

    height, width = pictures[0].shape[:2]
    codec = cv2.VideoWriter.fourcc(*_CODECS[path.suffix])
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, codec, 25, (width, height))
    assert writer.isOpened()
    for picture in pictures:
        writer.write(np.ascontiguousarray(picture[:, :, ::-1]))
    writer.release()
    return path
