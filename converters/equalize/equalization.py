"""Ranges of coupled channels made alike, without a change of the model's function."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converters.equalize.scales import WEIGHT_SHARE, channel_scales
from converters.graph.flattening import named_layers
from converters.graph.folding import fold_batch_norms
from converters.graph.groups import ChannelGraph, ChannelGroup, Slot, channel_graph
from converters.graph.observing import observe_channels
from converters.graph.stored import stored_tensors
from converters.graph.surgery import scale_group

__all__ = ["EqualizeReport", "equalize"]

_Numbers = NDArray[np.float64]

_SMALLEST = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True, slots=True, kw_only=True)
class EqualizeReport:
    """An equalised model, and what was done.

    Attributes:
        model: Plain Keras, batch norms folded.
        groups: Names of the groups whose channels were scaled.
        spread: How many times wider the widest channel of a group's tensors was than
            the quietest tenth of its channels: the worst of all groups, before.
    """

    model: Any = field(repr=False)
    groups: tuple[str, ...]
    spread: float


def equalize(
    model: Any,
    batches: Iterable[NDArray[np.float32]],
    *,
    share: float = WEIGHT_SHARE,
) -> EqualizeReport:
    """Return a model whose coupled channels have like ranges.

    Channels of a linear group are multiplied where they are made and divided where
    they are read. What is between a convolution and its ReLU6 or swish is left alone:
    there it would be another function.

    Args:
        model: As ``channel_groups`` takes it; left as it is.
        batches: Calibration pictures as the model takes them.
        share: See ``channel_scales``.

    Raises:
        ConversionError: The model's channels cannot be followed.
        ValueError: There are no batches.
    """
    folded = fold_batch_norms(model)
    graph = channel_graph(folded)
    linear = [group for group in graph.groups if group.is_linear]
    reaches = _reaches(graph, linear, batches)
    for group, reach in zip(linear, reaches, strict=True):
        kernels = _reading_kernels(folded, group)
        lively = _with_silent(kernels, reach)
        weight = _reading_weight(kernels, lively)
        scale_group(folded, group, channel_scales(lively, weight, share=share))
    return EqualizeReport(
        model=folded,
        groups=tuple(group.name for group in linear),
        spread=max(map(_spread, reaches), default=1.0),
    )


def _reaches(
    graph: ChannelGraph,
    groups: Sequence[ChannelGroup],
    batches: Iterable[NDArray[np.float32]],
) -> list[_Numbers]:
    """Return the reach of each group's channels, over all tensors that are stored."""
    reaches = {graph.groups.index(group): np.zeros(group.size) for group in groups}
    wanted = [
        tensor
        for tensor in stored_tensors(graph.model)
        if np.isin(graph.tensors[tensor][:, 0], list(reaches)).any()
    ]
    seen = observe_channels(graph.model, wanted, batches)
    for tensor, found in seen.items():
        owners, channels = graph.tensors[tensor].T
        for owner in reaches.keys() & set(owners.tolist()):
            own = owners == owner
            np.maximum.at(reaches[owner], channels[own], found.reach[own])
    return list(reaches.values())


def _reading_weight(
    kernels: Sequence[tuple[Slot, _Numbers]], reach: _Numbers
) -> _Numbers:
    """Return the root mean square of the weights that read each channel, 0 to 1.

    Were all channels of one reach, each weight would be as large as it is times the
    channel's reach now. It counts by its share of the largest of its filter, which sets
    the filter's step.
    """
    squares, counts = np.zeros_like(reach), np.zeros_like(reach)
    for slot, kernel in kernels:
        is_own = slot.members >= 0
        sizes = kernel * np.where(is_own, reach[slot.members], 0.0)[:, None, None]
        largest = sizes.max(axis=(0, 1), keepdims=True)
        shares = np.divide(sizes, largest, out=np.zeros_like(sizes), where=largest > 0)
        means = np.square(shares).mean(axis=(1, 2))
        np.add.at(squares, slot.members[is_own], means[is_own])
        np.add.at(counts, slot.members[is_own], 1)
    weights: _Numbers = np.sqrt(squares / np.maximum(counts, 1))
    return weights


def _with_silent(kernels: Sequence[tuple[Slot, _Numbers]], reach: _Numbers) -> _Numbers:
    """Return the reach, that of silent channels made up.

    A channel that was 0 in all pictures still has weights that read it, and a filter's
    largest weight sets its step: such a channel gets the reach at which they are as
    large as half the others.
    """
    sizes = np.zeros_like(reach)
    for slot, kernel in kernels:
        is_own = slot.members >= 0
        np.maximum.at(sizes, slot.members[is_own], kernel.max(axis=(1, 2))[is_own])
    is_silent = (reach == 0) & (sizes > 0)
    is_alive = (reach > 0) & (sizes > 0)
    if not (is_silent.any() and is_alive.any()):
        return reach
    usual = np.median(sizes[is_alive] * reach[is_alive])
    return np.where(is_silent, usual / np.maximum(sizes, _SMALLEST), reach)


def _reading_kernels(model: Any, group: ChannelGroup) -> list[tuple[Slot, _Numbers]]:
    """Return what reads a group: sizes of weights, (input channel, place, filter)."""
    layers = named_layers(model)
    found = []
    for slot in group.readers:
        if slot.power < 0:
            weights = layers[slot.layer].weights
            kernel = next(one for one in weights if one.name == slot.weight).numpy()
            sizes = np.abs(np.moveaxis(kernel.astype(np.float64), slot.axis, 0))
            found.append((slot, sizes.reshape(len(sizes), -1, sizes.shape[-1])))
    return found


def _spread(reach: _Numbers) -> float:
    """Return how far apart the reaches of a group are."""
    alive = reach[reach > 0]
    return float(alive.max() / np.quantile(alive, 0.1)) if len(alive) else 1.0
