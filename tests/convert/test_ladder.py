"""The search for settings: its order, when it stops, and what it refuses."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from converters.gate.precision import PrecisionChoice
from converters.gate.trials import Trial, read_trials, trial_rows, write_trials
from converters.plan import Plan
from converters.quantize import LayerError
from converters.recipe import PassStep, Precision, Recipe, Target
from edgeclf.errors import ConversionError, NoVerdictError, OutOfBoundsError
from edgeclf.gate_record import GateRecord, Verdict
from tests.convert.workshop import recipe, workpiece

if TYPE_CHECKING:
    from converters.gate.search import Found
    from converters.workpiece import Workpiece

pytestmark = pytest.mark.convert

ERRORS = tuple(
    LayerError(layer=name, error=error, macs=macs)
    for name, error, macs in [
        ("stem", 0.5, 10),
        ("head", 0.2, 5),
        ("deep", 0.1, 900),
        ("mid", 0.05, 10),
        ("last", 0.01, 20),
        ("rest", 0.001, 55),
    ]
)


def verdict(kind: Verdict) -> GateRecord:
    value = {"pass": 0.995, "undecided": 0.96, "fail": 0.5}[kind]
    return GateRecord(
        measure="agreement",
        verdict=kind,
        bar=0.96,
        value=value,
        low=value - 0.01,
        high=value + 0.005,
        photos=250,
        clusters=250,
        method="made up",
        more_photos=100 if kind == "undecided" else None,
    )


def quantize(recipe: Recipe) -> dict[str, Any]:
    (step,) = (each for each in recipe.passes if each.name == "quantize")
    return dict(step.options)


def names(recipe: Recipe) -> list[str]:
    return [step.name for step in recipe.passes]


CORRECTED = "int8, mse ranges, rounded by output, bias correction, float scores"


@dataclass
class FakeMeasure:
    """Says what a table says."""

    divergences: Callable[[Recipe], float] = lambda _: 0.1
    verdicts: Callable[[Recipe], Verdict] = lambda _: "pass"
    speed: float = 2.0
    can: bool = True
    judged_recipes: list[Recipe] = field(default_factory=list)

    def divergence(self, work: "Workpiece") -> float:
        return self.divergences(work.recipe)

    def judged(self, work: "Workpiece") -> GateRecord:
        self.judged_recipes.append(work.recipe)
        return verdict(self.verdicts(work.recipe))

    def can_pass(self, _: "Workpiece", /) -> bool:
        return self.can

    def speedup(self, _: "Workpiece", __: "Workpiece", /) -> Any:
        return SimpleNamespace(ratio=self.speed, before_ms=2.5, after_ms=2.0)


class FakeQuantizer:
    """Knows what layers lose."""

    def __call__(self, _: "Workpiece", __: Any, /) -> bytes:
        raise NotImplementedError

    def layer_errors(self, _: "Workpiece", __: Any, /) -> tuple[LayerError, ...]:
        return ERRORS


def plan(
    *precisions: Precision,
    target: Target = "tflite",
    basis: Any = "unverified",
    trains: bool = False,
    **fields: Any,
) -> Plan:
    recipes = [replace(recipe(target, each), **fields) for each in precisions]
    choice = PrecisionChoice(candidates=precisions, basis=basis)
    return Plan(recipes=tuple(recipes), climbs=True, precision=choice, trains=trains)


@dataclass
class Search:
    """A search with everything made up but the order of things."""

    folder: Path
    runs: list[str] = field(default_factory=list)
    trials: Sequence[Trial] = ()
    refuses: Callable[[Recipe, PassStep], bool] = lambda *_: False

    def run(self, work: "Workpiece", step: PassStep) -> "Workpiece":
        self.runs.append(step.name)
        if self.refuses(work.recipe, step):
            raise ConversionError("the converter refuses tiny")
        return work

    def tried(self, trials: Sequence[Trial]) -> None:
        self.trials = tuple(trials)

    def __call__(self, wanted: Plan, measure: FakeMeasure) -> "Found":
        from converters.gate.search import search

        return search(
            workpiece(self.folder, wanted.first),
            wanted,
            self.run,
            tried=self.tried,
            measure=measure,
            quantizer=FakeQuantizer,
        )

    @property
    def chosen(self) -> str:
        (name,) = (trial.name for trial in self.trials if trial.is_chosen)
        return name


@pytest.fixture
def search(tmp_path: Path) -> Search:
    return Search(tmp_path)


def test_what_costs_the_board_nothing_is_compared_and_only_the_best_is_judged(
    search: Search,
) -> None:
    def divergence(one: Recipe) -> float:
        closer = 0.5 if quantize(one)["ranges"] == "percentile" else 1.0
        return closer * (0.5 if quantize(one)["bias_correction"] else 1.0)

    measure = FakeMeasure(divergences=divergence)

    found = search(plan("int8"), measure)

    assert quantize(found.work.recipe)["ranges"] == "percentile"
    assert quantize(found.work.recipe)["bias_correction"]
    assert "equalize" not in names(found.work.recipe)
    assert search.chosen == (
        "int8, percentile ranges, rounded by output, bias correction, float scores"
    )
    assert [trial.name for trial in search.trials[:4]] == [
        "int8, plain",
        CORRECTED,
        CORRECTED.replace("int8", "int8, equalised"),
        CORRECTED.replace("mse ranges, ", ""),
    ]
    assert measure.judged_recipes == [found.work.recipe]


def test_a_close_file_ends_the_search(search: Search) -> None:
    search(
        plan("int8"),
        FakeMeasure(
            divergences=lambda one: 0.004 if quantize(one)["bias_correction"] else 0.02
        ),
    )

    assert [trial.name for trial in search.trials] == ["int8, plain", CORRECTED]
    assert search.chosen == CORRECTED


def test_a_close_file_that_does_not_pass_sends_the_search_on(search: Search) -> None:
    def divergence(one: Recipe) -> float:
        equalised = "equalize" in names(one)
        return 0.001 if equalised else 0.004 if quantize(one)["bias_correction"] else 1

    def equalised(one: Recipe) -> Verdict:
        return "pass" if "equalize" in names(one) else "fail"

    measure = FakeMeasure(divergences=divergence, verdicts=equalised)

    search(plan("int8"), measure)

    assert search.chosen == CORRECTED.replace("int8", "int8, equalised")
    assert len(measure.judged_recipes) == 2
    assert not any(trial.float_layers for trial in search.trials)


def test_equal_measures_keep_the_plain_settings(search: Search) -> None:
    search(plan("int8"), FakeMeasure())

    assert search.chosen == "int8, plain"


def test_recipes_share_the_passes_that_they_have_in_common(search: Search) -> None:
    search(plan("int8"), FakeMeasure())

    assert search.runs.count("export") == 2  # the second of the equalised model
    assert search.runs.count("quantize") == len(search.trials)


@pytest.mark.parametrize(
    ("needed", "trials"), [(1, [1]), (2, [1, 2]), (4, [1, 2, 4, 3])]
)
def test_the_fewest_worst_layers_stay_in_float_and_the_largest_is_passed_over(
    needed: int, trials: list[int], search: Search
) -> None:
    def enough(one: Recipe) -> Verdict:
        return "pass" if len(quantize(one)["float_layers"]) >= needed else "fail"

    found = search(plan("int8"), FakeMeasure(verdicts=enough))

    layers = quantize(found.work.recipe)["float_layers"]
    assert layers == ["stem", "head", "mid", "last"][:needed]
    (chosen,) = (trial for trial in search.trials if trial.is_chosen)
    assert chosen.int8_share is not None
    assert chosen.int8_share >= 0.95
    assert [len(t.float_layers) for t in search.trials if t.float_layers] == trials
    assert all(cost.ms == 0.5 for cost in chosen.float_layers)


def test_when_int8_fails_the_smaller_float_is_taken(search: Search) -> None:
    def floats(one: Recipe) -> Verdict:
        return "fail" if one.precision == "int8" else "pass"

    found = search(plan("int8", "fp16", "fp32"), FakeMeasure(verdicts=floats))

    assert found.work.recipe.precision == "fp16"
    assert found.work.calibration is None
    assert any("int8 was tried" in note for note in found.notes)


def test_when_all_fail_nothing_is_made_and_all_of_it_is_told(search: Search) -> None:
    failing = FakeMeasure(verdicts=lambda _: "fail")

    with pytest.raises(OutOfBoundsError, match=r"below the gate: \d+ recipes tried"):
        search(plan("int8", "fp16", "fp32"), failing)

    assert {trial.precision for trial in search.trials} == {"int8", "fp16", "fp32"}
    assert not any(trial.is_chosen for trial in search.trials)


def test_asked_for_int8_nothing_else_is_tried(search: Search) -> None:
    with pytest.raises(OutOfBoundsError):
        search(plan("int8"), FakeMeasure(verdicts=lambda _: "fail"))

    assert {trial.precision for trial in search.trials} == {"int8"}


def test_undecided_int8_is_not_passed_over_for_a_float(search: Search) -> None:
    undecided = FakeMeasure(verdicts=lambda _: "undecided")

    with pytest.raises(NoVerdictError, match="about 100 more photos"):
        search(plan("int8", "fp16", "fp32"), undecided)

    assert {trial.precision for trial in search.trials} == {"int8"}


def test_where_no_photos_could_decide_no_layers_are_tried(search: Search) -> None:
    few = FakeMeasure(verdicts=lambda _: "undecided", can=False)

    with pytest.raises(NoVerdictError):
        search(plan("int8"), few)

    assert not any(trial.float_layers for trial in search.trials)


def test_undecided_and_accepted_is_taken_at_once(search: Search) -> None:
    undecided = FakeMeasure(verdicts=lambda _: "undecided")

    search(plan("int8", "fp32", accept_undecided=True), undecided)

    assert search.chosen == "int8, plain"


def test_a_setting_that_the_converter_refuses_is_a_row_and_no_end(
    search: Search,
) -> None:
    search.refuses = lambda one, step: (
        step.name == "quantize" and quantize(one)["ranges"] == "min-max"
    )

    search(plan("int8"), FakeMeasure())

    assert search.chosen == CORRECTED
    assert search.trials[0].refused == "refused: the converter refuses tiny"


def test_a_model_that_nothing_can_be_made_of_gives_the_converters_own_reason(
    search: Search,
) -> None:
    search.refuses = lambda *_: True

    with pytest.raises(ConversionError, match="the converter refuses tiny"):
        search(plan("int8", "fp16", "fp32"), FakeMeasure())


def test_training_is_tried_last_and_only_when_it_was_asked_for(search: Search) -> None:
    def trained(one: Recipe) -> Verdict:
        return "pass" if "aware" in names(one) else "fail"

    search(plan("int8", trains=True), FakeMeasure(verdicts=trained))

    assert search.trials[-1].is_chosen
    assert search.chosen == "int8, trained with rounding"


def test_the_targets_own_clock_takes_the_float_when_int8_is_slower(
    search: Search,
) -> None:
    slow = FakeMeasure(speed=0.8)

    found = search(plan("int8", "fp16", "fp32", basis="measured"), slow)

    assert found.work.recipe.precision == "fp16"
    assert any("slower: 0.80" in (trial.refused or "") for trial in search.trials)


@pytest.mark.parametrize("basis", ["unverified", "published"])
def test_another_machines_clock_chooses_nothing(basis: str, search: Search) -> None:
    slow = FakeMeasure(speed=0.8)

    found = search(plan("int8", "fp16", "fp32", basis=basis), slow)

    assert found.work.recipe.precision == "int8"
    assert any("0.80 times as fast as the best float here" in n for n in found.notes)


def test_int8_that_is_hardly_faster_on_its_target_is_warned_of(search: Search) -> None:
    hardly = FakeMeasure(speed=1.05)

    found = search(plan("int8", "fp16", "fp32", basis="measured"), hardly)

    assert found.work.recipe.precision == "int8"
    assert any("only 1.05 times as fast" in note for note in found.notes)


def test_the_table_survives_a_crash_of_the_process(
    search: Search, tmp_path: Path
) -> None:
    search(plan("int8"), FakeMeasure())

    write_trials(tmp_path, search.trials)

    assert read_trials(tmp_path) == search.trials
    assert read_trials(tmp_path / "none") == ()


def test_the_table_marks_what_was_chosen(search: Search) -> None:
    search(plan("int8"), FakeMeasure())

    head, first, *_ = trial_rows(search.trials)

    assert "verdict" in head
    assert first.startswith("*  int8, plain")
    assert "pass: agreement 99.5% (98.5% to 100.0%)" in first


@pytest.mark.parametrize("target", ["tflite", "onnx"])
def test_on_a_real_model_a_layer_stays_in_float_and_its_cost_is_measured(
    target: Target, tmp_path: Path
) -> None:
    from converters.gate.measuring import EngineMeasure
    from converters.gate.search import search
    from converters.passes import run_pass

    class Strict(EngineMeasure):
        """Nothing passes that has not a layer in float."""

        def judged(self, work: "Workpiece", /) -> GateRecord | None:
            record = super().judged(work)
            assert record is not None
            layers = quantize(work.recipe)["float_layers"]
            return record if layers else verdict("fail")

    wanted = plan("int8", target=target)
    tables: list[Sequence[Trial]] = []

    found = search(
        workpiece(tmp_path, wanted.first),
        wanted,
        run_pass,
        tried=lambda trials: tables.append(tuple(trials)),
        measure=Strict(),
    )

    (chosen,) = (trial for trial in tables[-1] if trial.is_chosen)
    (cost,) = chosen.float_layers
    assert quantize(found.work.recipe)["float_layers"] == [cost.layer]
    assert cost.ms is not None
    assert chosen.int8_share == pytest.approx(1 - cost.share)
