"""What the loop decided about one frame."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from edgeclf.stream.capture import Arrival
from edgeclf.types import EngineIdentity, Frame, Model, Prediction

__all__ = ["Decision", "FrameClassifier", "decide"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A frame, what the model says of it, and what that took.

    Attributes:
        frame: The frame itself, pixels included.
        prediction: Labels and scores, best first.
        stage_ns: Nanoseconds a stage: ``capture``, ``preprocess``, ``invoke``,
            ``head``, and ``total`` from the start of capture to the decision.
        age_ns: From when the picture was taken to the decision; who took that time
            is ``frame.timestamp_origin``.
    """

    frame: Frame
    prediction: Prediction
    stage_ns: Mapping[str, int]
    age_ns: int

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the pixels, JSON-ready."""
        return {
            "sequence": self.frame.sequence,
            "captured_ns": self.frame.captured_ns,
            "timestamp_origin": self.frame.timestamp_origin,
            "age_ns": self.age_ns,
            "stage_ns": dict(self.stage_ns),
            "top": [each._asdict() for each in self.prediction.top],
        }


class FrameClassifier(Protocol):
    """What the loop needs of a ``Classifier``."""

    @property
    def model(self) -> Model:
        """What it classifies with."""
        ...

    @property
    def identity(self) -> EngineIdentity:
        """What runs the model."""
        ...

    def classify(self, frame: Frame) -> Prediction:
        """Return what the model says of a frame."""
        ...


def decide(classifier: FrameClassifier, arrival: Arrival) -> Decision:
    """Classify a frame, and add up what that took from the start of its capture.

    Raises:
        BackendError: The engine failed.
    """
    prediction = classifier.classify(arrival.frame)
    return Decision(
        frame=arrival.frame,
        prediction=prediction,
        stage_ns={
            "capture": arrival.arrived_ns - arrival.started_ns,
            **prediction.stage_ns,
            "total": prediction.decided_ns - arrival.started_ns,
        },
        age_ns=prediction.decided_ns - arrival.frame.captured_ns,
    )
