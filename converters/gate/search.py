"""The recipe of a plan that is taken: the first that passes and is fast enough."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from converters.gate.candidates import Candidate
from converters.gate.float_layers import FLOAT_SHARE
from converters.gate.ladder import Ladder
from converters.gate.measuring import EngineMeasure, Measure
from converters.gate.outcome import refusal
from converters.gate.precision import LEAST_SPEEDUP, PrecisionChoice, speed_words
from converters.gate.stages import RunPass, Stages
from converters.gate.trials import Trial, TrialTable
from converters.plan import Plan
from converters.quantize import Quantizer, open_quantizer
from converters.recipe import Recipe
from converters.workpiece import Workpiece
from edgeclf.errors import OutOfBoundsError

__all__ = ["Found", "search"]

_MOST_FLOAT = 0.25
"""Of the multiply-accumulates in float, where the clock of the board has the last word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a search ended with.

    Attributes:
        work: With its artefact; its recipe is the one that was found.
        notes: What the user must know of the choice.
    """

    work: Workpiece
    notes: tuple[str, ...]


def search(
    work: Workpiece,
    plan: Plan,
    run: RunPass,
    *,
    tried: Callable[[Sequence[Trial]], None],
    measure: Measure | None = None,
    quantizer: Callable[[], Quantizer] | None = None,
) -> Found:
    """Return the first recipe of a plan that passes the gate.

    Args:
        work: As it was opened.
        plan: What to try.
        run: Does a pass.
        tried: Called with the table whenever it grows.
        measure: In place of this machine's engine.
        quantizer: In place of the target's.

    Raises:
        OutOfBoundsError: None passes.
        NoVerdictError: The photos cannot tell, and that is not accepted.
        ConversionError: No file could be made at all.
    """
    stages = Stages(work, run)
    measure = measure or EngineMeasure()
    table = TrialTable(tried)
    ladder = Ladder(
        stages=stages,
        measure=measure,
        quantizer=quantizer or (lambda: open_quantizer(plan.first.target)),
        table=table,
        trains=plan.trains,
        float_share=_float_share(plan.precision),
    )
    for recipe in plan.recipes:
        climbs = plan.climbs and recipe.precision == "int8"
        found = ladder.climb(recipe) if climbs else ladder.settle(recipe)
        if found is None:
            continue
        notes = _Speeds(plan, stages, measure, table).notes(found)
        if notes is not None:
            return Found(work=found.work, notes=notes)
    raise OutOfBoundsError(_failure(table.rows, work.source.name))


@dataclass(frozen=True, slots=True)
class _Speeds:
    """Whether a found int8 recipe is worth it."""

    plan: Plan
    stages: Stages
    measure: Measure
    table: TrialTable

    def notes(self, found: Candidate) -> tuple[str, ...] | None:
        """Return what is to be said of its speed; ``None`` when the board is slower."""
        floats = [each for each in self.plan.recipes if each.precision != "int8"]
        if found.work.recipe.precision != "int8":
            return self._of_float()
        if not floats:
            return ()
        speedup = min(self._speedup(each, found.work) for each in floats)
        if self.plan.precision.basis != "measured":
            return (f"int8 is {speedup:.2f} times as fast as the best float here",)
        if speedup >= 1:
            return (speed_words(speedup, where="on this machine, which is the target"),)
        self.table.change(
            found.row,
            is_chosen=False,
            refused=f"slower: {speedup:.2f} times as fast as the best float",
        )
        return None

    def _speedup(self, recipe: Recipe, found: Workpiece) -> float:
        return self.measure.speedup(self.stages.artefact(recipe), found).ratio

    def _of_float(self) -> tuple[str, ...]:
        if self.plan.first.precision != "int8":
            return ()
        return ("int8 was tried and is not what you get: see the table",)


def _float_share(choice: PrecisionChoice) -> float:
    """Return how much may be in float before int8 is not worth its errors.

    With a share s in float and the rest r times as fast, all of it is
    1 / (s + (1 - s) / r) times as fast (Amdahl 1967).
    """
    if choice.basis == "measured":
        return _MOST_FLOAT
    if choice.ratio is None or choice.ratio.median <= LEAST_SPEEDUP:
        return FLOAT_SHARE
    rest = 1 / choice.ratio.median
    return max(FLOAT_SHARE, (1 / LEAST_SPEEDUP - rest) / (1 - rest))


def _failure(trials: Sequence[Trial], name: str) -> str:
    count = len(trials)
    best = [trial.gate for trial in trials if trial.gate is not None]
    tried = f"{count} recipe{'s' if count != 1 else ''} tried, none passed"
    if not best:
        return f"below the gate: {tried}; no bundle was written"
    return f"below the gate: {tried}; the first: {refusal(best[0], name)}; no bundle was written"
