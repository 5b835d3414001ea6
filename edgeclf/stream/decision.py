"""What the loop decided about one frame."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgeclf.types import Frame, Prediction

__all__ = ["Decision"]


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
