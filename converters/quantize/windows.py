"""Where a convolution's window lies along a side of its input."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["WindowAxis", "same_padding", "some_places"]

Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowAxis:
    """A window's way along one side.

    Attributes:
        size: Of the input, in pixels.
        window: Pixels that one output sees, at least 1.
        stride: Pixels from one output's window to the next.
        dilation: Pixels from one of a window's to the next.
        padding: Pixels before and behind the input.
    """

    size: int
    window: int
    stride: int
    dilation: int
    padding: tuple[int, int]

    @property
    def outputs(self) -> int:
        """How many outputs there are."""
        return (self.size + sum(self.padding) - self._reach) // self.stride + 1

    def taps(self, outputs: Places) -> Places:
        """Return where outputs look, shape (outputs, window).

        Args:
            outputs: Their numbers.

        Returns:
            Counted from the input's first pixel: below 0 and from ``size`` on there is
            padding.
        """
        offsets = np.arange(self.window) * self.dilation - self.padding[0]
        return np.asarray(outputs[:, None] * self.stride + offsets)

    @property
    def _reach(self) -> int:
        return (self.window - 1) * self.dilation + 1


def same_padding(
    *, size: int, window: int, stride: int, dilation: int
) -> tuple[int, int]:
    """Return the pixels before and behind that give an output for every stride.

    An odd one comes behind, as TensorFlow has it and ONNX's ``SAME_UPPER``.
    """
    reach = (window - 1) * dilation + 1
    outputs = -(-size // stride)
    missing = max(0, (outputs - 1) * stride + reach - size)
    return missing // 2, missing - missing // 2


def some_places(count: int, most: int, numbers: np.random.Generator) -> Places:
    """Return the numbers of some of ``count`` places in order; all if they are few."""
    if count <= most:
        return np.arange(count)
    return np.sort(numbers.choice(count, most, replace=False))
