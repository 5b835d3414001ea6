"""``edgeclf profiles`` and its subcommands."""

import json
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from edgeclf import cli
from edgeclf.machine import detect_board
from edgeclf.profiles import profile_for_board, profile_names

SCHEMA = json.loads(
    (Path(__file__).parents[2] / "docs" / "schemas" / "profiles-1.json").read_text(
        "utf-8"
    )
)

Profiles = Callable[..., tuple[int, str, str]]


@pytest.fixture
def profiles(capsys: pytest.CaptureFixture[str]) -> Profiles:
    """Run the command in this process; returns exit code, stdout and stderr."""

    def profiles(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stop:
            cli.main(["profiles", *(str(each) for each in arguments)])
        assert isinstance(stop.value.code, int)
        return (stop.value.code, *capsys.readouterr())

    return profiles


@pytest.mark.parametrize(
    "arguments",
    [["list"], ["detect"], ["check"], *(["show", name] for name in profile_names())],
    ids=" ".join,
)
def test_json_obeys_its_schema(profiles: Profiles, arguments: list[str]) -> None:
    _, out, _ = profiles(*arguments, "--json")

    jsonschema.validate(json.loads(out), SCHEMA)


def test_list_names_every_profile(profiles: Profiles) -> None:
    code, out, _ = profiles("list")

    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == list(profile_names())


def test_show_gives_values_sources_and_what_is_not_known(profiles: Profiles) -> None:
    code, out, _ = profiles("show", "raspberry-pi-5")

    assert code == 0
    assert "2400 MHz  [bcm2712]" in out
    assert "thermal.zone_types         not known: no source was found" in out
    assert "checked 2026-11-21" in out


def test_detect_says_what_it_is_or_nothing(profiles: Profiles) -> None:
    code, out, err = profiles("detect")

    profile = profile_for_board(detect_board())
    if profile is None:
        assert (code, out) == (1, "")
        assert "generic-cpu" in err
    else:
        assert (code, out) == (0, f"{profile.name}\n")


def test_check_names_what_is_wrong_in_a_file_of_ones_own(
    profiles: Profiles, tmp_path: Path
) -> None:
    path = tmp_path / "my-board.toml"
    path.write_text('format = 1\nname = "my-board"\nknid = "board"\n')

    code, _, err = profiles("check", path)

    assert code == 1
    assert err == f"error: {path}: kind: is missing; is it meant by 'knid'?\n"


def test_check_of_a_bad_file_is_json_too(profiles: Profiles, tmp_path: Path) -> None:
    code, out, _ = profiles("check", tmp_path / "none.toml", "--json")

    jsonschema.validate(json.loads(out), SCHEMA)
    assert code == 1
    assert json.loads(out)["ok"] is False


def test_an_unknown_profile_is_told_of_with_the_close_one(profiles: Profiles) -> None:
    code, _, err = profiles("show", "raspberry-pi-4")

    assert code == 1
    assert "Did you mean 'raspberry-pi-4b'?" in err
