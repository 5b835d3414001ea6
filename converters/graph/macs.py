"""Multiply-accumulates: of a model as it is, and of one with fewer channels."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from converters.graph.groups import ChannelGraph
from converters.graph.layers import FlatModel, Step, flatten_model

__all__ = ["layer_macs", "macs_without"]

_KERNELS: Mapping[str, Sequence[str]] = {
    "Conv2D": ("kernel",),
    "Conv2DTranspose": ("kernel",),
    "Dense": ("kernel",),
    "DepthwiseConv2D": ("kernel",),
    "SeparableConv2D": ("depthwise_kernel", "pointwise_kernel"),
}


def layer_macs(model: Any) -> Mapping[str, int]:
    """Return the multiply-accumulates that each layer takes for one picture.

    Each number of a kernel is used once at each place: of the output, or of the input
    where the convolution is transposed. Biases, normalisation and activations are not
    counted, as is usual.

    Args:
        model: As ``channel_groups`` takes it.

    Returns:
        By layer name as ``named_layers`` has it, in the order of the calls; layers
        without kernels are left out.

    Raises:
        ConversionError: The model is no graph of layers, or its input size is open.
    """
    flat = flatten_model(model)
    shapes = {
        place: tuple(variable.shape) for place, variable in _kernels(flat).items()
    }
    return _by_layer(flat, shapes)


def macs_without(
    graph: ChannelGraph, removed: Mapping[str, Sequence[int]]
) -> Mapping[str, int]:
    """Return ``layer_macs`` of the model that ``without_channels`` would make.

    Args:
        graph: Of the model as it is.
        removed: Channels by the name of their group.
    """
    shapes = {
        place: list(variable.shape) for place, variable in _kernels(graph.model).items()
    }
    for group in graph.groups:
        gone = list(removed.get(group.name, ()))
        for slot in group.slots:
            shape = shapes.get((slot.layer, slot.weight))
            if shape is not None:
                shape[slot.axis] -= int(np.isin(slot.members, gone).sum())
    return _by_layer(
        graph.model, {place: tuple(shape) for place, shape in shapes.items()}
    )


def _by_layer(
    model: FlatModel, shapes: Mapping[tuple[str, str], tuple[int, ...]]
) -> Mapping[str, int]:
    found: Counter[str] = Counter()
    for step in model.steps:
        for weight in _KERNELS.get(step.kind, ()):
            found[step.name] += _places(step) * int(np.prod(shapes[step.name, weight]))
    return dict(found)


def _kernels(model: FlatModel) -> Mapping[tuple[str, str], Any]:
    return {
        (step.name, variable.name): variable
        for step in model.steps
        for variable in getattr(step.operation, "weights", ())
        if variable.name in _KERNELS.get(step.kind, ())
    }


def _places(step: Step) -> int:
    """Return how often each number of a kernel is used."""
    is_transposed = step.kind == "Conv2DTranspose"
    tensor = step.inputs[0] if is_transposed else step.output
    return int(np.prod(tensor.picture[:-1]))
