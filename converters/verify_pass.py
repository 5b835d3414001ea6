"""The pass that loads the artefact on its engine and compares it with the source."""

from dataclasses import dataclass, replace

from converters.gate.measuring import checked, gate_of
from converters.gate.outcome import accepted_or_refused
from converters.pass_options import VerifyOptions
from converters.workpiece import Workpiece
from edgeclf.errors import ConversionError

__all__ = ["VerifyParity"]


@dataclass(frozen=True, slots=True)
class VerifyParity:
    """The artefact, run by its engine, must do what the source model does."""

    options: VerifyOptions

    def requires(self, work: Workpiece) -> None:
        """Refuse a workpiece without an artefact."""
        if work.artefact is None:
            raise ConversionError("there is no artefact to verify")

    def call(self, work: Workpiece) -> Workpiece:
        """Return the workpiece with its quality.

        Raises:
            OutOfBoundsError: It is out of parity, or below the gate.
            NoVerdictError: The photos cannot tell whether it is.
            BackendError: The engine cannot load or run it.
        """
        comparison = checked(work)
        record = comparison.judged(gate_of(work))
        record = accepted_or_refused(record, work.recipe, name=work.source.name)
        return replace(work, comparison=comparison, quality=comparison.quality(record))

    def ensures(self, work: Workpiece) -> None:
        """Refuse a result without figures."""
        if work.quality is None or work.quality.score_error is None:
            raise ConversionError("the comparison gave no figures")
