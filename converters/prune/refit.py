"""What is left makes up for what goes: each reader's weights, fitted anew."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from converters.graph.flat_model import FlatModel, Step
from converters.graph.flattening import flatten_model
from converters.graph.groups import ChannelGroup
from converters.graph.surgery import without_channels
from converters.prune.moments import Moments

__all__ = ["without_channels_refitted"]

_RIDGE = 1e-3
_Numbers: TypeAlias = npt.NDArray[np.float64]
_Mask: TypeAlias = npt.NDArray[np.bool_]


def without_channels_refitted(
    model: Any,
    groups: Iterable[ChannelGroup],
    removed: Mapping[str, Sequence[int]],
    moments: Mapping[str, Moments],
) -> Any:
    """Return ``without_channels``, with the weights of what read them fitted anew.

    A layer that took in channels which are gone is given the weights with which the
    channels that stay come nearest to what it gave before: linear least squares, drawn
    towards the weights it has. What is missing on average goes into its bias, or into
    the mean of the batch norm after it.

    Args:
        model: As ``without_channels`` takes it.
        groups: Of the model.
        removed: Channels by the name of their group.
        moments: Of ``reader_moments``; layers without stay as they are.

    Source:
        He et al. 2017, arXiv:1707.06168, section 3.1, equation 3; here with all
        channels at once and from the original's own inputs.
    """
    copy = without_channels(model, {})
    flat = flatten_model(copy)
    steps = {step.name: step for step in flat.steps}
    for name, stays in _kept_inputs(groups, removed).items():
        if name in moments and not stays.all():
            _refit(flat, steps[name], stays, moments[name])
    return without_channels(copy, removed)


def _kept_inputs(
    groups: Iterable[ChannelGroup], removed: Mapping[str, Sequence[int]]
) -> Mapping[str, _Mask]:
    """Return which places of each reader's input axis stay, by layer name."""
    kept: dict[str, _Mask] = {}
    for group in groups:
        gone = list(removed.get(group.name, ()))
        for slot in group.readers if gone else ():
            if slot.weight == "kernel":
                stays = ~np.isin(slot.members, gone)
                kept[slot.layer] = kept.get(slot.layer, np.True_) & stays
    return kept


def _refit(flat: FlatModel, step: Step, stays: _Mask, moments: Moments) -> None:
    layer = step.operation
    shape = tuple(layer.kernel.shape)
    kernel = np.asarray(layer.kernel, np.float64).reshape(shape[-2:])
    receiver = layer.bias if layer.use_bias else _mean_after(flat, step)
    centred = moments.covariance
    if receiver is None:
        centred = centred + np.outer(moments.mean, moments.mean)
    kept, gone = np.flatnonzero(stays), np.flatnonzero(~stays)
    change = _regression(centred, kept, gone, moments.count) @ kernel[gone]
    kernel[kept] += change
    if receiver is not None:
        missing = moments.mean[gone] @ kernel[gone] - moments.mean[kept] @ change
        sign = 1 if layer.use_bias else -1
        receiver.assign(np.asarray(receiver) + (sign * missing).astype(np.float32))
    layer.kernel.assign(kernel.reshape(shape).astype(np.float32))


def _regression(
    covariance: _Numbers,
    kept: npt.NDArray[np.intp],
    gone: npt.NDArray[np.intp],
    count: int,
) -> _Numbers:
    """Return how the channels that go are best told from those that stay.

    Drawn towards nothing where there are few places to learn it from.
    """
    own = covariance[np.ix_(kept, kept)]
    shared = covariance[np.ix_(kept, gone)]
    ridge = max(_RIDGE, len(kept) / count) * np.trace(own) / len(kept)
    solved: _Numbers = np.linalg.solve(
        own + (ridge + 1e-12) * np.eye(len(kept)), shared
    )
    return solved


def _mean_after(flat: FlatModel, step: Step) -> Any:
    """Return the mean of the batch norm that alone takes what a call gives."""
    if flat.takers(step.output) != 1:
        return None
    taker = next((s for s in flat.steps if step.output in s.inputs), None)
    is_norm = taker is not None and taker.kind == "BatchNormalization"
    return taker.operation.moving_mean if taker is not None and is_norm else None
