"""The pass that trains a model with the rounding of its int8 file."""

from dataclasses import dataclass, replace

from converters.aware.training import train_aware
from converters.pass_options import AwareOptions
from converters.recover.distill import Recovered
from converters.recover.lesson import lesson_of
from converters.recover.photos import photos_to_learn
from converters.workpiece import Workpiece, require_finite_weights
from edgeclf.errors import CalibrationError, ConversionError

__all__ = ["TrainAware"]


@dataclass(frozen=True, slots=True)
class TrainAware:
    """The model as the passes before left it learns to be rounded."""

    options: AwareOptions

    def requires(self, work: Workpiece) -> None:
        """Refuse to train without photos, or for a float file."""
        if work.recipe.precision != "int8":
            raise ConversionError(
                f"quantization-aware training is for int8, not {work.recipe.precision}: "
                "leave out --aware"
            )
        if work.finetune is None:
            raise CalibrationError(
                "quantization-aware training learns from photos: give --finetune DIR"
            )

    def call(self, work: Workpiece) -> Workpiece:
        """Return the workpiece with the model that has learned.

        Raises:
            CalibrationError: Too few photos, or photos that also judge.
            ConversionError: The model is no graph of layers.
            InputFileError: Labels that are not the model's.
            OutputFileError: The disk is full.
        """
        learned = photos_to_learn(work)
        assert learned is not None  # noqa: S101 - requires() checked it
        model, recovered = train_aware(
            work.scoring_model,
            work.reference,
            lesson_of(work, learned.pictures),
            self.options,
            report=work.report,
            state_folder=work.state_folder,
        )
        notes = (*work.notes, *learned.notes, _words(recovered, learned.words))
        return replace(work, scoring_model=model, notes=notes)

    def ensures(self, work: Workpiece) -> None:
        """Refuse a model with weights that are no numbers."""
        require_finite_weights(work, doing="training", advice="a smaller learning rate")


def _words(recovered: Recovered, photos: str) -> str:
    first, best = recovered.history[0], recovered.best
    return (
        f"trained for int8 on {photos}, best of {len(recovered.history) - 1} epochs "
        f"({best.epoch}): rounded, on the {recovered.held_out} of them held out, it "
        f"agrees with the source on {best.agreement:.1%}, before {first.agreement:.1%}"
    )
