"""What is measured of an artefact: scores, the gate's verdict, and time here."""

from contextlib import ExitStack
from dataclasses import replace
from typing import Protocol

from converters.gate.comparison import Comparison
from converters.gate.scoring import artefact_scores, model_scores, reference_scores
from converters.gate.verdict import Gate
from converters.parity import require_parity
from converters.pass_options import VerifyOptions
from converters.pictures import PictureSet
from converters.prune.speed import Speedup, compare_speed
from converters.workpiece import Workpiece
from edgeclf.backends import open_backend
from edgeclf.gate_record import GateRecord

__all__ = ["EngineMeasure", "Measure", "checked", "gate_of"]


class Measure(Protocol):
    """Measures candidates of a search."""

    def divergence(self, work: Workpiece, /) -> float:
        """Return how far probabilities are from the source's where it calibrated."""
        ...

    def judged(self, work: Workpiece, /) -> GateRecord | None:
        """Return the gate's verdict; ``None`` where there are no photos."""
        ...

    def can_pass(self, work: Workpiece, /) -> bool:
        """Whether the photos could tell that an artefact is right, if it were."""
        ...

    def speedup(self, before: Workpiece, after: Workpiece, /) -> Speedup:
        """Return how much faster one artefact runs than another, here."""
        ...


class EngineMeasure:
    """Measures on the engine that runs artefacts here."""

    def divergence(self, work: Workpiece) -> float:
        """Return the mean divergence on the photos that calibrated, in nats."""
        assert work.calibration is not None  # noqa: S101 - int8 has them
        return _compared(work, work.calibration).divergence()

    def judged(self, work: Workpiece) -> GateRecord | None:
        """Return the gate's verdict on the photos to compare on.

        Raises:
            OutOfBoundsError: Scores of a float artefact are out of parity.
        """
        return checked(work).judged(gate_of(work))

    def can_pass(self, work: Workpiece) -> bool:
        """Whether the source itself would pass with these photos."""
        source = reference_scores(work, work.evaluation)
        itself = replace(_compared(work, work.evaluation), scores=source)
        record = itself.judged(gate_of(work))
        return record is not None and record.verdict == "pass"

    def speedup(self, before: Workpiece, after: Workpiece) -> Speedup:
        """Return how much faster one artefact runs than another, here."""
        artefacts = [(each.artefact, each.engine) for each in (before, after)]
        with ExitStack() as stack:
            one, other = (
                stack.enter_context(
                    open_backend(model.data, format=model.spec.format, engine=engine)
                )
                for model, engine in artefacts
                if model is not None
            )
            return compare_speed(one, other)


def checked(work: Workpiece) -> Comparison:
    """Return what the source and the artefact give for the pictures to compare on.

    Raises:
        OutOfBoundsError: The artefact does not compute what was exported.
        ConversionError: A score is not finite.
        BackendError: The engine cannot load or run it.
    """
    comparison = _compared(work, work.evaluation)
    exported = comparison
    if work.is_changed:
        spec = work.source.preprocess
        scores = model_scores(work.scoring_model, spec, work.evaluation)
        exported = replace(comparison, reference=scores)
    options = work.recipe.options(VerifyOptions)
    require_parity(exported, options, name=work.source.name)
    return comparison


def gate_of(work: Workpiece) -> Gate:
    """Return the gate that the workpiece's recipe describes."""
    options = work.recipe.options(VerifyOptions)
    return Gate(
        max_drop=options.max_drop,
        max_class_drop=options.max_class_drop,
        min_agreement=options.min_agreement,
    )


def _compared(work: Workpiece, pictures: PictureSet) -> Comparison:
    assert work.artefact is not None  # noqa: S101 - a pass before made it
    return Comparison(
        reference=reference_scores(work, pictures),
        scores=artefact_scores(work.artefact, pictures, engine=work.engine),
        kind=work.task.scores,
        pictures=pictures,
        labels=work.source.labels,
    )
