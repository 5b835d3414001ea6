"""What a bundle was made from and how good it was found; frozen and checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from edgeclf.gate_record import GateRecord
from edgeclf.probability_record import ProbabilityRecord
from edgeclf.texts import require_count, require_sha256, require_text

__all__ = ["Estimate", "Kernels", "Provenance", "Quality"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernels:
    """What computed a bundle's golden scores.

    Attributes:
        engine: As in ``EngineIdentity``.
        version: The engine's own.
        delegates: As in ``EngineIdentity``.
        architecture: Of the processor, such as ``x86_64`` or ``aarch64``: engines
            have other kernels on another one.
    """

    engine: str
    version: str
    delegates: tuple[str, ...]
    architecture: str

    def __post_init__(self) -> None:
        texts = (self.engine, self.version, self.architecture, *self.delegates)
        for text in texts:
            require_text("kernels", text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What a bundle was made from, enough to make it again.

    Attributes:
        source_name: Name of the model that went in, without folders.
        source_sha256: Of that model's bytes, in hex.
        recipe: Every setting of the conversion, JSON-ready; empty when packed.
        seed: Of every draw.
        tools: Version by package name.
        calibration_sha256: Of the set of calibration photos, in hex.
        calibration_images: How many they were.
        overrides: Safeguards that the user switched off, such as
            ``allow-small-calibration``.
        profile: The board it was made for.
    """

    source_name: str
    source_sha256: str
    recipe: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    tools: Mapping[str, str] = field(default_factory=dict)
    calibration_sha256: str | None = None
    calibration_images: int | None = None
    overrides: tuple[str, ...] = ()
    profile: str | None = None

    def __post_init__(self) -> None:
        require_text("source_name", self.source_name)
        require_sha256("source_sha256", self.source_sha256)
        require_count("seed", self.seed)
        if (self.calibration_sha256 is None) != (self.calibration_images is None):
            raise ValueError("calibration_sha256 and calibration_images go together")
        if self.calibration_sha256 is not None:
            require_sha256("calibration_sha256", self.calibration_sha256)
        require_count("calibration_images", self.calibration_images or 0)
        for text in (*self.overrides, *self.tools, *self.tools.values()):
            require_text("provenance text", text)
        if self.profile is not None:
            require_text("profile", self.profile)


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A share measured on pictures, with its 95 % interval.

    Attributes:
        value: 0 to 1.
        low: Lower end of the interval.
        high: Upper end.
        n: How many pictures it was measured on.
        judged: Whether they were enough to hold it against a bar.
    """

    value: float
    low: float
    high: float
    n: int
    judged: bool

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.value <= self.high <= 1:
            raise ValueError(
                "0 <= low <= value <= high <= 1 must hold, got "
                f"{self.low}, {self.value}, {self.high}"
            )
        if self.n < 1:
            raise ValueError(f"n must be at least 1, got {self.n}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """How good the model in the bundle was found when it was made.

    Attributes:
        agreement: Share of pictures with the source model's top-1.
        accuracy: Share of pictures with the right label.
        source_accuracy: The source model's, on the same pictures.
        score_error: Largest absolute difference of a score from the source model's.
        measured_on: What the pictures were: ``evaluate``, ``calibration-holdout``,
            ``calibrate`` (the very photos that calibrated the model), ``synthetic``;
            ``None`` when nothing was measured.
        pictures_sha256: Of the set of pictures, in hex.
        gate: The verdict on it; ``None`` where there were no photos to judge by.
        probabilities: How right they are; ``None`` where that was not measured.
    """

    agreement: Estimate | None = None
    accuracy: Estimate | None = None
    source_accuracy: Estimate | None = None
    score_error: float | None = None
    measured_on: str | None = None
    pictures_sha256: str | None = None
    gate: GateRecord | None = field(
        default=None, metadata={"json": "left out if default"}
    )
    probabilities: ProbabilityRecord | None = field(
        default=None, metadata={"json": "left out if default"}
    )

    def __post_init__(self) -> None:
        if self.score_error is not None and self.score_error < 0:
            raise ValueError(f"score_error must not be negative: {self.score_error}")
        if self.measured_on is not None:
            require_text("measured_on", self.measured_on)
        if self.pictures_sha256 is not None:
            require_sha256("pictures_sha256", self.pictures_sha256)
