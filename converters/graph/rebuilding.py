"""Making a Keras model anew from its calls, some of them done otherwise."""

from collections.abc import Callable
from typing import Any, TypeAlias

import keras

from converters.graph.flat_model import FlatModel, Step, Tensor

__all__ = ["Arguments", "Caller", "Copies", "rebuilt"]

Arguments: TypeAlias = tuple[tuple[Any, ...], dict[str, Any]]
"""Positional and keyword arguments of a call, with Keras's tensors in them."""

Caller: TypeAlias = Callable[[Step, Arguments], Any]
"""Makes a call: takes it and its arguments, returns the tensor that comes out."""


class Copies:
    """Makes each call of a model with a copy of its layer, one copy a layer.

    Called with a step and its arguments, it returns what the copy gives; weights are
    copied with the layer.
    """

    def __init__(self) -> None:
        self._made: dict[str, Any] = {}

    def __call__(self, step: Step, arguments: Arguments) -> Any:
        """Return what a copy of the step's layer gives."""
        args, kwargs = arguments
        is_new = step.name not in self._made
        output = self.layer(step)(*args, **kwargs)
        if is_new:
            _copy_weights(step.operation, self._made[step.name])
        return output

    def layer(self, step: Step) -> Any:
        """Return the copy of the step's layer; a new one has no weights yet."""
        if step.name not in self._made:
            config = {**step.operation.get_config(), "name": step.name}
            self._made[step.name] = type(step.operation).from_config(config)
        return self._made[step.name]


def rebuilt(flat: FlatModel, call: Caller) -> Any:
    """Return a functional model that makes a model's calls in their order.

    Args:
        flat: The model.
        call: Makes each call. It may return a tensor that it was given, and so leave a
            call out.
    """
    inputs = [
        type(layer).from_config(layer.get_config()).output for layer, _ in flat.inputs
    ]
    known = {
        tensor: made for (_, tensor), made in zip(flat.inputs, inputs, strict=True)
    }
    for step in flat.steps:
        arguments = keras.tree.map_structure(
            lambda leaf: known[leaf] if isinstance(leaf, Tensor) else leaf,
            (step.args, dict(step.kwargs)),
        )
        known[step.output] = call(step, arguments)
    outputs = [known[tensor] for tensor in flat.outputs]
    return keras.Model(_only(inputs), _only(outputs), name=flat.name)


def _copy_weights(source: Any, made: Any) -> None:
    if not getattr(source, "weights", ()):
        return
    made.set_weights(source.get_weights())
    if hasattr(made, "finalize_state"):  # Normalization works with derived numbers
        made.finalize_state()


def _only(tensors: list[Any]) -> Any:
    return tensors[0] if len(tensors) == 1 else tensors
