"""Probabilities that are as sure as they are right: one temperature for all logits.

Eight bits move logits, and with them how sure a model seems. Dividing all of them by a
temperature before the softmax mends that and changes no decision.

Source: Guo et al. 2017, arXiv:1706.04599.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "divergence",
    "expected_calibration_error",
    "fit_temperature",
    "log_likelihood",
    "match_temperature",
    "softmax",
]

Reals: TypeAlias = NDArray[np.float32] | NDArray[np.float64]
Classes: TypeAlias = NDArray[np.intp]

_LIMIT = 4.0
"""Largest temperature, and the inverse of the smallest: rounding to 8 bits needs less,
and without a limit photos that are all right would ask for a temperature of 0."""

_HALVINGS = 50


def softmax(logits: Reals, temperature: float = 1.0) -> NDArray[np.float64]:
    """Return probabilities, shape (photos, classes), of logits of the same shape."""
    values = logits.astype(np.float64)
    values = (values - values.max(axis=1, keepdims=True)) / temperature
    powers = np.exp(values)
    shares: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return shares


def fit_temperature(logits: Reals, truth: Classes) -> float:
    """Return the temperature that makes the right classes likeliest.

    Args:
        logits: Shape (photos, classes).
        truth: The right class of each.

    Returns:
        0.25 to 4, rounded to four digits.

    Source:
        Guo et al. 2017, arXiv:1706.04599, section 4.2: the negative log-likelihood is
        least. It is convex in the inverse temperature, with the derivative mean(expected
        logit - right logit), so that halving an interval finds the one root.
    """
    _require_photos(logits, truth)
    return _temperature(logits, logits[np.arange(len(truth)), truth])


def match_temperature(logits: Reals, source_logits: Reals) -> float:
    """Return the temperature that brings probabilities closest to the source's.

    Args:
        logits: The artefact's, shape (photos, classes).
        source_logits: The source's, same shape.

    Returns:
        0.25 to 4, rounded to four digits.

    Source:
        Least Kullback-Leibler divergence; as in ``fit_temperature``, with the logit
        that the source's probabilities expect in the right one's place (distillation:
        Hinton et al. 2015, arXiv:1503.02531, section 2).
    """
    _require_photos(logits, source_logits)
    return _temperature(logits, (softmax(source_logits) * logits).sum(axis=1))


def expected_calibration_error(
    probabilities: Reals, truth: Classes, bins: int = 15
) -> float:
    """Return how far sureness is from being right, averaged over the photos.

    Args:
        probabilities: Shape (photos, classes).
        truth: The right class of each.
        bins: Of equal width, over the probability of the decision. With few photos in
            each the figure is too high: chance does not cancel within an absolute value.

    Returns:
        A share: 0 when decisions made with 80 % are right 80 % of the time, and so on.

    Source:
        Guo et al. 2017, arXiv:1706.04599, equation 3; Naeini et al. 2015,
        doi:10.1609/aaai.v29i1.9602.
    """
    _require_photos(probabilities, truth)
    sureness = probabilities.max(axis=1).astype(np.float64)
    right = (probabilities.argmax(axis=1) == truth).astype(np.float64)
    edges = np.linspace(0, 1, bins + 1)[1:-1]
    places = np.digitize(sureness, edges, right=True)
    gaps = np.bincount(places, weights=right - sureness, minlength=bins)
    return float(np.abs(gaps).sum() / len(truth))


def log_likelihood(probabilities: Reals, truth: Classes) -> float:
    """Return the mean logarithm of the right class's probability, in nats."""
    _require_photos(probabilities, truth)
    right = probabilities[np.arange(len(truth)), truth]
    return float(np.log(np.maximum(right, np.finfo(np.float64).tiny)).mean())


def divergence(probabilities: Reals, source: Reals) -> float:
    """Return the mean Kullback-Leibler divergence from the source's, in nats."""
    _require_photos(probabilities, source)
    tiny = np.finfo(np.float64).tiny
    ratio = np.log(np.maximum(source, tiny)) - np.log(np.maximum(probabilities, tiny))
    return max(0.0, float((source * ratio).sum(axis=1).mean()))


def _temperature(logits: Reals, wanted: Reals) -> float:
    """Return the temperature at which the expected logits have the wanted mean."""
    values = logits.astype(np.float64)
    target = float(wanted.astype(np.float64).mean())
    if np.ptp(values, axis=1).max() == 0:
        return 1.0  # all scores are alike, and no temperature parts them
    low, high = np.log(1 / _LIMIT), np.log(_LIMIT)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        shares = softmax(values, float(np.exp(middle)))
        too_sure = float((shares * values).sum(axis=1).mean()) > target
        low, high = (middle, high) if too_sure else (low, middle)
    return float(f"{np.exp((low + high) / 2):.4g}")


def _require_photos(scores: Reals, other: Reals | Classes) -> None:
    if scores.ndim != 2 or len(scores) != len(other) or len(scores) == 0:
        raise ValueError(
            "scores must have shape (photos, classes) with a row for each photo, got "
            f"{scores.shape} for {len(other)} photos"
        )
