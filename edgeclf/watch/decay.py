"""How much of the past is left after a while, with the same bits on every machine."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["left_after"]

Ratio = TypeVar("Ratio", float, NDArray[np.float64])

_LONGEST = 40.0
"""Time constants after which nothing is left: exp(-40) is 4e-18."""

_HALVINGS = 10


def left_after(time_constants: Ratio) -> Ratio:
    """Return ``exp(-time_constants)``, within 1e-10 of it.

    C libraries and vector units differ in the last bit of ``exp``. This takes sums,
    products and quotients only, which IEEE 754 rounds alike everywhere, so that what
    was tuned on a workstation is what runs on the board, one number or many at a time.

    Args:
        time_constants: 0 or more.

    Source:
        The Taylor polynomial of degree 6 of ``exp`` at a 1024th, squared ten times.
    """
    if isinstance(time_constants, float):
        part = min(time_constants, _LONGEST) / 2.0**_HALVINGS
    else:
        part = np.minimum(time_constants, _LONGEST) / 2.0**_HALVINGS
    power = 1.0 + part / 6.0
    for divisor in (5.0, 4.0, 3.0, 2.0, 1.0):
        power = 1.0 + part / divisor * power
    left = 1.0 / power
    for _ in range(_HALVINGS):
        left = left * left
    return left
