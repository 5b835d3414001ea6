"""The pass that loads the artefact on its engine and compares it with the source."""

from dataclasses import dataclass, replace

from converters.gate.comparison import Comparison
from converters.gate.outcome import accepted_or_refused
from converters.gate.scoring import artefact_scores, model_scores, reference_scores
from converters.gate.verdict import Gate
from converters.parity import require_parity
from converters.pass_options import VerifyOptions
from converters.workpiece import Workpiece
from edgeclf.errors import ConversionError

__all__ = ["VerifyParity", "compared", "gate_of"]


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
        comparison = compared(work)
        exported = comparison
        if work.is_changed:
            scores = model_scores(
                work.scoring_model, work.source.preprocess, work.evaluation
            )
            exported = replace(comparison, reference=scores)
        require_parity(exported, self.options, name=work.source.name)
        record = comparison.judged(gate_of(self.options))
        record = accepted_or_refused(record, work.recipe, name=work.source.name)
        return replace(work, quality=comparison.quality(record))

    def ensures(self, work: Workpiece) -> None:
        """Refuse a result without figures."""
        if work.quality is None or work.quality.score_error is None:
            raise ConversionError("the comparison gave no figures")


def gate_of(options: VerifyOptions) -> Gate:
    """Return the gate that a recipe's options describe."""
    return Gate(
        max_drop=options.max_drop,
        max_class_drop=options.max_class_drop,
        min_agreement=options.min_agreement,
    )


def compared(work: Workpiece) -> Comparison:
    """Return what the source and the artefact give for the pictures to compare on.

    Raises:
        ConversionError: A score is not finite, or the softmax was not all that the
            scoring model lost.
    """
    assert work.artefact is not None  # noqa: S101 - a pass before made it
    return Comparison(
        reference=reference_scores(work, work.evaluation),
        scores=artefact_scores(work.artefact, work.evaluation, engine=work.engine),
        kind=work.task.scores,
        pictures=work.evaluation,
        labels=work.source.labels,
    )
