"""One thing that is wrong."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from edgeclf.doctor.catalogue import FAULTS, Severity
from edgeclf.doctor.surroundings import Surroundings

__all__ = ["Check", "Finding"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What is wrong, and what mends it.

    Attributes:
        name: Stable, for programs: ``two-opencvs``; a key of ``FAULTS``.
        severity: Of the fault: ``problem``, ``warning`` or ``note``.
        text: One sentence with the value seen.
        why: What that means for a classifier.
        fix: The command that mends it, or what to do; ``None`` for a note.
    """

    name: str
    severity: Severity = field(init=False)
    text: str
    why: str = field(init=False)
    fix: str | None = None

    def __post_init__(self) -> None:
        fault = FAULTS.get(self.name)
        if fault is None:
            raise ValueError(f"no fault {self.name!r} is in the catalogue")
        if (self.fix is None) != (fault.severity == "note"):
            raise ValueError(f"{self.name}: all but a note has a fix, and only that")
        object.__setattr__(self, "severity", fault.severity)
        object.__setattr__(self, "why", fault.why)


Check: TypeAlias = Callable[[Surroundings], Iterable[Finding]]
"""Looks at one thing, and says nothing when it is well."""
