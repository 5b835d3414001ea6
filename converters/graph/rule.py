"""What a rule about channels is given, and how it refuses."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from converters.graph.channels import Channels, Ledger
from converters.graph.flat_model import FlatModel, Step
from edgeclf.errors import ConversionError

__all__ = ["Rule", "Situation"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Situation:
    """A call of a layer, and what is known when the walk comes to it.

    Attributes:
        step: The call.
        inputs: The channels of its input tensors, in order.
        ledger: Where the rule writes what it finds.
        model: The whole model.
    """

    step: Step
    inputs: tuple[Channels, ...]
    ledger: Ledger
    model: FlatModel

    @property
    def layer(self) -> Any:
        """The Keras layer or operation."""
        return self.step.operation

    @property
    def channels(self) -> Channels:
        """The channels of the only input.

        Raises:
            ConversionError: It has another number of them.
        """
        if len(self.inputs) != 1:
            raise self.refusal(f"it takes {len(self.inputs)} tensors")
        return self.inputs[0]

    def refusal(self, reason: str) -> ConversionError:
        """Return the error for a layer that cannot be followed."""
        return ConversionError(
            f"layer {self.step.name!r} ({self.step.kind}) cannot be followed channel "
            f"by channel: {reason}"
        )

    def require_channels_last(self) -> None:
        """Refuse a layer whose channels are not its tensors' last axis.

        Raises:
            ConversionError: They come first.
        """
        if getattr(self.layer, "data_format", "channels_last") == "channels_first":
            raise self.refusal("its channels come first; build it with channels last")


Rule: TypeAlias = Callable[[Situation], Channels]
