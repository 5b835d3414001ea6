"""``edgeclf convert`` as it is typed: output, exit codes, and one line for bad input."""

import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from edgeclf import cli
from edgeclf.bundle import read_bundle
from tests.convert.workshop import LABELS, tiny_keras, write_photos

pytestmark = pytest.mark.convert

SCHEMA = json.loads(Path("docs/schemas/convert-1.json").read_text())
ERROR = json.loads(Path("docs/schemas/error-1.json").read_text())


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    tiny_keras().save(folder / "tiny.keras")
    (folder / "labels.txt").write_text("\n".join(LABELS) + "\n")
    write_photos(folder / "few", 20)
    for index, label in enumerate(LABELS[:2]):
        write_photos(folder / "labelled" / label, 5 + index, first=20 + 10 * index)
    write_photos(folder / "strangers" / "wombat", 4, first=50)
    write_photos(folder / "one" / LABELS[0], 4, first=60)
    return folder


def arguments(shop: Path, output: Path, *more: str) -> list[str]:
    flags = ["--labels", str(shop / "labels.txt"), "--preset", "efficientnet-lite"]
    return ["convert", str(shop / "tiny.keras"), "-o", str(output), *flags, *more]


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "edgeclf", *words],
        capture_output=True,
        text=True,
        check=False,
    )


def exit_code(*words: str) -> Any:
    with pytest.raises(SystemExit) as caught:
        cli.main(words)
    return caught.value.code


def test_the_json_is_what_its_schema_says_and_the_bundle_is_there(
    shop: Path, tmp_path: Path
) -> None:
    output = tmp_path / "net.edgeclf"
    words = arguments(
        shop,
        output,
        "--calibrate",
        str(shop / "few"),
        "--evaluate",
        str(shop / "labelled"),
        "--allow-small-calibration",
        "--accept-undecided",
        "--profile",
        "raspberry-pi-4b",
        "--json",
    )

    done = run(*words)

    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    jsonschema.validate(document, SCHEMA)
    assert document["digest"] == read_bundle(output).digest
    assert document["precision"] == "int8"
    assert document["overrides"] == ["allow-small-calibration", "accept-undecided"]
    gate = document["quality"]["gate"]
    assert (gate["verdict"], gate["accepted"]) == ("undecided", True)
    assert sum(trial["is_chosen"] for trial in document["tried"]) == 1
    assert document["quality"]["accuracy"]["n"] == 11
    assert any("unverified on target" in note for note in document["notes"])
    assert "searching ..." in done.stderr
    assert "  tried int8, plain" in done.stderr
    assert "WARNING" not in done.stderr


