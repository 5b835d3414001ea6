"""What every loader of the workshop returns: a trained model and how it was trained."""

import hashlib
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from edgeclf.types import PreprocessSpec, ScoreKind, Task

__all__ = [
    "IMAGENET",
    "RANDOM_WEIGHTS",
    "KerasFileOptions",
    "SourceModel",
    "imagenet_labels",
    "imagenet_synsets",
    "weights_digest",
]

IMAGENET = "imagenet"
"""As labels: the 1,000 names that travel with edgeclf."""

RANDOM_WEIGHTS = "random weights: for trials only"
"""The note of a model that was made with ``--weights none``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceModel:
    """A trained classifier before conversion: the truth that parity compares with.

    Attributes:
        name: As in the zoo's table, or the file's stem.
        keras_model: A ``keras.Model`` with one float32 input (None, height, width, 3),
            height and width fixed, and one output (None, classes). It takes what
            ``preprocess`` gives, as it stands.
        preprocess: float32, NHWC, normalisation on the device's side.
        task: What the scores mean.
        labels: One a class.
        sha256: Of what the weights were read from, in hex.
        synsets: WordNet identifiers in class order, or nothing where there are none.
        notes: What a reader of the bundle must know, such as random weights.
    """

    name: str
    keras_model: Any = field(repr=False)
    preprocess: PreprocessSpec
    task: Task
    labels: tuple[str, ...] = field(repr=False)
    sha256: str
    synsets: tuple[str, ...] = field(default=(), repr=False)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        height, width = self.preprocess.size
        expected = (None, height, width, 3)
        if tuple(self.keras_model.input_shape) != expected:
            raise ValueError(
                f"the model takes {self.keras_model.input_shape}, "
                f"the preprocessing gives {expected}"
            )
        if tuple(self.keras_model.output_shape) != (None, len(self.labels)):
            raise ValueError(
                f"the model gives {self.keras_model.output_shape}, "
                f"there are {len(self.labels)} labels"
            )
        if self.synsets and len(self.synsets) != len(self.labels):
            raise ValueError(f"{len(self.synsets)} synsets, {len(self.labels)} labels")


@dataclass(frozen=True, slots=True, kw_only=True)
class KerasFileOptions:
    """What a ``.keras`` or ``.h5`` file does not say of itself.

    Attributes:
        preset: Name of the preprocessing that it was trained with.
        labels: Text file, one label a line, in the order of the scores; or
            ``imagenet``.
        size: (height, width), for a model whose input leaves it open.
        scores: What it gives; read from its last layer when left out.
    """

    preset: str | None = None
    labels: Path | None = None
    size: tuple[int, int] | None = None
    scores: ScoreKind | None = None


def imagenet_labels() -> tuple[str, ...]:
    """Return the names of ImageNet's 1,000 classes in class order, all different."""
    return _lines("imagenet.txt")


def imagenet_synsets() -> tuple[str, ...]:
    """Return the WordNet identifiers of ImageNet's 1,000 classes in class order."""
    return _lines("imagenet_synsets.txt")


def weights_digest(keras_model: Any) -> str:
    """Return the SHA-256 of a model's weights in Keras's order, in hex."""
    digest = hashlib.sha256()
    for weight in keras_model.get_weights():
        digest.update(weight.tobytes())
    return digest.hexdigest()


def _lines(name: str) -> tuple[str, ...]:
    text = (
        resources.files("converters")
        .joinpath("labels")
        .joinpath(name)
        .read_text("utf-8")
    )
    return tuple(text.splitlines())
