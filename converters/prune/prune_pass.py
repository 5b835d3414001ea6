"""The pass that removes channels, and proves that the model is faster for it."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import keras
import numpy as np

from converters.graph.groups import channel_groups
from converters.graph.macs import layer_macs
from converters.graph.surgery import without_channels
from converters.pictures import PictureSet, after_resize, real_input
from converters.prune.importance import channel_importance
from converters.prune.options import PruneOptions
from converters.prune.proof import prove_speedup
from converters.prune.ranking import Removal, plan_removal
from converters.prune.target import resolve_share
from converters.prune.taylor import Batch
from converters.recipe import PassStep, Recipe
from converters.recover.photos import photos_to_learn
from converters.workpiece import Workpiece
from edgeclf.errors import CalibrationError, ConversionError

__all__ = ["PruneModel"]

_BATCH = 16


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
        pruner = _Pruner(work, self.options)
        share, basis = resolve_share(work, self.options, pruner.pruned)
        removal, model = pruner.plan(share), pruner.pruned(share)
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


class _Pruner:
    """Makes smaller models of one model; channels are ranked once."""

    def __init__(self, work: Workpiece, options: PruneOptions) -> None:
        self._model = work.scoring_model
        self._options = options
        self._groups = channel_groups(self._model)
        self._scores = channel_importance(
            self._model,
            self._groups,
            options.importance,
            batches=_batches(work, options) if options.importance == "taylor" else (),
            scores=work.task.scores,
            seed=work.recipe.seed,
        )

    def plan(self, share: float) -> Removal:
        """Return what goes for a share of the multiply-accumulates."""
        return plan_removal(
            self._model,
            self._groups,
            self._scores,
            target_macs_share=share,
            round_to=self._options.multiple,
            min_keep=self._options.min_kept,
        )

    def pruned(self, share: float) -> Any:
        """Return the model without it.

        Raises:
            ConversionError: It is not as large as was planned.
        """
        removal = self.plan(share)
        model = without_channels(self._model, removal.channels)
        macs = sum(layer_macs(model).values())
        if macs != removal.macs_after:
            raise ConversionError(
                f"pruning left {macs} multiply-accumulates where {removal.macs_after} "
                "were planned; report this model"
            )
        return model


def _batches(work: Workpiece, options: PruneOptions) -> Iterator[Batch]:
    learned = photos_to_learn(work)
    assert learned is not None  # noqa: S101 - requires() checked it
    photos = work.calibration or learned.pictures
    to_real = after_resize(work.source.preprocess, real_input(work.source.preprocess))
    chosen = _spread(photos, options.images)
    for start in range(0, len(chosen), _BATCH):
        some = chosen[start : start + _BATCH]
        yield (
            np.concatenate([np.array(to_real(photos.pixels[index])) for index in some]),
            None if photos.truth is None else photos.truth[some],
        )


def _spread(photos: PictureSet, count: int) -> Any:
    """Return indices that are evenly spaced among the photos."""
    wanted = min(count, len(photos))
    return np.linspace(0, len(photos) - 1, wanted).round().astype(np.intp)


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
