"""How sure a model is of itself, and how right: measured when a bundle was made."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = ["ProbabilityMeasure", "ProbabilityRecord"]

ProbabilityMeasure: TypeAlias = Literal["calibration-error", "divergence"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbabilityRecord:
    """Probabilities before and after the temperature was fitted.

    The figures are cross-fitted: each half of the photos is judged with the temperature
    that the other half gave. The bundle's own comes from all of them.

    Attributes:
        measure: ``calibration-error``: labelled photos; the expected calibration error,
            a share. ``divergence``: no labels; the mean Kullback-Leibler divergence
            from the source's probabilities, in nats.
        source: Of the source's probabilities; 0 for a divergence.
        before: Of the artefact's at temperature 1.
        after: Of the artefact's at the fitted temperature.
        photos: How many it was measured on.
    """

    measure: ProbabilityMeasure
    source: float
    before: float
    after: float
    photos: int

    def __post_init__(self) -> None:
        for name in ("source", "before", "after"):
            value = getattr(self, name)
            if not 0 <= value < float("inf"):
                raise ValueError(f"{name} must be finite and 0 or more, got {value}")
        if self.photos < 1:
            raise ValueError(f"photos must be at least 1, got {self.photos}")
