"""What the original says of each variant of each photo, asked once."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from converters.recover.training import score_function
from converters.recover.views import View, ViewMaker
from edgeclf.types import ScoreKind

__all__ = ["Teacher"]

_MIRROR_PHOTOS = 256
_MIRROR_AGREEMENT = 0.9


class Teacher:
    """The original model, whose answers are kept by variant.

    It is asked in the photos' order and in full batches, so that an answer does not
    depend on when it was asked for.

    Args:
        model: A Keras model.
        maker: Makes what it looks at.
        kind: What the model gives.
        batch: Photos at a time.
    """

    def __init__(
        self, model: Any, maker: ViewMaker, kind: ScoreKind, *, batch: int
    ) -> None:
        self._maker = maker
        self._batch = batch
        self._score = score_function(model, kind, batch=batch)
        self._known: dict[View, NDArray[np.float32]] = {}

    def logits(self, view: View) -> NDArray[np.float32]:
        """Return the logits of every photo in a variant, shape (photos, classes)."""
        if view not in self._known:
            everyone = np.arange(len(self._maker))
            batches = self._maker.batches(everyone, self._batch, view)
            self._known[view] = np.concatenate([self._score(each) for each in batches])
        return self._known[view]

    def sees_mirrored(self) -> bool:
        """Return whether mirrored photos mostly keep their top-1.

        Letters, digits and road signs do not, and must not be learned from mirrored.
        """
        first = np.arange(min(len(self._maker), _MIRROR_PHOTOS))
        mirrored = [
            self._score(inputs[:, :, ::-1]).argmax(axis=1)
            for inputs in self._maker.batches(first, self._batch)
        ]
        top = self.logits(View())[first].argmax(axis=1)
        return bool(np.mean(top == np.concatenate(mirrored)) >= _MIRROR_AGREEMENT)
