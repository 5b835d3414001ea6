"""A model as a flat list of calls: what each takes, and what comes out of it."""

import inspect
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import keras

from edgeclf.errors import ConversionError

__all__ = ["FlatModel", "Step", "Tensor", "with_training"]


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
        return self.operation(*args, **with_training(self.operation, kwargs, False))

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


def with_training(
    operation: Any, kwargs: dict[str, Any], training: bool | None
) -> dict[str, Any]:
    """Pass on that the model around was called as in training, or as not."""
    parameters = inspect.signature(operation.call).parameters
    if training is None or "training" not in parameters:
        return kwargs
    return {**kwargs, "training": training}
