"""Which numbers to compute in: by what is known of the very board, never by guess."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from converters.recipe import Precision, Target
from edgeclf.machine import detect_board
from edgeclf.profiles import LatencyRatio, load_profile, profile_for_board

__all__ = [
    "LEAST_SPEEDUP",
    "Basis",
    "PrecisionChoice",
    "PrecisionWish",
    "choose_precision",
    "speed_words",
    "target_here",
]

LEAST_SPEEDUP = 1.10
"""Times faster than the best float that int8 must be to be worth its errors."""

PrecisionWish: TypeAlias = Literal["auto", "int8", "fp16", "fp32"]

Basis: TypeAlias = Literal["asked", "no photos", "measured", "published", "unverified"]
"""What a precision was chosen by: times on this machine, which is the board; published
ones of the board; or nothing that is known of it."""

_ENGINES: dict[Target, tuple[str, ...]] = {
    "tflite": ("litert", "tflite-runtime"),
    "onnx": ("onnxruntime",),
}
_ROOT = Path("/")
_FLOATS: tuple[Precision, ...] = ("fp16", "fp32")


@dataclass(frozen=True, slots=True, kw_only=True)
class PrecisionChoice:
    """What will be tried, and why.

    Attributes:
        candidates: The best first.
        basis: What that rests on.
        ratio: What is published, where it decided.
        notes: What the user must know of it.
    """

    candidates: tuple[Precision, ...]
    basis: Basis
    ratio: LatencyRatio | None = None
    notes: tuple[str, ...] = field(default=())


def choose_precision(
    wish: PrecisionWish | None,
    *,
    target: Target,
    profile: str | None,
    has_photos: bool,
    root: Path = _ROOT,
) -> PrecisionChoice:
    """Return which precisions to try.

    Args:
        wish: The user's; ``None`` and ``auto`` leave it open.
        target: Format of the artefact.
        profile: The board that it is for.
        has_photos: Whether there are photos to calibrate with.
        root: ``/``, or a made-up tree, in which this machine says what board it is.

    Raises:
        ProfileError: There is no such profile.
    """
    if wish is not None and wish != "auto":
        return PrecisionChoice(candidates=(wish,), basis="asked")
    if not has_photos:
        return PrecisionChoice(
            candidates=("fp32",),
            basis="no photos",
            notes=(
                "fp32, as int8 needs photos: give --calibrate DIR for a faster one",
            ),
        )
    if target_here(profile, root=root):
        return PrecisionChoice(candidates=("int8", *_FLOATS), basis="measured")
    ratio = _published(profile, target)
    if ratio is None or not ratio.is_conclusive:
        return PrecisionChoice(
            candidates=("int8", *_FLOATS),
            basis="unverified",
            notes=(_unknown(profile, ratio),),
        )
    faster = ratio.median > 1
    return PrecisionChoice(
        candidates=("int8", *_FLOATS) if faster else _FLOATS,
        basis="published",
        ratio=ratio,
        notes=tuple(_of_board(profile, ratio)),
    )


def target_here(profile: str | None, *, root: Path = _ROOT) -> bool:
    """Whether this machine is what the artefact is for: its clock then decides.

    It is when it is the profile's board, when the profile is no board at all, and,
    without a profile, when it is a board that one describes.

    Args:
        profile: Of the board that the artefact is for.
        root: ``/``, or a made-up tree.

    Raises:
        ProfileError: There is no such profile.
    """
    board = detect_board(root)
    if profile is None:
        return board is not None and profile_for_board(board) is not None
    chosen = load_profile(profile)
    return not chosen.is_board or (board is not None and chosen.describes(board))


def speed_words(speedup: float, *, where: str) -> str:
    """Return what a measured ratio of times means."""
    if speedup >= LEAST_SPEEDUP:
        return f"int8 is {speedup:.2f} times as fast as the best float {where}"
    return (
        f"int8 is only {speedup:.2f} times as fast as the best float {where}: under "
        f"{LEAST_SPEEDUP:.2f} it is hardly worth its errors; try --precision fp16"
    )


def _published(profile: str | None, target: Target) -> LatencyRatio | None:
    if profile is None:
        return None
    board = load_profile(profile)
    ratios = (board.ratio("int8", engine=engine) for engine in _ENGINES[target])
    return next((ratio for ratio in ratios if ratio is not None), None)


def _unknown(profile: str | None, ratio: LatencyRatio | None) -> str:
    if profile is None:
        return (
            "int8 was chosen unverified on target, as no board was named: give "
            "--profile NAME, and measure it there"
        )
    if ratio is None:
        return (
            f"int8 was chosen unverified on target: nothing is published on its speed "
            f"with this engine on a {profile}"
        )
    return (
        f"int8 was chosen unverified on target: {ratio.pairs} published pairs on a "
        f"{profile} do not agree ({ratio.low:g} to {ratio.high:g} times as fast as "
        f"{ratio.against})"
    )


def _of_board(profile: str | None, ratio: LatencyRatio) -> list[str]:
    words = (
        f"by published times on a {profile}: int8 is {ratio.median:g} times as fast as "
        f"{ratio.against} ({ratio.low:g} to {ratio.high:g} in {ratio.pairs} pairs, "
        f"{ratio.runtime})"
    )
    if ratio.median > 1:
        notes = [f"int8 was chosen {words}"]
        if ratio.median < LEAST_SPEEDUP:
            notes.append(speed_words(ratio.median, where=f"on a {profile}"))
        return notes
    return [f"a float model was chosen {words}"]
