"""The cells in which durations are counted where they are too many to keep.

Source:
    Those of HdrHistogram (hdrhistogram.org): linear inside an octave, doubling from
    one to the next.
"""

from typing import Final

__all__ = ["SUB_BITS", "cell_width_ns", "upper_edge_ns"]

SUB_BITS: Final = 8
"""256 cells an octave: a cell is at most 1/256 of its value wide."""


def upper_edge_ns(duration_ns: int) -> int:
    """Return the longest duration of the cell that one falls into, in nanoseconds."""
    width = cell_width_ns(duration_ns)
    return duration_ns // width * width + width - 1


def cell_width_ns(duration_ns: int) -> int:
    """Return how wide the cell is that a duration falls into, in nanoseconds."""
    return 1 << max(duration_ns.bit_length() - (SUB_BITS + 1), 0)
