"""The measured run: the shipped loop, the machine watched, the result judged."""

from edgeclf.bench.extent import QUICK, Extent, Progress
from edgeclf.bench.judge import FOREIGN_CORES_ALLOWED, SWAPPED_PAGES_ALLOWED
from edgeclf.bench.measure import BenchOptions, measure
from edgeclf.bench.report import BenchReport

__all__ = [
    "FOREIGN_CORES_ALLOWED",
    "QUICK",
    "SWAPPED_PAGES_ALLOWED",
    "BenchOptions",
    "BenchReport",
    "Extent",
    "Progress",
    "measure",
]
