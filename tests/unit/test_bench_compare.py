"""Comparing runs: what is refused, and what an interval tells."""

import json
from pathlib import Path
from typing import Any

import pytest

from edgeclf.bench.blocks import DurationBlocks
from edgeclf.bench.comparable import ACROSS, refusals
from edgeclf.bench.comparison import Difference, compare
from edgeclf.bench.stored import StoredReport, read_report
from edgeclf.errors import InputFileError
from tests.reports import made_up_report


def stored(folder: Path, name: str = "a", **changes: Any) -> StoredReport:
    path = folder / f"{name}.json"
    path.write_text(json.dumps(made_up_report(**changes)))
    return read_report(path)


def differences(**changes: Any) -> dict[tuple[str, str], Difference]:
    one, two = (
        DurationBlocks.from_dict(made_up_report(seed=seed, **extra)["blocks"])
        for seed, extra in ((1, {}), (2, changes))
    )
    return {(each.stage, each.statistic): each for each in compare(one, two)}


def only_total(blocks: dict[str, Any]) -> DurationBlocks:
    stages = DurationBlocks.from_dict(blocks).stages
    return DurationBlocks(block_s=1, stages={"total": stages["total"]})


def test_a_run_that_is_slower_is_found_so() -> None:
    found = differences(median_ms=21.0)

    for key in (("total", "p50"), ("invoke", "p50"), ("total", "p95")):
        assert found[key].is_clear
        assert found[key].finding == "slower"
        assert found[key].low_ms < found[key].difference_ms < found[key].high_ms
    assert found["total", "p50"].difference_ms == pytest.approx(1.0, abs=0.3)


def test_a_run_is_no_different_from_itself() -> None:
    blocks = DurationBlocks.from_dict(made_up_report()["blocks"])

    for each in compare(blocks, blocks):
        assert each.difference_ms == 0
        assert each.low_ms < 0 < each.high_ms
        assert not each.is_clear


def test_nothing_is_found_between_most_runs_that_are_alike() -> None:
    first, *others = (
        made_up_report(seconds=30, seed=seed)["blocks"] for seed in range(1, 22)
    )

    clear = [
        each
        for other in others
        for each in compare(only_total(first), only_total(other))
        if each.statistic == "p50" and each.is_clear
    ]

    assert len(clear) <= 5  # 1 of 20 is expected; frames drawn singly find 10 or more


def test_a_cell_is_not_taken_for_a_difference() -> None:
    one, two = (
        DurationBlocks(block_s=1, stages={"total": ({edge: 30},) * 30})
        for edge in (2**20 - 1, 2**20 + 2**12 - 1)  # two cells, side by side
    )

    [p50, _] = compare(one, two)

    assert p50.difference_ms > 0
    assert p50.finding == "unclear"


def test_the_interval_is_the_same_each_time() -> None:
    assert differences() == differences()


def test_a_tail_with_too_few_durations_is_left_out() -> None:
    found = differences(seconds=25, median_ms=200.0)

    assert ("total", "p50") in found
    assert ("total", "p95") not in found


def test_a_stage_that_one_run_lacks_is_left_out() -> None:
    one = DurationBlocks(block_s=1, stages={"total": ({5: 1},), "invoke": ({3: 1},)})
    two = DurationBlocks(block_s=1, stages={"total": ({5: 1},), "head": ({}, {})})

    assert {each.stage for each in compare(one, two)} == {"total"}


def test_runs_of_the_same_thing_are_comparable(tmp_path: Path) -> None:
    reports = [stored(tmp_path, "a"), stored(tmp_path, "b", seed=2)]

    assert refusals(reports) == ()


CHANGES: dict[str, dict[str, Any]] = {
    "engine": {"engine__engine": "onnx"},
    "version": {"engine__version": "2.2.0"},
    "threads": {"engine__threads": 1},
    "edgeclf": {"edgeclf_version": "0.2.0"},
    "model": {"model__digest": "0" * 64},
    "preprocessing": {"preprocess": "0" * 64},
    "source": {"source": "v4l2:/dev/video0"},
    "machine": {"machine__cpu": "Cortex-A72"},
    "system": {"machine__kernel": "6.12.1"},
    "governor": {"machine__governor": "performance"},
    "profile": {"profile": "generic-cpu"},
}


def test_every_difference_that_can_be_named_is_tried() -> None:
    assert set(CHANGES) == set(ACROSS)


@pytest.mark.parametrize("name", ACROSS)
def test_runs_that_differ_are_refused_unless_that_is_what_is_asked(
    tmp_path: Path, name: str
) -> None:
    reports = [stored(tmp_path, "a"), stored(tmp_path, "b", **CHANGES[name])]
    other = "threads" if name != "threads" else "governor"

    [reason] = refusals(reports)

    assert f"differ in {name}: " in reason
    assert f"--across {name}" in reason
    assert refusals(reports, [other]) == (reason,)
    assert refusals(reports, [name]) == ()


def test_another_machine_has_its_own_system_and_profile(tmp_path: Path) -> None:
    changes = {**CHANGES["machine"], **CHANGES["system"], **CHANGES["profile"]}
    reports = [stored(tmp_path, "a"), stored(tmp_path, "b", **changes)]

    assert len(refusals(reports)) == 3
    assert refusals(reports, ["machine"]) == ()


def test_an_invalid_run_is_never_compared(tmp_path: Path) -> None:
    throttled = stored(tmp_path, "b", invalid=["the board throttled: throttled"])

    [reason] = refusals([stored(tmp_path), throttled], ACROSS)

    assert reason.endswith("is of an invalid run: the board throttled: throttled")


def test_every_reason_is_told(tmp_path: Path) -> None:
    other = stored(
        tmp_path, "b", engine__threads=1, source="images:x", invalid=["one", "two"]
    )

    assert len(refusals([stored(tmp_path), other])) == 4


def test_a_short_run_is_refused(tmp_path: Path) -> None:
    [reason] = refusals([stored(tmp_path), stored(tmp_path, "b", seconds=19)])

    assert "has 19 stretches of 1 s" in reason


def test_a_report_of_before_is_refused(tmp_path: Path) -> None:
    document = made_up_report()
    del document["blocks"], document["invalid"], document["preprocess"]
    path = tmp_path / "old.json"
    path.write_text(json.dumps(document))

    reasons = refusals([stored(tmp_path), read_report(path)], ["preprocessing"])

    assert len(reasons) == 1
    assert "an older edgeclf wrote it" in reasons[0]


def test_a_name_that_means_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="moon"):
        refusals([stored(tmp_path)], ["moon"])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "not JSON"),
        ("\udcff", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ('{"a": NaN}', "not JSON"),
        ("[]", "schema is not edgeclf.bench"),
        ('{"schema": "edgeclf.run", "version": 1}', "schema is not edgeclf.bench"),
        ('{"schema": "edgeclf.bench", "version": 2}', "version 2 is not 1"),
        ('{"schema": "edgeclf.bench", "version": 1}', "'engine.engine' is missing"),
        (json.dumps(made_up_report(engine=3)), "'engine.engine' is missing"),
        (json.dumps(made_up_report(invalid="x")), "'invalid' is not a list"),
        (json.dumps(made_up_report(blocks=[1])), "not blocks of durations"),
    ],
)
def test_another_file_is_one_clear_line(
    tmp_path: Path, text: str, problem: str
) -> None:
    path = tmp_path / "a.json"
    path.write_text(text, errors="surrogateescape")

    with pytest.raises(InputFileError, match="expected a report") as caught:
        read_report(path)

    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)
