"""Profiles: what comes with the package, and what the reader refuses."""

import datetime as dt
import json
import re
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import pytest

from edgeclf.errors import InputFileError, ProfileError
from edgeclf.profiles import (
    FACTS,
    LatencyRatio,
    load_profile,
    parse_profile,
    profile_for_board,
    profile_names,
)
from tools.check_profiles import faults

PI_4 = (resources.files("firmware_profiles") / "raspberry-pi-4b.toml").read_text(
    "utf-8"
)


def parse(text: str, name: str = "raspberry-pi-4b") -> None:
    parse_profile(text.encode(), name=name)


def replaced(old: str, new: str) -> str:
    assert old in PI_4
    return PI_4.replace(old, new)


def ratio(low: float, high: float, pairs: int) -> LatencyRatio:
    return LatencyRatio(
        precision="int8",
        against="fp32",
        engines=("litert",),
        runtime="TFLite",
        threads="1",
        statistic="p50",
        median=(low + high) / 2,
        low=low,
        high=high,
        pairs=pairs,
        source="x",
    )


@pytest.mark.parametrize("name", profile_names())
def test_every_profile_that_ships_is_good(name: str) -> None:
    profile = load_profile(name)

    assert profile.name == name
    assert profile.budget.stages_ms
    json.dumps(profile.to_dict(), allow_nan=False)


def test_the_three_profiles_are_there() -> None:
    assert {"generic-cpu", "raspberry-pi-4b", "raspberry-pi-5"} <= set(profile_names())


def test_every_fact_of_a_board_is_stated_or_said_to_be_missing() -> None:
    for name in profile_names():
        profile = load_profile(name)
        if profile.is_board:
            assert {*profile.facts, *profile.missing} == set(FACTS)


def test_a_generic_profile_claims_nothing_of_hardware() -> None:
    profile = load_profile("generic-cpu")

    assert all(key.startswith("defaults.") for key in profile.facts)
    assert profile.latency_ratios == ()
    assert "convention" in profile.budget.note


def test_the_readme_and_the_schema_say_the_same() -> None:
    assert faults(Path(str(resources.files("firmware_profiles")))) == []


def test_a_folder_that_breaks_the_rules_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("nothing")
    (tmp_path / "my-board.toml").write_text("format = 1")

    found = faults(tmp_path)

    assert any("my-board.toml: name: is missing" in line for line in found)
    assert any("cpu.cores" in line for line in found)


def test_a_misspelt_name_gets_the_close_one() -> None:
    with pytest.raises(ProfileError, match="Did you mean 'raspberry-pi-4b'"):
        load_profile("rasberry-pi-4")


def test_a_file_of_ones_own_is_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(replaced('name = "raspberry-pi-4b"', 'name = "mine"'))

    assert load_profile(path).name == "mine"
    assert load_profile(str(path)).name == "mine"


def test_what_is_wrong_in_a_file_of_ones_own_is_told_with_its_path(
    tmp_path: Path,
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("just words")

    with pytest.raises(ProfileError, match=f"^{re.escape(str(path))}: not a TOML file"):
        load_profile(path)


def test_a_missing_file_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="no such file; expected a device profile"):
        load_profile(str(tmp_path / "none.toml"))


@pytest.mark.parametrize(
    ("board", "expected"),
    [
        pytest.param("Raspberry Pi 4 Model B Rev 1.4", "raspberry-pi-4b", id="4B"),
        pytest.param("Raspberry Pi 4 Model B", "raspberry-pi-4b", id="no revision"),
        pytest.param(
            "Raspberry Pi Compute Module 4 Rev 1.0", "raspberry-pi-4b", id="CM4"
        ),
        pytest.param("Raspberry Pi 5 Model B Rev 1.1", "raspberry-pi-5", id="5"),
        pytest.param("Raspberry Pi 400 Rev 1.0", None, id="400 is another board"),
        pytest.param("Raspberry Pi 4 Model B Plus", None, id="one that begins like it"),
        pytest.param("raspberry pi 4 model b", None, id="not as it writes itself"),
        pytest.param(None, None, id="no board"),
    ],
)
def test_a_board_is_recognised_or_not_guessed(
    board: str | None, expected: str | None
) -> None:
    profile = profile_for_board(board)

    assert (profile.name if profile else None) == expected


def test_the_int8_ratio_of_a_pi_4_is_conclusive_and_that_of_a_pi_5_is_not() -> None:
    pi_4 = load_profile("raspberry-pi-4b").ratio("int8", engine="litert")
    pi_5 = load_profile("raspberry-pi-5").ratio("int8", engine="litert")

    assert pi_4 is not None
    assert pi_4.is_conclusive
    assert 2 < pi_4.median < 3
    assert pi_5 is not None
    assert not pi_5.is_conclusive


def test_what_nobody_published_has_no_ratio() -> None:
    profile = load_profile("raspberry-pi-4b")

    assert profile.ratio("int8", engine="onnxruntime") is None
    assert profile.ratio("fp16", engine="litert") is None


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        pytest.param(ratio(1.1, 3.0, 8), True, id="all faster"),
        pytest.param(ratio(0.5, 0.9, 8), True, id="all slower"),
        pytest.param(ratio(0.9, 3.0, 40), False, id="they contradict"),
        pytest.param(ratio(2.0, 3.0, 7), False, id="too few"),
    ],
)
def test_a_ratio_is_conclusive_when_enough_pairs_agree(
    row: LatencyRatio, expected: bool
) -> None:
    assert row.is_conclusive is expected


