"""The pass that removes channels, and proves that the model is faster for it."""

from dataclasses import asdict, dataclass, replace
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from converters.pictures import PictureSet
from converters.prune.options import PruneOptions
from converters.prune.proof import prove_speedup
from converters.prune.pruner import Guide, Pruner
from converters.prune.ranking import Removal
from converters.prune.target import resolve_share
from converters.recipe import PassStep, Recipe
from converters.recover.options import RecoverOptions
from converters.recover.photos import photos_to_learn
from converters.recover.split import hold_out
from converters.workpiece import Workpiece
from edgeclf.errors import CalibrationError, ConversionError

__all__ = ["PruneModel"]


@dataclass(frozen=True, slots=True)
class PruneModel:
    """Whole channels out of the model, those that matter least for what they cost."""

    options: PruneOptions

    def requires(self, work: Workpiece) -> None:
        """Refuse to rank by photos that there are none of."""
        has_photos = work.calibration is not None or work.finetune is not None
        if self.options.importance == "taylor" and not has_photos:
            raise CalibrationError(
                "--importance taylor looks at photos: give --calibrate DIR, or choose "
                "l1 or batch-norm"
            )

    def call(self, work: Workpiece) -> Workpiece:
        """Return the workpiece with a smaller scoring model.

        Raises:
            ConversionError: A layer cannot be followed, or so much cannot go.
            SpecError: There is no ground to turn a time into a share.
            OutOfBoundsError: On the profile's own board it is hardly faster.
        """
        keras.utils.set_random_seed(work.recipe.seed % 2**32)
        pruner = Pruner(work.scoring_model, _guide(work), self.options)
        share, basis = resolve_share(work, self.options, pruner.pruned)
        removal, model = pruner.plan(share), pruner.refitted(share)
        notes = [_words(removal, model), *basis]
        if removal.channels:
            notes.append(prove_speedup(work, model, self.options))
        return replace(
            work,
            recipe=_resolved(work.recipe, self.options, share),
            scoring_model=model,
            notes=(*work.notes, *notes),
        )

    def ensures(self, work: Workpiece) -> None:
        """Refuse a model that takes or gives other shapes, or no numbers."""
        before, after = work.reference, work.scoring_model
        shapes = [(one.input_shape, one.output_shape) for one in (before, after)]
        if shapes[0] != shapes[1]:
            raise ConversionError(
                f"pruning made {shapes[1]} of {shapes[0]}; report this model"
            )
        scores = np.asarray(after(np.zeros((1, *work.size, 3), np.float32)))
        if not np.all(np.isfinite(scores)):
            raise ConversionError("the pruned model's scores are not finite")


def _guide(work: Workpiece) -> Guide:
    """Return what to rank and to fit on: the photos that will be learned from.

    Those that recovery holds out to choose its best epoch are left out: what was chosen
    by them would look too good to it.
    """
    learned = photos_to_learn(work)
    photos = None if learned is None else learned.pictures
    return Guide(
        photos=photos,
        chosen=None if photos is None else _learned_from(work, photos),
        spec=work.source.preprocess,
        scores=work.task.scores,
        seed=work.recipe.seed,
    )


def _learned_from(work: Workpiece, photos: PictureSet) -> NDArray[np.intp]:
    try:
        options = work.recipe.options(RecoverOptions)
    except LookupError:
        return np.arange(len(photos))
    seed = work.recipe.seed
    train, _ = hold_out(len(photos), options.holdout, truth=photos.truth, seed=seed)
    return train


def _resolved(recipe: Recipe, options: PruneOptions, share: float) -> Recipe:
    """Return the recipe with the share that a time came to: it replays anywhere."""
    said = asdict(replace(options, share=share, target_ms=None))
    passes = tuple(
        PassStep(name=step.name, options=said)
        if step.name == "prune" and recipe.step_options(step) == options
        else step
        for step in recipe.passes
    )
    return replace(recipe, passes=passes)


def _words(removal: Removal, model: Any) -> str:
    channels = sum(len(gone) for gone in removal.channels.values())
    return (
        f"pruned {removal.share:.1%} of {removal.macs_before / 1e6:.1f} million "
        f"multiply-accumulates: {channels} channels of {len(removal.channels)} groups; "
        f"{model.count_params() / 1e6:.2f} million weights are left"
    )
