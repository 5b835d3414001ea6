"""A source and an artefact on the same pictures: decisions, scores, and the verdict."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from converters.gate.paired import Paired, deviate, share_interval
from converters.gate.verdict import Gate, judge_agreement, judge_drop
from converters.pictures import PictureSet
from edgeclf.errors import ConversionError
from edgeclf.gate_record import GateRecord
from edgeclf.provenance import Estimate, Quality
from edgeclf.types import ScoreKind

__all__ = ["Comparison", "Scores"]

Scores: TypeAlias = NDArray[np.float32]
"""Shape (pictures, classes)."""

_Hits = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Comparison:
    """What two models gave for the same pictures.

    Attributes:
        reference: The source's scores.
        scores: The artefact's, dequantized.
        kind: What both mean.
        pictures: What they saw.
        labels: The classes' names.
    """

    reference: Scores = field(repr=False)
    scores: Scores = field(repr=False)
    kind: ScoreKind
    pictures: PictureSet
    labels: Sequence[str] = field(repr=False)

    def __post_init__(self) -> None:
        if self.reference.shape != self.scores.shape:
            raise ConversionError(
                f"the source gives scores of shape {self.reference.shape}, the artefact "
                f"{self.scores.shape}"
            )
        for name, values in (("source", self.reference), ("artefact", self.scores)):
            if not np.all(np.isfinite(values)):
                raise ConversionError(f"the {name} gives a score that is not finite")

    def score_error(self) -> float:
        """Return the largest absolute difference of a score."""
        difference = np.abs(self.scores.astype(np.float64) - self.reference)
        return _rounded(difference.max())

    def relative_error(self) -> float:
        """Return it as a share of the range of the source's scores for its picture."""
        difference = np.abs(self.scores.astype(np.float64) - self.reference).max(axis=1)
        spread = np.ptp(self.reference.astype(np.float64), axis=1)
        relative = difference / np.maximum(spread, np.finfo(np.float32).tiny)
        return _rounded(relative.max())

    def divergence(self) -> float:
        """Return the mean Kullback-Leibler divergence of the probabilities, in nats.

        It tells artefacts apart long before a decision changes.
        """
        expected = _log_probabilities(self.reference, self.kind)
        found = _log_probabilities(self.scores, self.kind)
        each = (np.exp(expected) * (expected - found)).sum(axis=1)
        return max(0.0, _rounded(each.mean()))

    def judged(self, gate: Gate) -> GateRecord | None:
        """Return the gate's verdict; ``None`` for pictures whose top-1 means nothing."""
        if not self.pictures.are_photos:
            return None
        source, artefact = self._decisions()
        groups = self.pictures.groups
        if self.pictures.truth is None:
            return judge_agreement(
                gate, source=source, artefact=artefact, groups=groups
            )
        return judge_drop(
            gate,
            source=source,
            artefact=artefact,
            truth=self.pictures.truth,
            groups=groups,
            labels=self.labels,
        )

    def quality(self, record: GateRecord | None) -> Quality:
        """Return what a bundle says of it.

        Args:
            record: From ``judged``.
        """
        pictures, truth = self.pictures, self.pictures.truth
        source, artefact = self._decisions()
        judged = record is not None and record.verdict != "undecided"

        def share(hits: _Hits) -> Estimate:
            return _estimate(hits, pictures.groups, judged=judged)

        return Quality(
            agreement=share(source == artefact) if pictures.are_photos else None,
            accuracy=None if truth is None else share(artefact == truth),
            source_accuracy=None if truth is None else share(source == truth),
            score_error=self.score_error(),
            measured_on=pictures.origin,
            pictures_sha256=pictures.sha256,
            gate=record,
        )

    def _decisions(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        return np.argmax(self.reference, axis=1), np.argmax(self.scores, axis=1)


def _estimate(hits: _Hits, groups: NDArray[np.intp], *, judged: bool) -> Estimate:
    counts = Paired.measure(hits, np.zeros_like(hits), groups)
    low, high = share_interval(counts.lost, counts.photos, deviate())
    value = float(hits.mean())
    return Estimate(
        value=value,
        low=min(low, value),
        high=max(high, value),
        n=len(hits),
        judged=judged,
    )


def _log_probabilities(scores: Scores, kind: ScoreKind) -> NDArray[np.float64]:
    values = scores.astype(np.float64)
    if kind == "logits":
        values = values - values.max(axis=1, keepdims=True)
    else:
        # Eight bits round small probabilities to 0, whose logarithm is none.
        values = np.log(np.clip(values, 1e-6, None))
    total = np.log(np.exp(values).sum(axis=1, keepdims=True))
    log_probabilities: NDArray[np.float64] = values - total
    return log_probabilities


def _rounded(value: float) -> float:
    """Keep what a different order of additions does not change."""
    return float(f"{value:.3g}")
