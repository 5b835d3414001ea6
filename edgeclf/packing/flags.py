"""What a user says of a model file that does not say it itself."""

from dataclasses import dataclass, fields
from pathlib import Path

from edgeclf.types import ScoreKind

__all__ = ["ModelFlags"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFlags:
    """The answers to what a bare ``.tflite`` or ``.onnx`` file leaves open.

    Attributes:
        labels: A text file with one label a line, in the order of the scores.
        preset: How the trainer prepared pictures: a name in ``preprocess.PRESETS``.
        mean: Instead of the preset's, one value a channel, in 0…255 units.
        std: Likewise.
        crop_fraction: Instead of the preset's: the share of the shorter side kept.
        scores: Whether the model gives logits or probabilities.
        override_metadata: Let the others count where the file says otherwise.
    """

    labels: Path | None = None
    preset: str | None = None
    mean: tuple[float, float, float] | None = None
    std: tuple[float, float, float] | None = None
    crop_fraction: float | None = None
    scores: ScoreKind | None = None
    override_metadata: bool = False

    def __post_init__(self) -> None:
        if self.crop_fraction is not None and not 0 < self.crop_fraction <= 1:
            raise ValueError(f"crop_fraction must be in (0, 1]: {self.crop_fraction}")
        if self.std is not None and 0 in self.std:
            raise ValueError(f"std must not be 0, got {self.std}")

    @property
    def given(self) -> tuple[str, ...]:
        """The flags that were given, as they are typed."""
        return tuple(
            "--" + field.name.replace("_", "-")
            for field in fields(self)
            if getattr(self, field.name) not in {None, False}
        )
