"""The search: settings are tried cheapest first, until one passes the gate.

What costs the board nothing (ranges, corrected biases, equalised weights) is compared
by divergence on the photos that calibrated, until it is close, and the best is judged
on other photos. If that does not pass, the rest of what is free is tried, then what
costs time: layers in float, then all of it.
"""

from collections.abc import Callable
from dataclasses import dataclass

from converters.gate.candidates import Candidate, Candidates
from converters.gate.float_layers import FLOAT_SHARE, LayerSearch, measured_costs
from converters.gate.measuring import Measure
from converters.gate.outcome import accepted_or_refused, is_accepted
from converters.gate.rungs import Rung, free_steps, plain, with_training
from converters.gate.stages import Stages
from converters.gate.trials import TrialTable
from converters.quantize import Quantizer
from converters.recipe import Recipe
from edgeclf.errors import OutOfBoundsError

__all__ = ["Ladder"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """Looks for recipes that pass the gate.

    Attributes:
        stages: Makes artefacts.
        measure: Measures them.
        quantizer: Of the target; tells what layers lose.
        table: Of what was tried.
        trains: Whether training with int8 in mind may be tried last.
        float_share: Of the multiply-accumulates, above which int8 does not pay.
    """

    stages: Stages
    measure: Measure
    quantizer: Callable[[], Quantizer]
    table: TrialTable
    trains: bool = False
    float_share: float = FLOAT_SHARE

    def climb(self, recipe: Recipe) -> Candidate | None:
        """Return the int8 candidate that passes, or ``None`` when all fail.

        Args:
            recipe: A shipped one of int8.

        Raises:
            NoVerdictError: The photos cannot tell, and that is not accepted.
        """
        candidates = Candidates(self.stages, self.measure, self.table)
        free = _Free(candidates, recipe)
        best = free.best(until=candidates.is_close)
        if best is None:
            self._raise_if_nothing_was_made(candidates)
            return None
        record = candidates.judged(best)
        if not is_accepted(record, recipe):
            closer = free.best() or best
            if closer is not best:
                best, record = closer, candidates.judged(closer)
        if is_accepted(record, recipe):
            return self._chosen(best)
        found = None
        if recipe.accept_undecided or self.measure.can_pass(best.work):
            found = self._in_float(candidates, best) or self._trained(candidates, best)
        if found is not None:
            return self._chosen(found)
        if record is None or record.verdict == "undecided":
            accepted_or_refused(record, recipe, name=best.work.source.name)
        return None

    def settle(self, recipe: Recipe) -> Candidate | None:
        """Return the candidate of a recipe with nothing to search for, if it passes."""
        candidates = Candidates(self.stages, self.measure, self.table)
        candidate = candidates.made(Rung(recipe=recipe))
        if candidate is None:
            self._raise_if_nothing_was_made(candidates)
            return None
        try:
            record = candidates.judged(candidate)
        except OutOfBoundsError as error:
            self.table.change(candidate.row, refused=str(error))
            return None
        if not is_accepted(record, recipe):
            if record is None or record.verdict == "undecided":
                accepted_or_refused(record, recipe, name=candidate.work.source.name)
            return None
        return self._chosen(candidate)

    def _in_float(self, candidates: Candidates, best: Candidate) -> Candidate | None:
        recipe = best.rung.recipe
        (step,) = (s for s in recipe.passes if s.name == "quantize")
        errors = self.quantizer().layer_errors(best.work, recipe.step_options(step))
        search = LayerSearch(
            candidates=candidates,
            base=best.rung,
            errors=errors,
            passes=lambda record: is_accepted(record, recipe),
        )
        found = None
        for share in sorted({min(FLOAT_SHARE, self.float_share), self.float_share}):
            found = search.least(share)
            if found is not None:
                break
        if found is None:
            return None
        costs = self.table.rows[found.row].float_layers
        measured = measured_costs(found, costs, self.stages, self.measure)
        self.table.change(found.row, float_layers=measured)
        return found

    def _trained(self, candidates: Candidates, best: Candidate) -> Candidate | None:
        if not self.trains:
            return None
        candidate = candidates.made(with_training(best.rung.recipe), int8_share=1.0)
        if candidate is None:
            return None
        record = candidates.judged(candidate)
        return candidate if is_accepted(record, best.rung.recipe) else None

    def _chosen(self, candidate: Candidate) -> Candidate:
        self.table.change(candidate.row, is_chosen=True)
        return candidate

    def _raise_if_nothing_was_made(self, candidates: Candidates) -> None:
        """Let the one reason speak for itself when no file at all could be made."""
        is_empty = all(trial.model_bytes is None for trial in self.table.rows)
        if is_empty and candidates.error is not None:
            raise candidates.error


class _Free:
    """The rungs that cost the board nothing, tried as far as one asks.

    Args:
        candidates: Makes and compares them.
        recipe: What they are changes of.
    """

    def __init__(self, candidates: Candidates, recipe: Recipe) -> None:
        self._candidates = candidates
        self._recipe = recipe
        self._steps = free_steps(recipe)
        self._best = candidates.closest([plain(recipe)], None)

    def best(
        self, *, until: Callable[[Candidate], bool] = lambda _: False
    ) -> Candidate | None:
        """Return the closest so far, after trying more until it is good enough."""
        for step in self._steps:
            start = self._best.rung.recipe if self._best else self._recipe
            self._best = self._candidates.closest(step(start), self._best)
            if self._best is not None and until(self._best):
                break
        return self._best