def test_a_value_carries_its_source_and_the_source_its_date() -> None:
    profile = load_profile("raspberry-pi-5")

    fact = profile.facts["cpu.cores"]

    assert fact.value == 4
    assert profile.sources[fact.source].checked >= dt.date(2026, 11, 1)
    assert profile.value("thermal.zone_types") is None


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        pytest.param(
            lambda: replaced("clock_max_mhz", "clock_ghz"),
            r"cpu: clock_ghz: unknown key; did you mean 'clock_max_mhz'",
            id="unknown key",
        ),
        pytest.param(
            lambda: replaced("{ value = 1800,", "{ value = 2,"),
            r"2 is not in 100…10000 MHz: is the unit right",
            id="GHz for MHz",
        ),
        pytest.param(
            lambda: replaced("{ value = 1800,", "{ value = 1.8,"),
            r"expected a whole number, got 1\.8",
            id="float for integer",
        ),
        pytest.param(
            lambda: replaced('cores = { value = 4, source = "bcm2711" }', "cores = 4"),
            r"cpu: cores: expected a table, got 4",
            id="no source",
        ),
        pytest.param(
            lambda: replaced('cores = { value = 4, source = "bcm2711" }', ""),
            r"cpu\.cores: state it with its source, or list it under missing",
            id="neither stated nor missing",
        ),
        pytest.param(
            lambda: replaced('value = "BCM2711", source = "bcm2711"', 'value = "BCM2711"'),
            r"board\.soc: source: is missing",
            id="value without a source",
        ),
        pytest.param(
            lambda: replaced('value = "BCM2711", source = "bcm2711"', 'value = "BCM2711", source = "nobody"'),
            r"sources: 'nobody' is cited and not there",
            id="source that is not there",
        ),
        pytest.param(
            lambda: PI_4 + '[sources.extra]\ntitle = "x"\nwhere = "y"\nchecked = 2026-11-21\n',
            r"sources: 'extra' is not cited by anything",
            id="source that nothing cites",
        ),
        pytest.param(
            lambda: replaced("checked = 2026-11-21", 'checked = "yesterday"'),
            r"checked: expected date, got 'yesterday'",
            id="source without a date",
        ),
        pytest.param(
            lambda: replaced("format = 1", "format = 2"),
            r"this edgeclf reads format 1",
            id="future format",
        ),
        pytest.param(
            lambda: replaced('name = "raspberry-pi-4b"', 'name = "pi"'),
            r"name: must be the file's name",
            id="another name",
        ),
        pytest.param(
            lambda: replaced('missing = ["memory.peak_gb_s"]', 'missing = ["memory.peak"]'),
            r"there is no fact 'memory\.peak'; did you mean 'memory\.peak_gb_s'",
            id="unknown missing fact",
        ),
        pytest.param(
            lambda: replaced('missing = ["memory.peak_gb_s"]', 'missing = ["memory.peak_gb_s", "cpu.cores"]'),
            r"missing: 'cpu\.cores' is stated too",
            id="stated and missing",
        ),
        pytest.param(
            lambda: replaced('runtime = "native"', 'runtime = "maybe"'),
            r"runtime: must be one of native, container, none, got 'maybe'",
            id="unknown runtime",
        ),
        pytest.param(
            lambda: replaced("p50 = 33.3", "p60 = 33.3"),
            r"total_ms: p60: unknown key",
            id="unknown statistic",
        ),
        pytest.param(
            lambda: replaced("p50 = 33.3", "p50 = -1.0"),
            r"p50: must be finite and above 0",
            id="negative limit",
        ),
        pytest.param(
            lambda: replaced("total_ms = { p50 = 33.3, p95 = 50.0, p99 = 66.7 }", ""),
            r"a budget limits at least one stage",
            id="empty budget",
        ),
        pytest.param(
            lambda: replaced("median = 2.65", "median = 9.0"),
            r"low ≤ median ≤ high",
            id="median outside its range",
        ),
        pytest.param(
            lambda: replaced('engines = ["litert", "tflite-runtime"]', 'engines = ["tflite"]'),
            r"engines: must be of",
            id="unknown engine of a ratio",
        ),
        pytest.param(
            lambda: replaced("tflite-runtime = \"2.14.0\" }", "tflite = \"2.14.0\" }"),
            r"engines: tflite: unknown key",
            id="unknown engine of a system",
        ),
        pytest.param(
            lambda: replaced('kind = "board"', 'kind = "generic"'),
            r"a generic profile claims nothing of hardware",
            id="generic with hardware",
        ),
        pytest.param(
            lambda: replaced("device_tree_models = [\"Raspberry Pi 4 Model B\", \"Raspberry Pi Compute Module 4\"]", ""),
            r"a board names itself somehow",
            id="board without a name",
        ),
        pytest.param(
            lambda: replaced('value = "litert"', 'value = "tflite"'),
            r"defaults\.engine: value: must be one of litert",
            id="unknown default engine",
        ),
        pytest.param(lambda: "format = ", r"not a TOML file", id="not TOML"),
        pytest.param(lambda: "\0\0", r"not a TOML file", id="not text"),
    ],
)  # fmt: skip
def test_a_profile_that_breaks_the_schema_is_refused(
    change: Callable[[], str], problem: str
) -> None:
    with pytest.raises(ProfileError, match=problem):
        parse(change())
