"""Names of a file's layers for people: the Keras layers that they were made of."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from converters.quantize.tflite_file import TfliteLayer

__all__ = ["layer_names"]


def layer_names(model: Any, layers: Iterable[TfliteLayer]) -> Mapping[str, str]:
    """Return what each layer of a file is called, by the name of its output's tensor.

    The converter joins the names of all that it made one operator of. Among them stands
    the Keras layer with the kernel; layers that it leaves without a name are matched in
    order when as many remain on both sides. What is then left keeps its tensor's name.

    Args:
        model: The Keras model that was exported.
        layers: In the order in which they run.
    """
    tensors = [layer.name for layer in layers]
    waiting = [layer.name for layer in model.layers if _has_kernel(layer)]
    found: dict[str, str] = {}
    for tensor in tensors:
        parts = _parts(tensor)
        matches = [name for name in waiting if name in parts]
        if matches:
            found[tensor] = matches[0]
            waiting.remove(matches[0])
    nameless = [tensor for tensor in tensors if tensor not in found]
    if len(nameless) == len(waiting):
        found.update(zip(nameless, waiting, strict=True))
    return {tensor: found.get(tensor, tensor) for tensor in tensors}


def _has_kernel(layer: Any) -> bool:
    return any(len(weight.shape) >= 2 for weight in layer.weights)


def _parts(tensor: str) -> set[str]:
    """Return the scopes in a tensor's name, with and without the number at their end."""
    scopes = set(re.split(r"[/;]", tensor))
    return scopes | {re.sub(r"_\d+$", "", scope) for scope in scopes}
