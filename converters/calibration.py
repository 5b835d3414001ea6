"""What an int8 graph is calibrated with: photos, and the ends of the pixel range."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from converters.pictures import after_resize, real_input
from converters.workpiece import Workpiece
from edgeclf.errors import CalibrationError
from edgeclf.types import Uint8Image

__all__ = ["calibration_tensors"]


def calibration_tensors(work: Workpiece) -> Iterator[NDArray[np.float32]]:
    """Yield what the exported float graph is given for each calibration photo.

    Two corner pixels of the first photo are black and white, so that the input's range
    is the spec's whatever the photos hold: photos within 12…240 would otherwise give
    another scale than the device's, and wrong pixels.

    Yields:
        float32, shape (1, height, width, 3): real numbers, or pixels when the graph
        normalises.

    Raises:
        CalibrationError: There are no photos.
    """
    if work.calibration is None:
        raise CalibrationError("int8 needs photos: give --calibrate DIR")
    spec = work.source.preprocess
    if work.boundary.in_graph:
        spec = replace(spec, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
    to_tensor = after_resize(spec, real_input(spec))
    for index, pixels in enumerate(work.calibration.pixels):
        yield np.array(to_tensor(pixels if index else _with_both_ends(pixels)))


def _with_both_ends(pixels: Uint8Image) -> Uint8Image:
    changed: Uint8Image = pixels.copy()
    changed[0, 0], changed[-1, -1] = 0, 255
    return changed
