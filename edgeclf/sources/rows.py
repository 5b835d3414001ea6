"""Rows of bytes as a driver lays them out: padded to its liking."""

import numpy as np
from numpy.typing import NDArray

from edgeclf.errors import SourceError

__all__ = ["without_padding"]


def without_padding(
    data: NDArray[np.uint8], shape: tuple[int, int], bytes_per_row: int
) -> NDArray[np.uint8]:
    """Return a copy of the rows, without what follows each.

    Args:
        data: A driver's memory, one dimension; the last row may end at its content.
        shape: (rows, bytes that belong to a row).
        bytes_per_row: From the begin of one row to that of the next.

    Returns:
        Shape ``shape``, contiguous and writable.

    Raises:
        SourceError: There is less memory than that.
    """
    rows, wanted = shape
    end = (rows - 1) * bytes_per_row + wanted
    if bytes_per_row < wanted or data.size < end:
        raise SourceError(
            f"{data.size} bytes cannot hold {rows} rows of {wanted} bytes, one every "
            f"{bytes_per_row}"
        )
    strides = (bytes_per_row, 1)
    view = np.lib.stride_tricks.as_strided(data, shape, strides, writeable=False)
    return np.array(view)
