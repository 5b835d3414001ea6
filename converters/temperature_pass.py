"""The pass that makes a changed model's probabilities as sure as they are right."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from converters.gate.comparison import Comparison
from converters.pass_options import TemperatureOptions
from converters.probabilities import (
    divergence,
    expected_calibration_error,
    fit_temperature,
    log_likelihood,
    match_temperature,
    softmax,
)
from converters.workpiece import Workpiece
from edgeclf.errors import ConversionError
from edgeclf.probability_record import ProbabilityMeasure, ProbabilityRecord

__all__ = ["FitTemperature", "fitted"]

_NEAR = 0.01
"""How much larger than the source's the calibration error may be without a word."""

_Rows = NDArray[np.bool_]
_Probabilities = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FitTemperature:
    """A verified artefact's logits get a temperature, fitted on unseen photos."""

    options: TemperatureOptions

    def requires(self, work: Workpiece) -> None:
        """Refuse what has not been verified."""
        if work.artefact is None or work.quality is None or work.comparison is None:
            raise ConversionError("only a verified artefact gets a temperature")

    def call(self, work: Workpiece) -> Workpiece:
        """Return the workpiece with a temperature, or with a note why it has none."""
        assert work.comparison is not None  # noqa: S101 - requires() checked it
        comparison = work.comparison
        if not work.recipe.is_lossy:
            return work  # its probabilities are the source's
        obstacle = _obstacle(comparison, self.options.photos)
        if obstacle:
            return _noted(
                work, f"probabilities are as the model gives them: {obstacle}"
            )
        return _with(work, *fitted(comparison))

    def ensures(self, work: Workpiece) -> None:
        """Nothing is promised: a temperature of 1 is one, too."""


def fitted(comparison: Comparison) -> tuple[float, ProbabilityRecord]:
    """Return the temperature of the logits and what it does to probabilities.

    With labels it is the likeliest one, without them the one that comes closest to the
    source. It stays 1 where a half of the photos is not better off with the other's.

    Args:
        comparison: Of logits.
    """
    everything = np.ones(len(comparison.scores), np.bool_)
    crossed = _cross_fitted(comparison)
    plain = softmax(comparison.scores)
    if not _is_better(comparison, crossed, plain):
        return 1.0, _record(comparison, plain, plain)
    return _fit(comparison, everything), _record(comparison, plain, crossed)


def _obstacle(comparison: Comparison, photos: int) -> str:
    if comparison.kind != "logits":
        return "a temperature is for logits, and it gives probabilities itself"
    if not comparison.pictures.are_photos:
        return "there were no photos to measure them on"
    if len(comparison.scores) < photos:
        return f"{len(comparison.scores)} photos are too few, {photos} are needed"
    if _halves(comparison).all() or not _halves(comparison).any():
        return "all photos show the same thing"
    return ""


def _fit(comparison: Comparison, rows: _Rows) -> float:
    scores, truth = comparison.scores[rows], comparison.pictures.truth
    if truth is None:
        return match_temperature(scores, comparison.reference[rows])
    return fit_temperature(scores, truth[rows])


def _cross_fitted(comparison: Comparison) -> _Probabilities:
    """Return each half's probabilities at the temperature that the other half gave."""
    first = _halves(comparison)
    crossed = np.empty(comparison.scores.shape, np.float64)
    for judged in (first, ~first):
        temperature = _fit(comparison, ~judged)
        crossed[judged] = softmax(comparison.scores[judged], temperature)
    return crossed


def _halves(comparison: Comparison) -> _Rows:
    """Return which photos are in the first half; those of one cluster go together."""
    _, clusters = np.unique(comparison.pictures.groups, return_inverse=True)
    first: _Rows = clusters.reshape(-1) % 2 == 0
    return first


def _is_better(
    comparison: Comparison, crossed: _Probabilities, plain: _Probabilities
) -> bool:
    truth = comparison.pictures.truth
    if truth is not None:
        return log_likelihood(crossed, truth) > log_likelihood(plain, truth)
    source = softmax(comparison.reference)
    return divergence(crossed, source) < divergence(plain, source)


def _record(
    comparison: Comparison, before: _Probabilities, after: _Probabilities
) -> ProbabilityRecord:
    measure, figure = _measure(comparison)
    return ProbabilityRecord(
        measure=measure,
        source=_rounded(figure(softmax(comparison.reference))),
        before=_rounded(figure(before)),
        after=_rounded(figure(after)),
        photos=len(before),
    )


def _measure(
    comparison: Comparison,
) -> tuple[ProbabilityMeasure, Callable[[_Probabilities], float]]:
    truth = comparison.pictures.truth
    if truth is not None:
        return "calibration-error", lambda p: expected_calibration_error(p, truth)
    source = softmax(comparison.reference)
    return "divergence", lambda p: divergence(p, source)


def _with(work: Workpiece, temperature: float, record: ProbabilityRecord) -> Workpiece:
    assert work.artefact is not None  # noqa: S101 - requires() checked it
    assert work.quality is not None  # noqa: S101 - likewise
    task = replace(work.artefact.task, temperature=temperature)
    work = replace(
        work,
        artefact=replace(work.artefact, task=task),
        quality=replace(work.quality, probabilities=record),
    )
    if record.measure == "divergence" or record.after <= record.source + _NEAR:
        return work
    return _noted(
        work,
        f"probabilities are off by {record.after:.1%} on average, the source's by "
        f"{record.source:.1%}: one temperature does not mend that",
    )


def _noted(work: Workpiece, note: str) -> Workpiece:
    return replace(work, notes=(*work.notes, note))


def _rounded(value: float) -> float:
    """Keep what a different order of additions does not change."""
    return float(f"{value:.3g}")
