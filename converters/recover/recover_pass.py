"""The pass that teaches a pruned model what its original answers."""

from dataclasses import dataclass, replace

from converters.graph.surgery import without_channels
from converters.recover.distill import Recovered, recover
from converters.recover.lesson import lesson_of
from converters.recover.options import RecoverOptions
from converters.recover.photos import photos_to_learn
from converters.workpiece import Workpiece, require_finite_weights
from edgeclf.errors import CalibrationError

__all__ = ["RecoverModel"]


@dataclass(frozen=True, slots=True)
class RecoverModel:
    """The model as the passes before left it learns from its source."""

    options: RecoverOptions

    def requires(self, work: Workpiece) -> None:
        """Refuse to teach without photos."""
        if work.finetune is None and work.calibration is None:
            raise CalibrationError(
                "a pruned model learns again from photos: give --finetune DIR, or "
                "--calibrate DIR at least"
            )

    def call(self, work: Workpiece) -> Workpiece:
        """Return the workpiece with the model that has learned.

        Raises:
            CalibrationError: Too few photos, or photos that also judge.
            InputFileError: Labels that are not the model's.
            OutputFileError: The disk is full.
        """
        learned = photos_to_learn(work)
        assert learned is not None  # noqa: S101 - requires() checked it
        recovered = recover(
            without_channels(work.scoring_model, {}),
            work.reference,
            lesson_of(work, learned.pictures),
            self.options,
            report=work.report,
            state_folder=work.state_folder,
        )
        note = _words(recovered, learned.words)
        return replace(
            work,
            scoring_model=recovered.model,
            notes=(*work.notes, *learned.notes, note),
        )

    def ensures(self, work: Workpiece) -> None:
        """Refuse a model with weights that are no numbers."""
        require_finite_weights(work, doing="training", advice="a smaller learning rate")


def _words(recovered: Recovered, photos: str) -> str:
    first, best = recovered.history[0], recovered.best
    epochs = len(recovered.history) - 1
    how = (
        f"epoch {best.epoch} of {epochs} is the best" if epochs else "without training"
    )
    return (
        f"recovered on {photos}, {how}: on the {recovered.held_out} of them held out it "
        f"agrees with the source on {best.agreement:.1%}, before on "
        f"{first.agreement:.1%}"
    )
