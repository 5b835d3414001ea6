"""A Keras model as a flat list of calls, nested models entered."""

import inspect
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import keras

from edgeclf.errors import ConversionError

__all__ = ["FlatModel", "Step", "Tensor", "flatten_model", "named_layers"]


@dataclass(frozen=True, slots=True, eq=False)
class Tensor:
    """What flows between two calls; two of them are never equal.

    Attributes:
        shape: The batch first; fixed but for the batch.
    """

    shape: tuple[int | None, ...]

    @property
    def picture(self) -> tuple[int, ...]:
        """Its shape without the batch."""
        return tuple(int(side or 0) for side in self.shape[1:])


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Step:
    """One call of one layer or operation.

    Attributes:
        name: Of the layer; unique in the flat model, the same in each of its calls.
        operation: The Keras layer or operation.
        args: As it was called, with a ``Tensor`` for each tensor.
        kwargs: The same.
        inputs: The tensors among the arguments, in order.
        outputs: What comes out.
    """

    name: str
    operation: Any
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]

    @property
    def kind(self) -> str:
        """The class's name when it is one of Keras's own; else with its module."""
        cls = type(self.operation)
        is_own = cls.__module__.partition(".")[0] == "keras"
        return cls.__name__ if is_own else f"{cls.__module__}.{cls.__name__}"

    def call(self, known: Mapping[Tensor, Any]) -> Any:
        """Return what comes out in inference.

        Args:
            known: A value for each of ``inputs``.
        """
        args, kwargs = keras.tree.map_structure(
            lambda leaf: known[leaf] if isinstance(leaf, Tensor) else leaf,
            (self.args, dict(self.kwargs)),
        )
        return self.operation(*args, **_with_training(self.operation, kwargs, False))

    @property
    def output(self) -> Tensor:
        """The only tensor that comes out.

        Raises:
            ConversionError: There are several.
        """
        if len(self.outputs) != 1:
            raise ConversionError(
                f"layer {self.name!r} ({self.kind}) gives {len(self.outputs)} tensors; "
                "channels are followed through layers that give one"
            )
        return self.outputs[0]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class FlatModel:
    """All calls of a model in an order in which they can be made.

    Attributes:
        name: Of the model.
        inputs: Each input layer and what it gives.
        steps: The calls.
        outputs: What the model gives.
    """

    name: str
    inputs: tuple[tuple[Any, Tensor], ...]
    steps: tuple[Step, ...]
    outputs: tuple[Tensor, ...]
    _makers: dict[Tensor, Step] = field(init=False, repr=False)
    _takers: Counter[Tensor] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        makers = {made: step for step in self.steps for made in step.outputs}
        takers = Counter(taken for step in self.steps for taken in step.inputs)
        takers.update(self.outputs)
        object.__setattr__(self, "_makers", makers)  # frozen for everybody else
        object.__setattr__(self, "_takers", takers)

    def maker(self, tensor: Tensor) -> Step | None:
        """Return the call that a tensor comes from; ``None`` for an input."""
        return self._makers.get(tensor)

    def takers(self, tensor: Tensor) -> int:
        """Return how many calls take a tensor; the end of the model counts as one."""
        return self._takers[tensor]

    @property
    def layers(self) -> Mapping[str, Any]:
        """Every layer and operation by the name it has in the steps."""
        return {step.name: step.operation for step in self.steps}


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
            kwargs = _with_training(node.operation, kwargs, training)
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


def _with_training(
    operation: Any, kwargs: dict[str, Any], training: bool | None
) -> dict[str, Any]:
    """Pass on that the model around was called as in training, or as not."""
    parameters = inspect.signature(operation.call).parameters
    if training is None or "training" not in parameters:
        return kwargs
    return {**kwargs, "training": training}


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
