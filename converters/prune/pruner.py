"""A model made smaller: ranked once, cut as deep as one likes, and fitted anew."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converters.graph.flattening import flatten_model
from converters.graph.groups import channel_groups
from converters.graph.macs import layer_macs
from converters.graph.surgery import without_channels
from converters.pictures import PictureSet, after_resize, real_input
from converters.prune.importance import channel_importance
from converters.prune.moments import reader_moments
from converters.prune.options import PruneOptions
from converters.prune.ranking import Removal, plan_removal
from converters.prune.refit import without_channels_refitted
from converters.prune.taylor import Batch
from edgeclf.errors import ConversionError
from edgeclf.types import PreprocessSpec, ScoreKind

__all__ = ["Guide", "Pruner"]

_BATCH = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Guide:
    """What a model is pruned by, beside its weights.

    Attributes:
        photos: That ``taylor`` ranks on and ``refit`` fits on; ``None`` for neither.
        spec: How the model takes them.
        chosen: Indices of the photos to look at; ``None`` for all of them.
        scores: What the model gives.
        seed: Of every draw.
    """

    photos: PictureSet | None
    spec: PreprocessSpec
    chosen: NDArray[np.intp] | None = None
    scores: ScoreKind = "logits"
    seed: int = 0

    def batches(self, most: int) -> Iterator[Batch]:
        """Yield up to ``most`` photos, evenly spread, as the model takes them."""
        photos = self.photos
        if photos is None:
            return
        to_real = after_resize(self.spec, real_input(self.spec))
        pool = np.arange(len(photos)) if self.chosen is None else self.chosen
        wanted = min(most, len(pool))
        places = np.linspace(0, len(pool) - 1, wanted).round().astype(np.intp)
        for start in range(0, wanted, _BATCH):
            some = pool[places[start : start + _BATCH]]
            rows = [np.array(to_real(photos.pixels[index])) for index in some]
            truth = None if photos.truth is None else photos.truth[some]
            yield np.concatenate(rows), truth


class Pruner:
    """Makes smaller models of one model, whose channels are ranked once.

    Args:
        model: A Keras model; it is left as it is.
        guide: Photos and what belongs to them.
        options: By what channels are ranked, and what must stay.

    Raises:
        ConversionError: A layer cannot be followed, or there is nothing to rank by.
    """

    def __init__(self, model: Any, guide: Guide, options: PruneOptions) -> None:
        self._model = model
        self._guide = guide
        self._options = options
        self._groups = channel_groups(model)
        looks = options.importance == "taylor"
        self._scores = channel_importance(
            model,
            self._groups,
            options.importance,
            batches=guide.batches(options.images) if looks else (),
            scores=guide.scores,
            seed=guide.seed,
        )

    def plan(self, share: float) -> Removal:
        """Return what goes for a share of the multiply-accumulates.

        Raises:
            ConversionError: So much cannot go.
        """
        return plan_removal(
            self._model,
            self._groups,
            self._scores,
            target_macs_share=share,
            round_to=self._options.multiple,
            min_keep=self._options.min_kept,
        )

    def pruned(self, share: float) -> Any:
        """Return the model without that share, its other weights as they were."""
        removal = self.plan(share)
        return _as_planned(without_channels(self._model, removal.channels), removal)

    def refitted(self, share: float) -> Any:
        """Return the same with the weights that read what goes fitted anew on photos.

        Without photos, or when the options say so, they stay as they were.
        """
        removal = self.plan(share)
        has_photos = self._guide.photos is not None
        if not (self._options.refit and has_photos and removal.channels):
            return self.pruned(share)
        batches = self._guide.batches(self._options.images)
        moments = reader_moments(
            flatten_model(self._model), (pictures for pictures, _ in batches)
        )
        model = without_channels_refitted(
            self._model, self._groups, removal.channels, moments
        )
        return _as_planned(model, removal)


def _as_planned(model: Any, removal: Removal) -> Any:
    macs = sum(layer_macs(model).values())
    if macs != removal.macs_after:
        raise ConversionError(
            f"pruning left {macs} multiply-accumulates where {removal.macs_after} "
            "were planned; report this model"
        )
    return model
