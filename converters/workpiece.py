"""What passes hand on to each other, and what a pass is."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from converters.child import Report
from converters.gate.comparison import Comparison
from converters.pictures import PictureSet
from converters.recipe import Recipe
from converters.serving import Boundary
from converters.source_model import SourceModel
from edgeclf.errors import ConversionError
from edgeclf.provenance import Quality
from edgeclf.types import Model, Task

__all__ = ["Pass", "Workpiece", "require_finite_weights", "require_weights"]


def _silent(phase: str, done: float) -> None:
    """Report to nobody."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Workpiece:
    """A model on its way to a bundle, with all that the passes need.

    Attributes:
        recipe: What to do.
        source: Where it began.
        scoring_model: What is exported: the source without its last softmax, as the
            passes before the export changed it.
        reference: The source without its last softmax, unchanged: what the gate
            compares with.
        task: What that model's scores mean.
        boundary: How pixels enter the artefact.
        folder: For the passes' files; it goes when the conversion ends.
        engine: What runs the artefact here.
        calibration: Pictures that set int8 ranges.
        evaluation: Pictures to compare on.
        golden: Folder of the user's own golden pictures.
        finetune: Folder of photos that a changed model learns from again.
        exported: The float model: a SavedModel folder or an ``.onnx`` file.
        quantized: The model file as the quantizer made it.
        artefact: The model file as the board opens it.
        comparison: What both gave for the pictures to compare on.
        quality: How it compares with the source.
        bundle: The bundle's bytes.
        notes: What a reader of the result must know.
        report: Told by long passes how much of their phase is done.
        state_folder: Where a training keeps what it needs to go on after a kill; it
            goes when the bundle is written.
        common: Folder for what is kept by all that it depends on, for other recipes
            and for the conversion's next process; ``folder`` where there is none.
    """

    recipe: Recipe
    source: SourceModel
    scoring_model: Any = field(repr=False)
    reference: Any = field(repr=False)
    task: Task
    boundary: Boundary
    folder: Path
    engine: str | None
    calibration: PictureSet | None
    evaluation: PictureSet
    golden: Path | None = None
    finetune: Path | None = None
    exported: Path | None = None
    quantized: bytes | None = field(default=None, repr=False)
    artefact: Model | None = None
    comparison: Comparison | None = field(default=None, repr=False)
    quality: Quality | None = None
    bundle: bytes | None = field(default=None, repr=False)
    notes: tuple[str, ...] = ()
    report: Report = field(default=_silent, repr=False)
    state_folder: Path | None = None
    common: Path | None = None

    @property
    def common_folder(self) -> Path:
        """For files that are kept by all that they depend on."""
        return self.common or self.folder

    @property
    def is_changed(self) -> bool:
        """Whether a pass changed the model before its export."""
        return self.scoring_model is not self.reference

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the model's input, in pixels."""
        return self.source.preprocess.size


class Pass(Protocol):
    """One step of a recipe.

    Each call is between two checks: that the workpiece is what the pass can work on,
    and that what came out is what it promised.
    """

    def requires(self, work: Workpiece) -> None:
        """Refuse a workpiece that the pass cannot work on.

        Raises:
            ConversionError: With the reason.
        """
        ...

    def call(self, work: Workpiece) -> Workpiece:
        """Return the workpiece with this pass's result in it."""
        ...

    def ensures(self, work: Workpiece) -> None:
        """Refuse a result that is not what the pass promises.

        Raises:
            ConversionError: With what is wrong.
        """
        ...


def require_weights(name: str, parameters: int, work: Workpiece) -> None:
    """Refuse a model file without the source's weights.

    TensorFlow's converter can leave them out and not say so. Kernels must all be there;
    the numbers of batch normalisation go into them.

    Args:
        name: Of the file, for the message.
        parameters: How many numbers the file stores.
        work: Has the source.

    Raises:
        ConversionError: Too few.
    """
    kernels = sum(
        int(np.prod(weight.shape))
        for weight in work.scoring_model.weights
        if len(weight.shape) >= 2
    )
    if parameters < kernels:
        raise ConversionError(
            f"the {name} stores {parameters} weights and {work.source.name} has "
            f"{kernels} in its kernels: the converter lost some; report this model"
        )


def require_finite_weights(work: Workpiece, *, doing: str, advice: str) -> None:
    """Refuse a model with weights that are no numbers.

    Args:
        work: With the model as a pass left it.
        doing: What the pass did, for the message.
        advice: What to try instead.

    Raises:
        ConversionError: A weight is not finite.
    """
    for weight in work.scoring_model.weights:
        if not np.all(np.isfinite(np.asarray(weight))):
            raise ConversionError(f"{doing} broke {weight.path}: try {advice}")
