"""Whether reports may be held against each other at all."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from edgeclf.bench.stored import IDENTITY, StoredReport

__all__ = ["ACROSS", "BLOCKS_NEEDED", "refusals"]

ACROSS: Final = tuple(IDENTITY)
"""What two reports may be said to differ in."""

BLOCKS_NEEDED: Final = 20
"""Seconds with decisions that an interval needs. A convention: with fewer, the spread
between seconds is itself hardly known."""

_IMPLIED: Final[Mapping[str, tuple[str, ...]]] = {
    "engine": ("version",),
    "model": ("preprocessing",),
    "machine": ("system", "governor", "profile"),
}
"""What necessarily differs with something else: one engine's version is no other's."""


def refusals(
    reports: Sequence[StoredReport], across: Collection[str] = ()
) -> tuple[str, ...]:
    """Return why reports cannot be compared; empty where they can.

    Args:
        reports: The first is what the others are held against.
        across: Names of ``ACROSS`` in which they are meant to differ.

    Raises:
        ValueError: A name is none of ``ACROSS``.
    """
    unknown = set(across) - set(ACROSS)
    if unknown:
        raise ValueError(f"reports do not differ in {', '.join(sorted(unknown))}")
    allowed = {*across, *(name for each in across for name in _IMPLIED.get(each, ()))}
    return (
        *(reason for report in reports for reason in _unusable(report)),
        *(
            reason
            for other in reports[1:]
            for reason in _differences(reports[0], other, allowed)
        ),
    )


def _unusable(report: StoredReport) -> Iterator[str]:
    if report.invalid is None or report.blocks is None:
        yield (
            f"{report.name} does not hold what a comparison needs: an older edgeclf "
            "wrote it; measure again"
        )
        return
    for reason in report.invalid:
        yield f"{report.name} is of an invalid run: {reason}"
    used = sum(1 for block in report.blocks.stages.get("total", ()) if block)
    if used < BLOCKS_NEEDED:
        yield (
            f"{report.name} has {used} stretches of {report.blocks.block_s} s with "
            f"decisions, and an interval needs {BLOCKS_NEEDED}: measure longer"
        )


def _differences(
    first: StoredReport, other: StoredReport, allowed: Collection[str]
) -> Iterator[str]:
    for name in ACROSS:
        one, two = first.identity[name], other.identity[name]
        if one != two and name not in allowed:
            yield (
                f"{first.name} and {other.name} differ in {name}: {one} and {two} "
                f"(meant so? --across {name})"
            )
