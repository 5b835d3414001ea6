"""What the gate found: whether a smaller model is as right as its source."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from edgeclf.texts import require_count, require_text

__all__ = ["ClassDrop", "GateRecord", "Measure", "Verdict"]

Verdict: TypeAlias = Literal["pass", "fail", "undecided"]
Measure: TypeAlias = Literal["accuracy", "agreement"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassDrop:
    """By how much one class is recognised less often than by the source.

    Attributes:
        label: The class.
        bar: Allowed drop of its recall, as a share.
        value: The drop, as a share of its photos; below 0 it is recognised more often.
        low: Lower end of the interval, corrected for the number of classes.
        high: Upper end.
        photos: Of this class.
        classes: How many have enough photos to be judged.
    """

    label: str
    bar: float
    value: float
    low: float
    high: float
    photos: int
    classes: int

    def __post_init__(self) -> None:
        require_text("label", self.label)
        _require_interval(self.low, self.value, self.high)
        if self.photos < 1 or self.classes < 1:
            raise ValueError("photos and classes must be 1 or more")


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRecord:
    """The verdict on an artefact, and what it rests on.

    Attributes:
        measure: ``accuracy``: labelled photos; the figures are the drop of top-1
            accuracy. ``agreement``: photos without labels; the figures are the share
            of decisions that are the source's, which says nothing of being right.
        verdict: ``pass`` or ``fail`` when the whole 95 % interval is on that side of
            the bar.
        bar: Largest drop allowed, or least agreement; a share.
        value: What was measured; a share.
        low: Lower end of its interval.
        high: Upper end.
        photos: How many it was measured on.
        clusters: How many of them show different things.
        method: How the interval was made.
        more_photos: About how many more, each of another thing, would decide;
            ``None`` when it is decided, when the value is so near the bar that no
            practical number would, or when the photos show too few different things
            to tell.
        worst_class: The class that lost most, of those with enough labelled photos.
        accepted: Whether the user accepts that it is undecided.
    """

    measure: Measure
    verdict: Verdict
    bar: float
    value: float
    low: float
    high: float
    photos: int
    clusters: int
    method: str
    more_photos: int | None = None
    worst_class: ClassDrop | None = None
    accepted: bool = False

    def __post_init__(self) -> None:
        require_text("method", self.method)
        _require_interval(self.low, self.value, self.high)
        if not 1 <= self.clusters <= self.photos:
            raise ValueError(
                f"clusters must be 1 to {self.photos}, got {self.clusters}"
            )
        require_count("more_photos", self.more_photos or 0)
        if self.accepted and self.verdict != "undecided":
            raise ValueError(
                f"accepted is of undecided ones, and this is {self.verdict}"
            )


def _require_interval(low: float, value: float, high: float) -> None:
    if not -1 <= low <= value <= high <= 1:
        raise ValueError(
            f"-1 <= low <= value <= high <= 1 must hold, got {low}, {value}, {high}"
        )
