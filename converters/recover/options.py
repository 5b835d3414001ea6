"""What the recover pass lets one choose."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

__all__ = ["RecoverOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoverOptions:
    """How a pruned model is fine-tuned by distillation from its original.

    Attributes:
        epochs: Times that every photo is seen; 0 re-estimates batch norm only.
        batch: Photos a step.
        optimizer: ``adamw`` (decoupled weight decay) or ``sgd`` with momentum 0.9.
        learning_rate: At the beginning; it falls to 0 along half a cosine. An epoch
            that ends much worse than the best one is undone, and the rate falls to
            three tenths.
        weight_decay: Of kernels; gains and biases have none.
        temperature: Both models' logits are divided by it, so that the ratios of
            small probabilities count too.
        label_share: Weight of the right answers beside the original's, where photos
            have labels; in 0…1.
        views: How many fixed variants of each photo the epochs take turns with;
            1 is the photo itself in every epoch.
        zoom: Smallest side of a variant's crop, as a share of the photo's.
        flip: Whether variants are mirrored at random; ``auto`` asks the original
            whether it still sees the same in mirrored photos.
        holdout: Share of the photos that is kept for choosing the best epoch.
        patience: Epochs without a better one before it stops.
        statistics: What batch norm uses while training: ``fixed`` numbers, estimated
            once; or each ``batch``'s own. ``auto`` is ``fixed`` for fewer than 500
            photos.
    """

    epochs: int
    batch: int = 32
    optimizer: Literal["adamw", "sgd"] = "adamw"
    learning_rate: float = 5e-4
    weight_decay: float = 1e-4
    temperature: float = 2.0
    label_share: float = 0.3
    views: int = 4
    zoom: float = 0.85
    flip: Literal["auto", "always", "never"] = "auto"
    holdout: float = 0.1
    patience: int = 8
    statistics: Literal["auto", "fixed", "batch"] = "auto"

    def __post_init__(self) -> None:
        for name, (holds, words) in _RULES.items():
            value = getattr(self, name)
            if not holds(value):
                raise ValueError(f"{name} must be {words}, got {value}")


_RULES: Mapping[str, tuple[Callable[[float], bool], str]] = {
    "epochs": (lambda value: value >= 0, "0 or more"),
    "batch": (lambda value: value >= 1, "1 or more"),
    "learning_rate": (lambda value: value > 0, "above 0"),
    "weight_decay": (lambda value: value >= 0, "0 or more"),
    "temperature": (lambda value: value > 0, "above 0"),
    "label_share": (lambda value: 0 <= value <= 1, "0 to 1"),
    "views": (lambda value: value >= 1, "1 or more"),
    "zoom": (lambda value: 0.1 <= value <= 1, "0.1 to 1"),
    "holdout": (lambda value: 0 < value < 1, "above 0 and below 1"),
    "patience": (lambda value: value >= 1, "1 or more"),
}
