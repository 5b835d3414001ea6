"""Keras models made flat: their calls in running order, nested models entered."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import keras

from converters.graph.flat_model import FlatModel, Step, Tensor, with_training
from edgeclf.errors import ConversionError

__all__ = ["flatten_model", "named_layers"]


def named_layers(model: Any) -> Mapping[str, Any]:
    """Return the layers of a model and of the models in it, by their names in slots.

    A layer has its own name there; where two nested models have one of the same name,
    the later one's has the model's name before it.

    Raises:
        ConversionError: As ``flatten_model``.
    """
    return flatten_model(model).layers


def flatten_model(model: Any) -> FlatModel:
    """Return the calls that a functional or sequential model makes.

    Args:
        model: A built ``keras.Model``; its layers are shared, not copied.

    Raises:
        ConversionError: It is no graph of layers, or its input size is open.
    """
    function = _function(model, model.name)
    inputs = []
    for tensor in function.inputs:
        if None in tensor.shape[1:]:
            raise ConversionError(
                f"model {model.name!r} leaves its input size open, "
                f"{tuple(tensor.shape)}; build it with a fixed one"
            )
        inputs.append((_history(tensor).operation, Tensor(tuple(tensor.shape))))
    flattener = _Flattener()
    given = [tensor for _, tensor in inputs]
    outputs = flattener.enter(function, given, prefix="", training=None)
    return FlatModel(
        name=model.name,
        inputs=tuple(inputs),
        steps=tuple(flattener.steps),
        outputs=tuple(outputs),
    )


def _function(model: Any, name: str) -> Any:
    """Return the graph of a model.

    Raises:
        ConversionError: It has none: it is code, or was never built.
    """
    if isinstance(model, keras.Sequential):
        model = model._functional  # noqa: SLF001 - Keras offers no other way to it
    if not hasattr(model, "_nodes_by_depth"):
        raise ConversionError(
            f"model {name!r} is not a graph of layers: build it as a functional or "
            "Sequential model with an Input"
        )
    return model


def _history(tensor: Any) -> Any:
    return tensor._keras_history  # noqa: SLF001 - the only link from tensor to layer


@dataclass(slots=True)
class _Flattener:
    steps: list[Step] = field(default_factory=list)
    names: dict[int, str] = field(default_factory=dict)

    def enter(
        self, function: Any, given: list[Tensor], *, prefix: str, training: bool | None
    ) -> list[Tensor]:
        known = {
            id(inner): outer
            for inner, outer in zip(function.inputs, given, strict=True)
        }

        def replaced(leaf: Any) -> Any:
            return known[id(leaf)] if isinstance(leaf, keras.KerasTensor) else leaf

        for node in _nodes(function):
            args, kwargs = keras.tree.map_structure(
                replaced, (node.arguments.args, node.arguments.kwargs)
            )
            kwargs = with_training(node.operation, kwargs, training)
            outputs = self._call(node, args, kwargs, prefix=prefix)
            known |= {
                id(inner): outer
                for inner, outer in zip(node.outputs, outputs, strict=True)
            }
        return [known[id(tensor)] for tensor in function.outputs]

    def _call(
        self, node: Any, args: Any, kwargs: dict[str, Any], *, prefix: str
    ) -> list[Tensor]:
        operation = node.operation
        inputs = [
            leaf
            for leaf in keras.tree.flatten((args, kwargs))
            if isinstance(leaf, Tensor)
        ]
        if isinstance(operation, keras.Model):
            return self.enter(
                _function(operation, operation.name),
                inputs,
                prefix=f"{prefix}{operation.name}_",
                training=kwargs.get("training"),
            )
        outputs = [Tensor(shape) for shape in _shapes(node, args, kwargs, inputs)]
        self.steps.append(
            Step(
                name=self._name(operation, prefix),
                operation=operation,
                args=args,
                kwargs=kwargs,
                inputs=tuple(inputs),
                outputs=tuple(outputs),
            )
        )
        return outputs

    def _name(self, operation: Any, prefix: str) -> str:
        known = self.names.get(id(operation))
        if known is not None:
            return known
        taken = set(self.names.values())
        name, number = operation.name, 1
        while name in taken:
            name = f"{prefix}{operation.name}" + (f"_{number}" if number > 1 else "")
            number += 1
        self.names[id(operation)] = name
        return str(name)


def _nodes(function: Any) -> Iterator[Any]:
    by_depth = function._nodes_by_depth  # noqa: SLF001 - no public order of the calls
    for depth in sorted(by_depth, reverse=True):
        for node in by_depth[depth]:
            if not node.is_input and not _is_input_layer(node):
                yield node


def _is_input_layer(node: Any) -> bool:
    return isinstance(node.operation, keras.layers.InputLayer)


def _shapes(
    node: Any, args: Any, kwargs: dict[str, Any], inputs: list[Tensor]
) -> list[tuple[int | None, ...]]:
    """Return the shapes of a call, worked out anew where its model was built for others."""
    built_for = [tuple(tensor.shape) for tensor in node.input_tensors]
    if [tensor.shape for tensor in inputs] == built_for:
        return [tuple(tensor.shape) for tensor in node.outputs]
    operation = node.operation
    dtypes = iter([tensor.dtype for tensor in node.input_tensors])
    args, kwargs = keras.tree.map_structure(
        lambda leaf: (
            keras.KerasTensor(leaf.shape, next(dtypes))
            if isinstance(leaf, Tensor)
            else leaf
        ),
        (args, kwargs),
    )
    specs = operation.compute_output_spec(*args, **kwargs)
    return [tuple(spec.shape) for spec in keras.tree.flatten(specs)]
