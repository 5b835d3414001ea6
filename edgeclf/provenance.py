"""What a bundle was made from and how good it was found; frozen and checked."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from edgeclf.json_values import MAX_INTEGER

__all__ = [
    "CONTROL_CHARACTERS",
    "Estimate",
    "Kernels",
    "Provenance",
    "Quality",
    "plain_text",
    "require_count",
    "require_sha256",
    "require_text",
]

_SHA256 = re.compile(r"[0-9a-f]{64}")
CONTROL_CHARACTERS = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]"
)
"""Characters that move a terminal's cursor, break lines or turn text around."""
_MAX_TEXT = 200


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
    """

    agreement: Estimate | None = None
    accuracy: Estimate | None = None
    source_accuracy: Estimate | None = None
    score_error: float | None = None
    measured_on: str | None = None
    pictures_sha256: str | None = None

    def __post_init__(self) -> None:
        if self.score_error is not None and self.score_error < 0:
            raise ValueError(f"score_error must not be negative: {self.score_error}")
        if self.measured_on is not None:
            require_text("measured_on", self.measured_on)
        if self.pictures_sha256 is not None:
            require_sha256("pictures_sha256", self.pictures_sha256)


def require_text(name: str, text: str) -> None:
    """Refuse text that is empty, long, or would not print on one line.

    Raises:
        ValueError: With the name and the text.
    """
    if not text.strip() or len(text) > _MAX_TEXT or CONTROL_CHARACTERS.search(text):
        raise ValueError(
            f"{name} must be 1 to {_MAX_TEXT} characters on one line, got {text[:80]!r}"
        )


def plain_text(text: str) -> str:
    """Return a file's or folder's name as text that ``require_text`` accepts."""
    plain = CONTROL_CHARACTERS.sub("?", text.encode("utf-8", "replace").decode())
    return plain[:_MAX_TEXT] if plain.strip() else "unnamed"


def require_sha256(name: str, text: str) -> None:
    """Refuse what is not a SHA-256 in lower-case hex.

    Raises:
        ValueError: With the name and the text.
    """
    if not _SHA256.fullmatch(text):
        raise ValueError(f"{name} must be 64 hex digits, got {text[:80]!r}")


def require_count(name: str, number: int) -> None:
    """Refuse a negative number, or one that JSON would not keep.

    Raises:
        ValueError: With the name and the number.
    """
    if not 0 <= number <= MAX_INTEGER:
        raise ValueError(f"{name} must be 0 to {MAX_INTEGER}, got {number}")
