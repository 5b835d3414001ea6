"""Questions to a Keras model's graph: what comes first, what comes last."""

from collections.abc import Iterator
from typing import Any

import keras

__all__ = ["first_normalisation", "last_activation"]

_NORMALISING = frozenset(
    {
        "Rescaling",
        "Normalization",
        # What preprocess_input leaves in a graph:
        "Divide",
        "TrueDivide",
        "Subtract",
        "Multiply",
        "Add",
    }
)
_PASSED_OVER = frozenset({"InputLayer", "Cast", "GetItem", "Identity", "Dropout"})


def first_normalisation(model: Any) -> str | None:
    """Return the name of a step that changes the pixels' range before any other layer.

    Layers that only augment while training are passed over, nested models entered.
    """
    for operation in _in_order(model):
        kind = type(operation).__name__
        if kind in _NORMALISING:
            return str(operation.name)
        is_augmentation = kind.startswith("Random")
        if not is_augmentation and kind not in _PASSED_OVER:
            return None
    return None


def last_activation(model: Any) -> str:
    """Return ``softmax``, ``linear``, ``sigmoid``, … or the kind of the last layer."""
    *_, operation = _in_order(model)
    activation = getattr(operation, "activation", None)
    if isinstance(operation, keras.layers.Softmax):
        return "softmax"
    if activation is not None:
        return str(getattr(activation, "__name__", activation))
    return type(operation).__name__.lower()


def _in_order(model: Any) -> Iterator[Any]:
    """Yield a model's operations, those of nested models in their place."""
    operations = getattr(model, "operations", None) or model.layers
    for operation in operations:
        if isinstance(operation, keras.Model):
            yield from _in_order(operation)
        else:
            yield operation
