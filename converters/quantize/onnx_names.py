"""Layers of an ONNX export by the names that their Keras model gives them."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from converters.quantize.onnx_layers import OnnxLayer

__all__ = ["layer_names"]


def layer_names(model: Any, layers: Sequence[OnnxLayer]) -> dict[str, str]:
    """Return each node's Keras layer, where it is plain which one it is, else itself.

    Export and folding keep the order of layers and the number of their weights, and no
    name.

    Args:
        model: The Keras model that was exported.
        layers: In the order in which they run.
    """
    waiting: dict[tuple[int, ...], list[str]] = defaultdict(list)
    for layer in model.layers:
        kernels = [weight for weight in layer.weights if len(weight.shape) >= 2]
        if len(kernels) == 1:
            waiting[_size(kernels[0].shape)].append(layer.name)
    asked: dict[tuple[int, ...], list[str]] = defaultdict(list)
    for layer in layers:
        asked[_size(layer.shape)].append(layer.name)
    found = {layer.name: layer.name for layer in layers}
    for size, nodes in asked.items():
        if len(waiting[size]) == len(nodes):
            found.update(zip(nodes, waiting[size], strict=True))
    return found


def _size(shape: Sequence[int]) -> tuple[int, ...]:
    """Return the sides above 1 in order of size: what no transposition changes."""
    return tuple(sorted(int(side) for side in shape if side > 1))
