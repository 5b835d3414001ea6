"""Passing over frames that show what the last decided one showed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from edgeclf.types import Frame, Uint8Image

__all__ = ["ChangeGate", "ChangeLimits"]

_Levels: TypeAlias = NDArray[np.uint16]
"""Sums of samples, each 0 to 1020; sixteen of them fit into 16 bits."""

_SAMPLES: Final = (96, 128)  # (rows, columns) that are looked at, at most twice as many
_BLOCK: Final = 4  # samples along each side of a cell, whose mean takes the noise out


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeLimits:
    """What counts as a change.

    Attributes:
        threshold: Mean absolute difference of the thumbnails, in grey levels, above 0,
            at most 255. Noise with a standard deviation of 6 levels in each channel
            gives 1.0; something that covers 5 % of the picture and is 40 levels
            brighter or darker than what it hides gives 2.0.
        at_least_every_s: A frame that is so much younger than the last decided one is
            decided anyway, so that the loop is seen to live.
    """

    threshold: float = 2.0
    at_least_every_s: float = 10.0

    def __post_init__(self) -> None:
        if not 0 < self.threshold <= 255:
            raise ValueError(f"threshold must be in (0, 255], got {self.threshold}")
        if not 0 < self.at_least_every_s < float("inf"):
            raise ValueError(
                "at_least_every_s must be finite and above 0, got "
                f"{self.at_least_every_s}"
            )


class ChangeGate:
    """Compares a thumbnail of each frame with that of the last one it let through.

    The thumbnail is made of samples on a grid (every n-th row and column), as
    ``(R + 2 G + B) / 4``; each of its cells is the mean of 4 x 4 samples. What changes
    slowly is seen, too, as the comparison is not with the frame before.

    Args:
        limits: What counts as a change.
    """

    def __init__(self, limits: ChangeLimits) -> None:
        self._limits = limits
        self._let_through_ns = 0
        self._now: _Thumbnail | None = None
        self._then: _Thumbnail | None = None

    def lets_through(self, frame: Frame) -> bool:
        """Return whether a frame is to be decided, and remember it if so."""
        shape = frame.pixels.shape
        if self._now is None or self._then is None or self._now.shape != shape:
            self._now, self._then = _Thumbnail(shape), _Thumbnail(shape)
            self._then.is_of_nothing = True
        self._now.take(frame.pixels)
        quiet_s = (frame.captured_ns - self._let_through_ns) / 1e9
        if (
            self._then.is_of_nothing
            or quiet_s >= self._limits.at_least_every_s
            or self._now.difference(self._then) >= self._limits.threshold
        ):
            self._let_through_ns = frame.captured_ns
            self._now, self._then = self._then, self._now
            return True
        return False


class _Thumbnail:
    """A small grey picture of large ones, made in the same memory again and again.

    Args:
        shape: Of the large pictures: (height, width, 3).
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self.is_of_nothing = False
        (rows, down), (columns, across) = (
            _grid(side, samples)
            for side, samples in zip(shape[:2], _SAMPLES, strict=True)
        )
        self._grid = (rows, columns)
        height, width = len(range(shape[0])[rows]), len(range(shape[1])[columns])
        self._samples: _Levels = np.zeros((height, width), np.uint16)
        self._summed_down: _Levels = np.zeros((height // down, width), np.uint16)
        self._cells: _Levels = np.zeros((height // down, width // across), np.uint16)
        self._apart = np.zeros(self._cells.shape, np.int32)
        # Views of the above, one for each row and each column of a cell.
        by_row = self._samples.reshape(height // down, down, width)
        by_column = self._summed_down.reshape(height // down, width // across, across)
        self._rows = [by_row[:, row] for row in range(down)]
        self._columns = [by_column[:, :, column] for column in range(across)]
        self._per_level = 4 * down * across

    def take(self, pixels: Uint8Image) -> None:
        """Show these pixels."""
        seen, samples = pixels[self._grid], self._samples
        np.copyto(samples, seen[..., 1])
        np.add(samples, samples, out=samples)
        np.add(samples, seen[..., 0], out=samples)
        np.add(samples, seen[..., 2], out=samples)
        _add_up(self._rows, self._summed_down)
        _add_up(self._columns, self._cells)
        self.is_of_nothing = False

    def difference(self, other: "_Thumbnail") -> float:
        """Return the mean absolute difference, in grey levels."""
        ours, theirs = self._cells, other._cells  # noqa: SLF001 - of the same class
        np.subtract(ours, theirs, out=self._apart, dtype=np.int32)
        np.abs(self._apart, out=self._apart)
        return float(self._apart.mean()) / self._per_level


def _add_up(parts: Sequence[_Levels], total: _Levels) -> None:
    """Write the sum into an array: four times faster than numpy's own over an axis."""
    np.copyto(total, parts[0])
    for part in parts[1:]:
        np.add(total, part, out=total)


def _grid(side: int, samples: int) -> tuple[slice, int]:
    """Return which rows, or columns, are looked at, and how many make a cell."""
    step = max(1, side // samples)
    count = -(-side // step)
    block = min(_BLOCK, count)
    return slice(0, (count - count % block) * step, step), block
