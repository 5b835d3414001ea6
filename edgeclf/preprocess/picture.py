"""What counts as a picture, and what to do with an array that does not."""

import numpy as np

from edgeclf.types import Tensor

__all__ = ["require_picture"]


def require_picture(pixels: Tensor) -> None:
    """Refuse what is not uint8, shape (height, width, 3).

    Raises:
        ValueError: It says what the array is and how to make a picture of it.
    """
    shape = pixels.shape
    if pixels.dtype == np.uint8 and len(shape) == 3 and shape[2] == 3 and pixels.size:
        return
    raise ValueError(
        "pixels must be uint8, RGB, shape (height, width, 3), "
        f"got {pixels.dtype} {shape}: {_what_to_do(pixels)}"
    )


def _what_to_do(pixels: Tensor) -> str:
    shape = pixels.shape
    if pixels.size == 0:
        return "there is no pixel in it"
    if len(shape) == 4:
        return "classify one picture at a time"
    if len(shape) == 2 or shape[2:] == (1,):
        return "repeat the grey channel three times"
    if shape[2:] == (4,):
        return "drop the fourth channel, and mind the colour order"
    if shape[:1] == (3,):
        return "move the channels last, pixels.transpose(1, 2, 0)"
    return "pass the pixels as they came from the camera or the decoder"
