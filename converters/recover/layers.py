"""Layers of a Keras model that behave otherwise while it is trained."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras

__all__ = ["all_layers", "batch_norms", "without_dropout"]


def all_layers(model: Any) -> Iterator[Any]:
    """Yield a model's layers, those of models inside it included, each once."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from all_layers(layer)
        else:
            yield layer


def batch_norms(model: Any) -> list[Any]:
    """Return a model's batch norms, in the order of its layers."""
    kind = keras.layers.BatchNormalization
    return [layer for layer in all_layers(model) if isinstance(layer, kind)]


@contextmanager
def without_dropout(model: Any) -> Iterator[None]:
    """Let nothing drop out while in the block; a function traced there keeps it."""
    dropping = [layer for layer in all_layers(model) if _drops(layer)]
    rates = [layer.rate for layer in dropping]
    for layer in dropping:
        layer.rate = 0.0
    try:
        yield
    finally:
        for layer, rate in zip(dropping, rates, strict=True):
            layer.rate = rate


def _drops(layer: Any) -> bool:
    layers = keras.layers
    kinds = (
        layers.AlphaDropout,
        layers.Dropout,
        layers.GaussianDropout,
        layers.SpatialDropout2D,
    )
    return isinstance(layer, kinds)
