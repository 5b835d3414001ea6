"""What each kind of layer does with its channels, and the table of them all."""

from collections.abc import Mapping

from converters.graph import elementwise, merging, reshaping, weighted
from converters.graph.channels import Channels, Ledger
from converters.graph.flat_model import FlatModel, Step, Tensor
from converters.graph.rule import Rule, Situation
from edgeclf.errors import ConversionError

__all__ = ["follow_channels"]

_RULES: Mapping[str, Rule] = {
    **weighted.RULES,
    **elementwise.RULES,
    **merging.RULES,
    **reshaping.RULES,
}


def follow_channels(model: FlatModel) -> tuple[Ledger, Mapping[Tensor, Channels]]:
    """Return what a model's layers say of their channels, and each tensor's channels.

    Raises:
        ConversionError: A layer cannot be followed; the message names it.
    """
    ledger = Ledger()
    known: dict[Tensor, Channels] = {}
    for layer, tensor in model.inputs:
        known[tensor] = ledger.fresh(tensor.picture[-1], layer.name)
        ledger.fix(known[tensor], "they are the model's input")
    for step in model.steps:
        situation = Situation(
            step=step,
            inputs=tuple(known[tensor] for tensor in step.inputs),
            ledger=ledger,
            model=model,
        )
        channels = _rule(step)(situation)
        known[step.output] = channels
    for tensor in model.outputs:
        ledger.fix(known[tensor], "they are the model's scores")
    return ledger, known


def _rule(step: Step) -> Rule:
    rule = _RULES.get(step.kind)
    if rule is None:
        raise ConversionError(
            f"layer {step.name!r} ({step.kind}) cannot be followed channel by channel; "
            "a model with it cannot be pruned or equalised"
        )
    return rule
