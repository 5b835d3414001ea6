"""Which layers stay in float: the worst first, no more than the gate asks for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from converters.gate.candidates import Candidate, Candidates
from converters.gate.measuring import Measure
from converters.gate.rungs import Rung, layer_sets, with_float_layers
from converters.gate.stages import Stages
from converters.gate.trials import LayerCost
from converters.quantize import LayerError
from edgeclf.gate_record import GateRecord

__all__ = ["FLOAT_SHARE", "LayerSearch", "Passing", "measured_costs"]

FLOAT_SHARE = 0.05
"""Of the multiply-accumulates, that may stay in float while int8 is still int8."""

Passing = Callable[[GateRecord | None], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerSearch:
    """What a search for layers needs.

    Attributes:
        candidates: Makes and judges them.
        base: The rung without layers in float.
        errors: What each layer loses, worst first.
        passes: Whether a verdict is good enough.
    """

    candidates: Candidates
    base: Rung
    errors: Sequence[LayerError]
    passes: Passing

    def least(self, max_share: float) -> Candidate | None:
        """Return the candidate with the fewest worst layers in float that passes.

        Args:
            max_share: Of the multiply-accumulates, that may be in float.
        """
        sets = layer_sets(self.errors, max_share=max_share)
        if not sets:
            return None
        fails, found = 0, None
        for layers in sets:
            found = self._tried(layers)
            if found is not None:
                break
            fails = len(layers)
        if found is None:
            return None
        passes = len(layers)
        while passes - fails > 1:
            middle = (passes + fails) // 2
            fewer = self._tried(layers[:middle])
            if fewer is None:
                fails = middle
            else:
                found, passes = fewer, middle
        return found

    def _tried(self, layers: Sequence[str]) -> Candidate | None:
        costs = _costs(self.errors, layers)
        candidate = self.candidates.made(
            with_float_layers(self.base, layers),
            layers=costs,
            int8_share=1 - sum(cost.share for cost in costs),
        )
        if candidate is None:
            return None
        record = self.candidates.judged(candidate)
        return candidate if self.passes(record) else None


def measured_costs(
    candidate: Candidate, costs: Sequence[LayerCost], stages: Stages, measure: Measure
) -> tuple[LayerCost, ...]:
    """Return the layers with what each costs in time on this machine.

    Each is taken back into eight bits by itself, and both files run in turns.

    Args:
        candidate: With all of them in float.
        costs: Of its layers.
        stages: Makes artefacts.
        measure: Times them.
    """
    names = [cost.layer for cost in costs]
    measured = []
    for cost in costs:
        others = [name for name in names if name != cost.layer]
        without = stages.artefact(with_float_layers(candidate.rung, others).recipe)
        speed = measure.speedup(candidate.work, without)
        measured.append(replace(cost, ms=round(speed.before_ms - speed.after_ms, 4)))
    return tuple(measured)


def _costs(errors: Sequence[LayerError], layers: Sequence[str]) -> list[LayerCost]:
    total = sum(each.macs for each in errors)
    return [
        LayerCost(layer=each.layer, share=round(each.macs / total, 6), error=each.error)
        for each in errors
        if each.layer in set(layers)
    ]
