"""Multiply-accumulates: of a model as it is, and of one with fewer channels."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from converters.graph.flat_model import FlatModel, Step
from converters.graph.flattening import flatten_model
from converters.graph.groups import ChannelGroup

__all__ = ["KernelCost", "kernel_costs", "layer_macs", "macs_without"]

_KERNELS: Mapping[str, Sequence[str]] = {
    "Conv2D": ("kernel",),
    "Conv2DTranspose": ("kernel",),
    "Dense": ("kernel",),
    "DepthwiseConv2D": ("kernel",),
    "SeparableConv2D": ("depthwise_kernel", "pointwise_kernel"),
}


_NO_CUTS: Mapping[int, int] = MappingProxyType({})


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
    return _by_layer(kernel_costs(model))


def macs_without(
    model: Any, groups: Iterable[ChannelGroup], removed: Mapping[str, Sequence[int]]
) -> Mapping[str, int]:
    """Return ``layer_macs`` of the model that ``without_channels`` would make.

    Args:
        model: As it is.
        groups: Its groups.
        removed: Channels by the name of their group.

    Raises:
        ConversionError: As ``layer_macs``.
    """
    costs = kernel_costs(model)
    for group in groups:
        gone = list(removed.get(group.name, ()))
        for slot in group.slots if gone else ():
            cost = costs.get((slot.layer, slot.weight))
            if cost is not None:
                cost.shape[slot.axis] -= int(np.isin(slot.members, gone).sum())
    return _by_layer(costs)


@dataclass(slots=True)
class KernelCost:
    """What one kernel takes while its axes are cut.

    Attributes:
        shape: Of the kernel, by now.
        places: How often each of its numbers is used for one picture.
    """

    shape: list[int]
    places: int

    def macs(self, cuts: Mapping[int, int] = _NO_CUTS) -> int:
        """Return its multiply-accumulates.

        Args:
            cuts: How much shorter an axis would be, by axis.
        """
        lengths = (length - cuts.get(axis, 0) for axis, length in enumerate(self.shape))
        return self.places * math.prod(lengths)


def kernel_costs(model: Any) -> Mapping[tuple[str, str], KernelCost]:
    """Return what each kernel takes, by layer and weight.

    Raises:
        ConversionError: As ``layer_macs``.
    """
    flat = flatten_model(model)
    places: Counter[str] = Counter()
    for step in flat.steps:
        places[step.name] += _places(step) if step.kind in _KERNELS else 0
    return {
        (layer, weight): KernelCost(shape=list(one.shape), places=places[layer])
        for (layer, weight), one in _kernels(flat).items()
    }


def _by_layer(costs: Mapping[tuple[str, str], KernelCost]) -> Mapping[str, int]:
    found: Counter[str] = Counter()
    for (layer, _), cost in costs.items():
        found[layer] += cost.macs()
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
