"""Making a smaller Keras model, and moving scale between the layers of one."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import keras
import numpy as np
import numpy.typing as npt

from converters.graph.flat_model import Step, Tensor
from converters.graph.flattening import named_layers
from converters.graph.groups import ChannelGraph, ChannelGroup, Slot, channel_graph
from edgeclf.errors import ConversionError

__all__ = ["scale_group", "without_channels"]

_Keep: TypeAlias = npt.NDArray[np.bool_]
_COUNTS = {
    "Conv2D": ("filters", "kernel", 3),
    "Conv2DTranspose": ("filters", "kernel", 2),
    "Dense": ("units", "kernel", 1),
    "SeparableConv2D": ("filters", "pointwise_kernel", 3),
}
"""What tells a layer how many channels it makes, and the axis that has them."""


def without_channels(model: Any, removed: Mapping[str, Sequence[int]]) -> Any:
    """Return a plain Keras model without some channels.

    Args:
        model: As ``channel_groups`` takes it; it is left as it is.
        removed: Channels, counted from 0, by the name of their group.

    Returns:
        A functional model of Keras's own layers with weights of its own; nested models
        are laid out flat, and layers have the names of ``named_layers``. It is not
        compiled.

    Raises:
        ConversionError: The model cannot be followed, or a group cannot be pruned.
        ValueError: No such group or channel, or all channels of a group.
    """
    graph = channel_graph(model)
    gone = _checked(graph, removed)
    return _Surgeon(graph, gone).operate()


def scale_group(
    model: Any, group: ChannelGroup, scales: npt.NDArray[np.floating[Any]]
) -> None:
    """Multiply a group's channels, in place; the model's function stays as it is.

    Writers are multiplied and readers divided.

    Args:
        model: The model that the group is of.
        group: A linear one.
        scales: Above 0, shape (group.size,).

    Raises:
        ValueError: The group is not linear, or the scales are not as they must be.

    Source:
        Nagel et al. 2019, arXiv:1906.04721, section 4.1.
    """
    factors = np.asarray(scales, dtype=np.float64)
    if not group.is_linear:
        raise ValueError(f"group {group.name!r} is not linear: it cannot be scaled")
    is_usable = np.isfinite(factors) & (factors > 0)
    if factors.shape != (group.size,) or not is_usable.all():
        raise ValueError(f"{group.name!r} takes {group.size} scales above 0")
    layers = named_layers(model)
    for slot in group.slots:
        if slot.power:
            _scale(layers[slot.layer], slot, factors)


def _scale(layer: Any, slot: Slot, scales: npt.NDArray[np.float64]) -> None:
    variable = next(one for one in layer.weights if one.name == slot.weight)
    factors = np.where(slot.members >= 0, scales[slot.members] ** slot.power, 1.0)
    shape = [1] * len(variable.shape)
    shape[slot.axis] = -1
    numbers = np.asarray(variable.numpy(), dtype=np.float64)
    variable.assign(numbers * factors.reshape(shape))


def _checked(
    graph: ChannelGraph, removed: Mapping[str, Sequence[int]]
) -> Mapping[str, set[int]]:
    groups = {group.name: group for group in graph.groups}
    for name in removed:
        if name not in groups:
            raise ValueError(f"no group {name!r}; there are {', '.join(groups)}")
        _check_can_go(groups[name], set(removed[name]))
    return {name: set(channels) for name, channels in removed.items() if channels}


def _check_can_go(group: ChannelGroup, channels: set[int]) -> None:
    if not channels:
        return
    if not group.prunable:
        raise ConversionError(
            f"the channels of {group.name!r} cannot be removed: {group.reason}"
        )
    if not channels < set(range(group.size)):
        raise ValueError(
            f"{group.name!r} has channels 0 to {group.size - 1}, and one must stay"
        )


class _Surgeon:
    """Builds a model anew, call by call."""

    def __init__(self, graph: ChannelGraph, gone: Mapping[str, set[int]]) -> None:
        self._graph = graph
        self._gone = gone
        self._keeps = self._weights_kept()
        self._made: dict[str, Any] = {}

    def operate(self) -> Any:
        flat = self._graph.model
        inputs = [_clone(layer, {}).output for layer, _ in flat.inputs]
        known = {
            tensor: made for (_, tensor), made in zip(flat.inputs, inputs, strict=True)
        }
        for step in flat.steps:
            args, kwargs = keras.tree.map_structure(
                lambda leaf: known[leaf] if isinstance(leaf, Tensor) else leaf,
                (step.args, dict(step.kwargs)),
            )
            known[step.output] = self._layer(step)(*args, **kwargs)
            self._set_weights(step)
        outputs = [known[tensor] for tensor in flat.outputs]
        return keras.Model(_only(inputs), _only(outputs), name=flat.name)

    def _weights_kept(self) -> dict[tuple[str, str, int], _Keep]:
        keeps: dict[tuple[str, str, int], _Keep] = {}
        for group in self._graph.groups:
            gone = list(self._gone.get(group.name, ()))
            for slot in group.slots if gone else ():
                place = (slot.layer, slot.weight, slot.axis)
                stays = ~np.isin(slot.members, gone)
                keeps[place] = keeps.get(place, np.True_) & stays
        return keeps

    def _layer(self, step: Step) -> Any:
        made = self._made.get(step.name)
        changes = self._changes(step)
        if made is None:
            made = self._made[step.name] = _clone(
                step.operation, {"name": step.name, **changes}
            )
        elif step.kind == "Reshape" and changes != self._changes_of(made):
            raise ConversionError(
                f"layer {step.name!r} is called on tensors that would not fit one "
                "shape any more; use a layer of its own for each"
            )
        return made

    def _changes(self, step: Step) -> dict[str, Any]:
        if step.kind == "Reshape":
            return self._reshape(step)
        if step.kind not in _COUNTS:
            return {}
        option, weight, axis = _COUNTS[step.kind]
        keep = self._keeps.get((step.name, weight, axis))
        return {} if keep is None else {option: int(keep.sum())}

    def _reshape(self, step: Step) -> dict[str, Any]:
        kept = sum(
            channel not in self._gone.get(self._graph.groups[number].name, ())
            for number, channel in self._graph.tensors[step.output].tolist()
        )
        shape = (*step.output.picture[:-1], kept)
        if isinstance(step.operation, keras.layers.Layer):
            return {"target_shape": shape}
        return {"newshape": (-1, *shape)}

    def _changes_of(self, made: Any) -> dict[str, Any]:
        config = made.get_config()
        return {
            key: tuple(config[key])
            for key in ("target_shape", "newshape")
            if key in config
        }

    def _set_weights(self, step: Step) -> None:
        made, source = self._made[step.name], step.operation
        weights = getattr(source, "weights", ())
        if not weights:
            return
        made.set_weights([self._kept(step.name, one) for one in weights])
        if hasattr(made, "finalize_state"):  # Normalization works with derived numbers
            made.finalize_state()

    def _kept(self, layer: str, variable: Any) -> npt.NDArray[Any]:
        numbers: npt.NDArray[Any] = np.asarray(variable.numpy())
        for axis in range(numbers.ndim):
            keep = self._keeps.get((layer, variable.name, axis))
            if keep is not None:
                numbers = np.compress(keep, numbers, axis)
        return numbers


def _clone(operation: Any, changes: Mapping[str, Any]) -> Any:
    return type(operation).from_config({**operation.get_config(), **changes})


def _only(tensors: list[Any]) -> Any:
    return tensors[0] if len(tensors) == 1 else tensors
