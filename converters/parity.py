"""How close an artefact is to its source: agreement, score error, and whether enough."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from converters.pass_options import VerifyOptions
from edgeclf.errors import ConversionError, OutOfBoundsError
from edgeclf.provenance import Estimate

__all__ = ["Parity", "accuracy", "compare", "judge", "wilson_interval"]

_Z = 1.959963984540054
"""Standard normal deviate that leaves 2.5 % above it."""

_Scores = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parity:
    """An artefact and its source on the same pictures.

    Attributes:
        agreement: Share of pictures with the same top-1; ``None`` for synthetic ones,
            whose top-1 means nothing.
        score_error: Largest absolute difference of a score.
        relative_error: Largest difference of a score, as a share of the range of the
            source's scores for that picture.
    """

    agreement: Estimate | None
    score_error: float
    relative_error: float


def compare(
    reference: _Scores, scores: _Scores, *, photos: bool, photos_to_judge: int
) -> Parity:
    """Return how two models' scores for the same pictures differ.

    Args:
        reference: The source's, shape (pictures, classes).
        scores: The artefact's, dequantized, same shape.
        photos: Whether the pictures are real ones.
        photos_to_judge: How many make agreement fit to be judged.

    Raises:
        ConversionError: A score is not a number.
    """
    if reference.shape != scores.shape:
        raise ConversionError(
            f"the source gives scores of shape {reference.shape}, the artefact "
            f"{scores.shape}"
        )
    for name, values in (("source", reference), ("artefact", scores)):
        if not np.all(np.isfinite(values)):
            raise ConversionError(f"the {name} gives a score that is not finite")
    difference = np.abs(scores.astype(np.float64) - reference).max(axis=1)
    spread = np.ptp(reference.astype(np.float64), axis=1)
    relative = difference / np.maximum(spread, np.finfo(np.float32).tiny)
    same = np.argmax(scores, axis=1) == np.argmax(reference, axis=1)
    agreement = _share(same, judged=len(same) >= photos_to_judge) if photos else None
    return Parity(
        agreement=agreement,
        score_error=_rounded(difference.max()),
        relative_error=_rounded(relative.max()),
    )


def accuracy(
    scores: _Scores, truth: NDArray[np.intp], *, photos_to_judge: int
) -> Estimate:
    """Return the share of pictures whose top-1 is the right class."""
    right = np.argmax(scores, axis=1) == truth
    return _share(right, judged=len(right) >= photos_to_judge)


def judge(parity: Parity, options: VerifyOptions, *, name: str) -> None:
    """Refuse an artefact that is too far from its source.

    Args:
        parity: From ``compare``.
        options: The bars; a bar of 0 is none.
        name: Of the source, for the message.

    Raises:
        OutOfBoundsError: It is; nothing must be written.
    """
    agreement = parity.agreement
    if (
        agreement is not None
        and agreement.judged
        and agreement.value < options.min_agreement
    ):
        raise OutOfBoundsError(
            f"out of parity: the artefact agrees with {name} on "
            f"{agreement.value:.2%} of {agreement.n} photos, the recipe asks for "
            f"{options.min_agreement:.2%}; no bundle was written"
        )
    if 0 < options.max_score_error < parity.relative_error:
        raise OutOfBoundsError(
            f"out of parity: a score differs from {name}'s by "
            f"{parity.relative_error:.2g} of their range, the recipe allows "
            f"{options.max_score_error:.2g}; no bundle was written"
        )


def wilson_interval(hits: int, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a share.

    Source:
        Wilson 1927, doi:10.1080/01621459.1927.10502953.
    """
    share = hits / n
    centre = share + _Z**2 / (2 * n)
    half = _Z * np.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2))
    scale = 1 + _Z**2 / n
    low, high = (centre - half) / scale, (centre + half) / scale
    return max(0.0, min(float(low), share)), min(1.0, max(float(high), share))


def _share(hits: NDArray[np.bool_], *, judged: bool) -> Estimate:
    count, n = int(hits.sum()), len(hits)
    low, high = wilson_interval(count, n)
    return Estimate(
        value=count / n,
        low=low,
        high=high,
        n=n,
        judged=judged,
    )


def _rounded(value: float) -> float:
    """Keep what a different order of additions does not change."""
    return float(f"{value:.3g}")
