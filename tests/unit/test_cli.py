"""The front door: exit codes, one-line errors, lazy commands, completion."""

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from edgeclf import cli, errors
from edgeclf.commands import console
from tests.bundles import tiny_bundle_bytes

EDGECLF = [sys.executable, "-m", "edgeclf"]


def run_main(
    monkeypatch: pytest.MonkeyPatch, raised: BaseException | None, *arguments: str
) -> int:
    """Run the real ``main`` with one command that raises what the test wants."""

    @click.command()
    @click.option("--json", "as_json", is_flag=True)
    def command(as_json: bool) -> None:
        del as_json
        if raised is not None:
            raise raised

    monkeypatch.setattr(cli, "_load", lambda _name, _entry: command)
    with pytest.raises(SystemExit) as stop:
        cli.main(["verify", *arguments])
    assert isinstance(stop.value.code, int)
    return stop.value.code


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        pytest.param(None, 0, id="good"),
        pytest.param(errors.BundleError("torn"), 1, id="failed"),
        pytest.param(click.UsageError("what?"), 2, id="usage"),
        pytest.param(errors.OutOfBoundsError("over"), 3, id="over budget"),
        pytest.param(errors.NoVerdictError("hot"), 4, id="no verdict"),
        pytest.param(KeyboardInterrupt(), 130, id="interrupted"),
        pytest.param(click.exceptions.Exit(3), 3, id="exit code of a command"),
    ],
)
def test_each_ending_has_its_exit_code(
    monkeypatch: pytest.MonkeyPatch, raised: BaseException | None, code: int
) -> None:
    assert run_main(monkeypatch, raised) == code


def test_an_error_is_one_line_on_stderr_and_nothing_on_stdout(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run_main(monkeypatch, errors.BundleError("m.edgeclf: torn; copy it again"))

    out, err = capsys.readouterr()
    assert out == ""
    assert err == "error: m.edgeclf: torn; copy it again\n"


def test_with_json_an_error_is_an_object_on_stdout_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run_main(monkeypatch, errors.BundleError("torn"), "--json")

    assert json.loads(capsys.readouterr().out) == {
        "schema": "edgeclf.error",
        "version": 1,
        "error": "BundleError",
        "message": "torn",
    }


def test_an_error_stays_on_one_line_whatever_the_file_is_called(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run_main(monkeypatch, errors.BundleError("a\nb\x1b[31mé\udcff: torn"))

    assert capsys.readouterr().err == "error: a\\nb\\x1b[31mé\\udcff: torn\n"


def test_a_wrong_command_line_is_an_object_on_stdout_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run_main(monkeypatch, click.UsageError("what?"), "--json")

    assert json.loads(capsys.readouterr().out)["message"] == "what?"


def test_a_bug_of_ours_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ZeroDivisionError):
        run_main(monkeypatch, ZeroDivisionError())


def test_a_misspelt_command_is_answered_with_the_right_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main(["verfy"])

    assert stop.value.code == 2
    assert "Did you mean 'verify'?" in capsys.readouterr().err


def test_a_command_whose_package_is_missing_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_name: str) -> None:
        raise ModuleNotFoundError("No module named 'keras'", name="keras")

    monkeypatch.setattr("importlib.import_module", fail)
    with pytest.raises(SystemExit) as stop:
        cli.main(["convert", "x"])

    assert stop.value.code == 1
    message = capsys.readouterr().err
    assert message.startswith("error: 'convert' needs keras: ")
    assert "pip install" in message
    assert "[convert]" in message


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_the_table_says_what_the_command_says_of_itself(name: str) -> None:
    command = cli._load(name, cli.COMMANDS[name])

    assert command.help is not None
    assert command.help.splitlines()[0] == cli.COMMANDS[name].help


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_the_help_of_every_command_has_examples(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main([name, "--help"])

    assert stop.value.code == 0
    out = capsys.readouterr().out
    assert "Examples:" in out
    assert f"edgeclf {name}" in out
    if name not in {"profiles", "service"}:  # groups: their commands have it
        assert "--json" in out


@pytest.mark.parametrize("name", [*cli.COMMANDS, "bench-compare", "error"])
def test_every_command_has_a_versioned_schema_that_is_documented(name: str) -> None:
    documented = Path(__file__).parents[2] / "docs" / "schemas"

    version = console.SCHEMA_VERSIONS[name]
    schema = json.loads((documented / f"{name}-{version}.json").read_text())
    assert schema["$schema"].startswith("https://json-schema.org/")


def complete(words: str, word_count: int) -> set[str]:
    done = subprocess.run(
        EDGECLF,
        env={
            **os.environ,
            "_EDGECLF_COMPLETE": "bash_complete",
            "COMP_WORDS": words,
            "COMP_CWORD": str(word_count),
        },
        capture_output=True,
        text=True,
        check=True,
    )
    return {line.partition(",")[2] for line in done.stdout.splitlines()}


def test_the_shell_completes_commands() -> None:
    assert complete("edgeclf b", 1) == {"bench"}


def test_the_shell_completes_options() -> None:
    assert "--json" in complete("edgeclf verify --", 2)


@pytest.mark.parametrize("command", ["profiles list", "inspect m.edgeclf"])
def test_a_reader_that_goes_away_is_not_an_error(command: str, tmp_path: Path) -> None:
    (tmp_path / "m.edgeclf").write_bytes(tiny_bundle_bytes("uint8"))

    done = subprocess.run(
        [
            "bash",
            "-c",
            f"set -o pipefail; {sys.executable} -m edgeclf {command} | true",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stderr == ""
    assert done.returncode == 0


def test_without_its_extra_convert_says_first_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", None)  # as if it were not there

    with pytest.raises(SystemExit) as stop:
        cli.main(["convert", "no-such-model"])  # nor is there an --output

    assert stop.value.code == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("error: converting needs tensorflow: ")
    assert "pip install" in line
    assert "[convert]'" in line


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_read_permission_is_a_failure_not_a_usage_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "secret.edgeclf"
    path.write_bytes(b"x")
    path.chmod(0)

    with pytest.raises(SystemExit) as stop:
        cli.main(["verify", str(path)])

    assert stop.value.code == 1
    assert "permission denied" in capsys.readouterr().err


def test_no_command_lets_click_judge_a_path() -> None:
    for name, entry in cli.COMMANDS.items():
        for parameter in cli._load(name, entry).params:
            if isinstance(parameter.type, click.Path):
                assert not parameter.type.readable, (name, parameter.name)
                assert not parameter.type.exists, (name, parameter.name)
