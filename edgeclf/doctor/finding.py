"""One thing that is wrong."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from edgeclf.doctor.surroundings import Surroundings

__all__ = ["Check", "Finding", "Severity"]

Severity: TypeAlias = Literal["problem", "warning", "note"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What is wrong, and what mends it.

    Attributes:
        name: Stable, for programs: ``two-opencvs``.
        severity: A ``problem`` keeps models from running; a ``warning`` makes them
            slow, wrong to measure, or keeps a part from working; a ``note`` is good
            to know.
        text: One sentence with the value seen.
        fix: The command that mends it, or what to do; ``None`` for a note.
    """

    name: str
    severity: Severity
    text: str
    fix: str | None = None


Check: TypeAlias = Callable[[Surroundings], Iterable[Finding]]
"""Looks at one thing, and says nothing when it is well."""
