"""``edgeclf tune-stream`` on real videos, and its rule in ``edgeclf run``."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from edgeclf import Classifier
from edgeclf.types import Uint8Image
from edgeclf.watch import read_rule
from tests.videos import write_pictures

Run = Callable[..., tuple[int, str, str]]

SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"
COLOURS = [(230, 20, 20), (20, 230, 20), (20, 20, 230), (230, 230, 20), (0, 0, 0)]
THERE = [(30, 60), (100, 140), (180, 200)]
FRAMES = 230


def valid(command: str, printed: dict[str, Any]) -> None:
    schema = json.loads((SCHEMAS / f"{command}-1.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(printed)


def plain(colour: tuple[int, int, int]) -> Uint8Image:
    return np.full((48, 64, 3), colour, np.uint8)


@pytest.fixture
def label_and_clip(bundle: Path, tmp_path: Path) -> tuple[str, Path]:
    """Return a label and a table of one video in which it comes and goes."""
    with Classifier.open(bundle, top_k=1) as classifier:
        labels = [classifier.classify(plain(each)).best.label for each in COLOURS]
    other = next(place for place, label in enumerate(labels) if label != labels[0])
    there, away = plain(COLOURS[0]), plain(COLOURS[other])
    pictures = [
        there if any(start <= frame < end for start, end in THERE) else away
        for frame in range(FRAMES)
    ]
    write_pictures(tmp_path / "yard.avi", pictures)
    rows = [f"yard.avi,{start / 25},{end / 25},{labels[0]}" for start, end in THERE]
    table = tmp_path / "clips.csv"
    table.write_text("\n".join(["clip,start_s,end_s,label", *rows]))
    return labels[0], table


def test_the_rule_that_is_tuned_finds_in_a_run_what_is_labelled(
    on_bundle: Callable[[str], Run], label_and_clip: tuple[str, Path], tmp_path: Path
) -> None:
    label, table = label_and_clip
    rule = tmp_path / "events.toml"

    code, out, err = on_bundle("tune-stream")(
        "--clips", table, "-o", rule, "--json", "--max-false-alarms-per-hour", 0
    )

    assert (code, err) == (0, f"written: {rule}\n")
    report = json.loads(out)
    valid("tune-stream", report)
    assert report["written"] == str(rule)
    assert report["figures"]["missed"] == []
    measured = read_rule(rule).measured
    assert measured is not None
    assert (measured.events, measured.missed, measured.clips) == (3, 0, 1)

    code, out, err = on_bundle("run")(
        "--source", tmp_path / "yard.avi", "--events", rule, "--json"
    )

    lines = [json.loads(line) for line in out.splitlines()]
    events = [line for line in lines if line["record"] == "event"]
    for event in events:
        valid("run", event)
    assert code == 0
    assert [each["phase"] for each in events] == ["start", "end"] * 3
    assert {each["name"] for each in events} == {label}
    starts = [each["sequence"] / 25 for each in events if each["phase"] == "start"]
    assert starts == pytest.approx([start / 25 for start, _ in THERE], abs=0.5)


def test_the_table_shows_the_curve_the_choice_and_how_little_it_means(
    on_bundle: Callable[[str], Run], label_and_clip: tuple[str, Path], tmp_path: Path
) -> None:
    label, table = label_and_clip

    code, out, _ = on_bundle("tune-stream")(
        "--clips", table, "-o", tmp_path / "events.toml", "--per-label"
    )

    assert code == 0
    assert f"3 events of {label}" in out
    assert "false alarms/h" in out
    assert "chosen: smoothing" in out
    assert "the true rate is 0 to" in out
    assert "3 events are few" in out


def test_limits_that_nothing_keeps_exit_with_3_and_write_nothing(
    on_bundle: Callable[[str], Run], label_and_clip: tuple[str, Path], tmp_path: Path
) -> None:
    label, table = label_and_clip
    # There is a frame 30 ms after the label, and none sooner.
    table.write_text(f"clip,start_s,end_s,label\nyard.avi,3.97,4.5,{label}\n")
    rule = tmp_path / "events.toml"

    code, out, err = on_bundle("tune-stream")(
        "--clips", table, "-o", rule, "--max-delay", 0.01,
        "--tolerance", 0, "--json",
    )  # fmt: skip

    assert code == 3
    assert "no setting keeps to a median delay of 0.01 s" in err
    assert not rule.exists()
    report = json.loads(out)
    valid("tune-stream", report)
    assert (report["rule"], report["written"]) == (None, None)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        pytest.param(["--events", "none.toml"], 1, "no such file", id="no file"),
        pytest.param(["--smooth", "mean:3"], 2, "write none, ewma:", id="smoothing"),
        pytest.param(
            ["--enter", "0.3", "--exit", "0.5"], 2, "at most enter", id="exit"
        ),
        pytest.param(
            ["--events", "none.toml", "--enter", "0.3"], 2, "says all about", id="both"
        ),
        pytest.param(
            ["--watch", "clas 3"], 1, "no label 'clas 3'; did you mean", id="label"
        ),
    ],
)
def test_events_that_cannot_be_are_one_line(
    on_bundle: Callable[[str], Run], arguments: list[str], code: int, message: str
) -> None:
    found, out, err = on_bundle("run")("--source", "synthetic:7,64x48", *arguments)

    assert (found, out) == (code, "")
    assert message in err
    assert "Traceback" not in err


def test_without_a_word_about_events_there_are_none(
    on_bundle: Callable[[str], Run],
) -> None:
    _, out, _ = on_bundle("run")("--source", "synthetic:7,64x48", "--frames", 5)

    assert "event" not in out


def test_plain_flags_make_events_without_a_file(
    on_bundle: Callable[[str], Run],
) -> None:
    code, out, _ = on_bundle("run")(
        "--source", "synthetic:7,64x48", "--frames", 5, "--json",
        "--smooth", "none", "--enter", 0.001, "--min-duration", 0,
    )  # fmt: skip

    lines = [json.loads(line) for line in out.splitlines()]
    events = [line for line in lines if line["record"] == "event"]
    assert code == 0
    assert events
    phases = [(each["name"], each["phase"]) for each in events]
    assert len(phases) == 2 * len({name for name, _ in phases})


def test_another_models_rule_is_told(
    on_bundle: Callable[[str], Run], label_and_clip: tuple[str, Path], tmp_path: Path
) -> None:
    _, table = label_and_clip
    rule = tmp_path / "events.toml"
    on_bundle("tune-stream")("--clips", table, "-o", rule)
    text = rule.read_text()
    digest = text.split('model_digest = "')[1][:64]
    rule.write_text(text.replace(digest, "0" * 64))

    _, _, err = on_bundle("run")(
        "--source", tmp_path / "yard.avi", "--frames", 1, "--events", rule
    )

    assert "is another model: tune it again" in err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param([], [], id="a file"),
        pytest.param(["--health"], ["frozen", "frozen"], id="asked for"),
    ],
)
def test_the_camera_is_watched_in_a_file_only_when_asked_for(
    on_bundle: Callable[[str], Run],
    tmp_path: Path,
    arguments: list[str],
    told: list[str],
) -> None:
    still = np.random.default_rng(0).integers(60, 200, (96, 128, 3), dtype=np.uint8)
    video = tmp_path / "still.avi"
    write_pictures(video, [still] * 280)  # 11.2 s

    _, out, _ = on_bundle("run")("--source", video, "--json", *arguments)

    lines = [json.loads(line) for line in out.splitlines()]
    assert [each["name"] for each in lines if each["record"] == "event"] == told
