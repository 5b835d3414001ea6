"""Measuring what reading a camera's small stream does to the decisions."""

from collections.abc import Iterator
from contextlib import suppress
from time import monotonic_ns
from typing import Final

import numpy as np

from edgeclf.errors import SourceError
from edgeclf.heads import FloatArray, Head, open_head
from edgeclf.sources import FramePair, PairedSource
from edgeclf.stream.agreement import LoresAgreement
from edgeclf.stream.decision import FrameClassifier
from edgeclf.stream.intake import LOOK_UP_S
from edgeclf.stream.stop import Stop
from edgeclf.types import Frame

__all__ = ["measure_lores"]

_PAIRS: Final = 30


def measure_lores(
    source: PairedSource,
    classifier: FrameClassifier,
    *,
    stop: Stop,
    pairs: int = _PAIRS,
    at_most_s: float = 10.0,
) -> LoresAgreement:
    """Decide some moments on both streams of a camera, before its frames are read.

    A camera that is lost meanwhile is no error here: who reads its frames meets it
    next, and knows how to get it back.

    Args:
        source: Left open.
        classifier: Decides both pictures of each pair.
        stop: Cuts it short, with what was measured by then.
        pairs: As many, if they come in time.
        at_most_s: Seconds after which no further pair is taken.

    Raises:
        BackendError: The engine failed.
        SpecError: The model's parts do not fit together.
        ValueError: The classifier gives no raw scores.
    """
    comparer = _Comparer(classifier)
    with suppress(SourceError):
        for pair in _taken(source, stop, pairs, at_most_s):
            comparer.compare(pair)
    return comparer.agreement()


def _taken(
    source: PairedSource, stop: Stop, pairs: int, at_most_s: float
) -> Iterator[FramePair]:
    ends_ns = monotonic_ns() + round(at_most_s * 1e9)
    while pairs and stop.reason is None and monotonic_ns() < ends_ns:
        pair = source.take_pair(LOOK_UP_S)
        if pair is not None:
            yield pair
            pairs -= 1


class _Comparer:
    """Decides pairs, and counts how the two decisions differ."""

    def __init__(self, classifier: FrameClassifier) -> None:
        model = classifier.model
        self._classifier = classifier
        self._head: Head = open_head(model.task, model.spec.output, model.labels)
        self._equal = 0
        self._differences: list[float] = []

    def compare(self, pair: FramePair) -> None:
        label, scores = self._decide(pair.lores)
        main_label, main_scores = self._decide(pair.main)
        self._equal += label == main_label
        self._differences.append(float(np.abs(scores - main_scores).max()))

    def agreement(self) -> LoresAgreement:
        return LoresAgreement(
            pairs=len(self._differences),
            equal=self._equal,
            largest_difference=max(self._differences, default=None),
        )

    def _decide(self, frame: Frame) -> tuple[str, FloatArray]:
        prediction = self._classifier.classify(frame)
        if prediction.raw_scores is None:
            raise ValueError(
                "comparing streams needs the scores of every class: a classifier that "
                "gives predictions must set raw_scores"
            )
        return prediction.best.label, self._head.probabilities(prediction.raw_scores)
