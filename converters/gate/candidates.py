"""Candidates of a search: made once, measured, and written into the table."""

from collections.abc import Sequence
from dataclasses import dataclass

from converters.gate.measuring import Measure
from converters.gate.rungs import Rung
from converters.gate.stages import Stages
from converters.gate.trials import LayerCost, Trial, TrialTable
from converters.workpiece import Workpiece
from edgeclf.errors import ConversionError
from edgeclf.gate_record import GateRecord

__all__ = ["Candidate", "Candidates"]


_BETTER = 0.99
"""Of the divergence, that a further setting must come down to, to be worth having."""

_CLOSE = 0.005
"""Nats of mean divergence at which the search rests. EfficientNet-Lite0 has 0.002 where
99.2 % of its decisions are fp32's, and 0.0095 where 97 % are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A rung and what came of it.

    Attributes:
        rung: What was done.
        work: With its artefact.
        row: Of the table.
    """

    rung: Rung
    work: Workpiece
    row: int


class Candidates:
    """Makes candidates and keeps the table of them.

    Args:
        stages: Makes artefacts.
        measure: Measures them.
        table: Of what was tried.
    """

    def __init__(self, stages: Stages, measure: Measure, table: TrialTable) -> None:
        self._stages = stages
        self._measure = measure
        self._table = table
        self.error: ConversionError | None = None

    def made(
        self,
        rung: Rung,
        *,
        layers: Sequence[LayerCost] = (),
        int8_share: float | None = None,
    ) -> Candidate | None:
        """Return a candidate, or ``None`` when a pass refuses it."""
        try:
            work = self._stages.artefact(rung.recipe)
        except ConversionError as error:
            self.error = error
            self._table.add(
                Trial(
                    name=rung.name,
                    precision=rung.recipe.precision,
                    refused=f"refused: {error}",
                )
            )
            return None
        row = self._table.add(
            Trial(
                name=rung.name,
                precision=rung.recipe.precision,
                model_bytes=None if work.artefact is None else len(work.artefact.data),
                float_layers=tuple(layers),
                int8_share=int8_share,
            )
        )
        return Candidate(rung=rung, work=work, row=row)

    def closest(
        self, rungs: Sequence[Rung], best: Candidate | None
    ) -> Candidate | None:
        """Return the candidate whose probabilities are nearest the source's."""
        for rung in rungs:
            candidate = self.made(rung, int8_share=1.0)
            if candidate is None:
                continue
            divergence = self._measure.divergence(candidate.work)
            self._table.change(candidate.row, divergence=divergence)
            if best is None or divergence < _BETTER * self._divergence(best):
                best = candidate
        return best

    def is_close(self, candidate: Candidate) -> bool:
        """Return whether looking for something closer is not worth its time."""
        return self._divergence(candidate) <= _CLOSE

    def judged(self, candidate: Candidate) -> GateRecord | None:
        """Return the gate's verdict on a candidate.

        Raises:
            OutOfBoundsError: It does not compute what was exported.
        """
        record = self._measure.judged(candidate.work)
        self._table.change(candidate.row, gate=record)
        return record

    def _divergence(self, candidate: Candidate) -> float:
        divergence = self._table.rows[candidate.row].divergence
        return float("inf") if divergence is None else divergence
