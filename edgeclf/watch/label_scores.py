"""From a model's raw scores to one probability a label."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edgeclf.heads import open_head
from edgeclf.types import Model, Prediction
from edgeclf.watch.smoothing import Scores

__all__ = ["LabelScores"]


class LabelScores:
    """Reads the probability of each of a model's labels.

    Some label lists have a name twice (ImageNet has two cranes). Their events could
    not be told apart, so such a label has the sum of its classes' probabilities.

    Attributes:
        labels: Each once, in the order of the model's.

    Raises:
        SpecError: The model's parts do not fit together.
    """

    labels: tuple[str, ...]

    def __init__(self, model: Model) -> None:
        self._head = open_head(model.task, model.spec.output, model.labels)
        self.labels = tuple(dict.fromkeys(model.labels))
        self._positions = _positions(model.labels, self.labels)

    def of(self, prediction: Prediction) -> Scores:
        """Return the probabilities, shape (labels,).

        Raises:
            ValueError: The prediction comes from something that gives no raw scores.
        """
        if prediction.raw_scores is None:
            raise ValueError(
                "events need the scores of every class: a classifier that gives "
                "predictions must set raw_scores"
            )
        probabilities = self._head.probabilities(prediction.raw_scores)
        if self._positions is None:
            return probabilities.astype(np.float64)
        sums = np.bincount(self._positions, weights=probabilities)
        return np.asarray(sums, np.float64)


def _positions(
    classes: Sequence[str], labels: Sequence[str]
) -> NDArray[np.int64] | None:
    """Return which label each class has, or ``None`` when no label comes twice."""
    if len(labels) == len(classes):
        return None
    places = {label: place for place, label in enumerate(labels)}
    return np.array([places[label] for label in classes], np.int64)
