"""Watches what the model sees, and says when something appears and goes."""

import numpy as np

from edgeclf.stream.decision import Decision
from edgeclf.stream.event import Event
from edgeclf.types import Model
from edgeclf.watch.hysteresis import Hysteresis
from edgeclf.watch.label_scores import LabelScores
from edgeclf.watch.rule import EventRule
from edgeclf.watch.spans import Spans

__all__ = ["LabelWatcher"]


class LabelWatcher:
    """Makes events of labels, as a rule says; one for one stream.

    Args:
        rule: When events start and end.
        model: Whose predictions it will see.

    Raises:
        SpecError: The rule names a label that the model does not have.
    """

    def __init__(self, rule: EventRule, model: Model) -> None:
        self._scores = LabelScores(model)
        watched = rule.watched_of(self._scores.labels)
        places = {label: place for place, label in enumerate(self._scores.labels)}
        self._places = np.array([places[label] for label in watched])
        self._smoothing = rule.smoothing
        self._smoother = rule.smoothing.start()
        self._spans = Spans(
            "label",
            watched,
            Hysteresis([rule.of(label) for label in watched]),
            max_gap_ms=rule.max_gap_ms,
            has_scores=True,
        )

    def watch(self, decision: Decision) -> list[Event]:
        """Return what began or ended with this decision.

        Raises:
            ValueError: The prediction has no raw scores.
        """
        scores = self._scores.of(decision.prediction)
        moment_ns, is_first, ended = self._spans.arrive(decision)
        if is_first:
            self._smoother = self._smoothing.start()
        smoothed = self._smoother.step(moment_ns, scores)
        return ended + self._spans.step(decision, moment_ns, smoothed[self._places])

    def finish(self, now_ns: int) -> list[Event]:
        """Return the ends of all that is still going on; nothing follows."""
        return self._spans.finish(now_ns)