def test_the_text_says_what_was_made_and_what_to_type_next(
    shop: Path, tmp_path: Path
) -> None:
    output = tmp_path / "net.edgeclf"

    done = run(*arguments(shop, output, "--target", "onnx"))

    assert done.returncode == 0, done.stderr
    assert f"wrote      {output} (tiny, fp32 onnx)" in done.stdout
    assert "not measured: no photos were given" in done.stdout
    assert "on synthetic pictures" in done.stdout
    assert f"edgeclf verify {output}" in done.stdout


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
def test_a_conversion_that_is_ended_leaves_no_file(
    number: signal.Signals, code: int, shop: Path, tmp_path: Path
) -> None:
    output = tmp_path / "net.edgeclf"
    process = subprocess.Popen(
        [sys.executable, "-m", "edgeclf", *arguments(shop, output)],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert process.stderr is not None
    assert process.stderr.readline() == "loading the model ...\n"

    process.send_signal(number)

    assert process.wait(20) == code
    process.stderr.close()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("more", "code", "message"),
    [
        pytest.param(
            ["--precision", "int8"], 2, "give --calibrate DIR", id="no-photos"
        ),
        pytest.param(
            ["--prune", "0.3", "--prune-to", "20ms"], 2, "leave out one", id="prune"
        ),
        pytest.param(["--weights", "w.h5"], 2, "leave out --weights", id="weights"),
        pytest.param(["--preset", "kears"], 2, "did you mean 'keras'", id="preset"),
        pytest.param(["--prune", "nan"], 2, "'nan' is not a number", id="nan"),
        pytest.param(["--max-drop", "nan"], 2, "'nan' is not a number", id="nan-bar"),
        pytest.param(["--size", "99999"], 2, "1 to 9999 pixels", id="huge"),
        pytest.param(["--calibrate", "/nowhere"], 1, "no such folder", id="no-folder"),
        pytest.param(
            ["--calibrate", __file__], 1, "is a file; expected a folder", id="a-file"
        ),
        pytest.param(["--labels", "/none.txt"], 1, "no such file", id="no-labels"),
        pytest.param(["--profile", "pi"], 1, "no profile", id="no-profile"),
        pytest.param(["--recipe", "/none.toml"], 1, "no such file", id="no-recipe"),
        pytest.param(["--precision", "int4"], 2, "'int4' is not one of", id="int4"),
        pytest.param(["--size", "big"], 2, "neither 224 nor", id="size"),
    ],
)
def test_bad_input_is_one_line_and_no_file(
    more: list[str],
    code: int,
    message: str,
    shop: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    output = tmp_path / "net.edgeclf"

    assert exit_code(*arguments(shop, output, *more)) == code

    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.out == ""
    assert not list(tmp_path.iterdir())


def test_too_few_photos_are_refused_and_say_what_would_do(
    shop: Path, tmp_path: Path
) -> None:
    done = run(
        *arguments(shop, tmp_path / "x.edgeclf", "--calibrate", str(shop / "few"))
    )

    assert done.returncode == 1
    assert "--allow-small-calibration" in done.stderr.splitlines()[-1]
    assert not list(tmp_path.iterdir())


def test_too_few_photos_for_a_verdict_exit_with_four_and_say_how_many_would_do(
    shop: Path, tmp_path: Path
) -> None:
    few = ["--calibrate", str(shop / "few"), "--allow-small-calibration"]
    recipe = ["--recipe", "converters/recipes/onnx-int8.toml", "--json"]

    done = run(*arguments(shop, tmp_path / "net.edgeclf", *few, *recipe))

    assert done.returncode == 4
    document = json.loads(done.stdout)
    jsonschema.validate(document, ERROR)
    assert document["error"] == "NoVerdictError"
    assert document["tried"] == []
    last = done.stderr.splitlines()[-1]
    assert last.startswith("error: undecided: decisions agree on")
    assert "more photos like these would decide" in last
    assert "--accept-undecided" in last
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("judging", "message"),
    [
        pytest.param("few", "are among those of --calibrate", id="the-same-photos"),
        pytest.param("strangers", "is none of the model's 6 labels", id="labels"),
        pytest.param("one", "all 4 photos are labelled 'class 0'", id="one-class"),
    ],
)
def test_photos_that_cannot_judge_are_refused_in_one_line(
    judging: str, message: str, shop: Path, tmp_path: Path
) -> None:
    few = ["--calibrate", str(shop / "few"), "--allow-small-calibration"]

    done = run(
        *arguments(shop, tmp_path / "x", *few, "--evaluate", str(shop / judging))
    )

    assert done.returncode == 1
    assert message in done.stderr.splitlines()[-1]
    assert not list(tmp_path.iterdir())


def test_out_of_parity_exits_with_three_and_leaves_what_was_there(
    shop: Path, tmp_path: Path
) -> None:
    text = Path("converters/recipes/onnx-fp32.toml").read_text()
    strict, output = tmp_path / "strict.toml", tmp_path / "net.edgeclf"
    strict.write_text(
        text.replace("max_score_error = 0.001", "max_score_error = 1e-15")
    )
    output.write_bytes(b"the one before")

    done = run(*arguments(shop, output, "--recipe", str(strict)))

    assert done.returncode == 3
    assert done.stderr.splitlines()[-1].startswith("error: out of parity")
    assert output.read_bytes() == b"the one before"
    assert sorted(tmp_path.iterdir()) == [output, strict]


def test_the_help_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code("convert", "--help") == 0

    out = capsys.readouterr().out
    assert "Examples:" in out
    assert cli.COMMANDS["convert"].help in out


@pytest.mark.parametrize("taken", ["tiny.keras", "labels.txt"])
def test_a_bundle_never_takes_the_place_of_what_it_is_made_from(
    shop: Path, taken: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (shop / taken).read_bytes()

    assert exit_code(*arguments(shop, shop / taken)) == 1

    assert "what the result is made from; name another file" in capsys.readouterr().err
    assert (shop / taken).read_bytes() == before


def test_a_known_name_refuses_a_files_flags_before_it_is_loaded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "net.edgeclf"

    code = exit_code("convert", "mobilenet-v2", "-o", str(output), "--size", "192")

    captured = capsys.readouterr().err
    assert code == 2
    assert "mobilenet-v2 carries its own size" in captured
    assert "leave out --size" in captured
    assert "loading" not in captured


def test_a_source_without_a_name_is_a_wrong_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code("convert", "", "-o", str(tmp_path / "net.edgeclf")) == 2

    assert "give a model file or a known name" in capsys.readouterr().err


def test_a_refusal_takes_no_time(shop: Path, tmp_path: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime

    done = run(*arguments(shop, tmp_path / "nowhere" / "x.edgeclf"))

    assert done.returncode == 1
    assert "make it first" in done.stderr
    # TensorFlow alone would take longer; the clock of a busy machine says nothing.
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before < 3
