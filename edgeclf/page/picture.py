"""A frame as a JPEG for people: no larger than a page needs."""

import io
from typing import Final

from PIL import Image

from edgeclf.types import Uint8Image

__all__ = ["encode_picture"]

_LONG_SIDE: Final = 960
"""Pixels that the longer side must stay below; more cost time and show no more."""

_QUALITY: Final = 75


def encode_picture(pixels: Uint8Image) -> bytes:
    """Return a JPEG of a frame.

    A large frame is made smaller by a whole number, averaging squares of pixels: an
    eighth of the time that a true resize takes, and nothing measures this picture.

    Args:
        pixels: (height, width, 3) uint8, RGB.
    """
    image = Image.fromarray(pixels)
    factor = max(image.size) // _LONG_SIDE
    if factor > 1:
        image = image.reduce(factor)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=_QUALITY)
    return file.getvalue()
