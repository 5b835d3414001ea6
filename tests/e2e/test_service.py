"""``edgeclf service install``, and ``edgeclf run`` as systemd would start it."""

import json
import os
import pwd
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import jsonschema
import pytest

from edgeclf import cli
from edgeclf.service import ServiceUnit, unit_text

SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"


ME = pwd.getpwuid(os.geteuid()).pw_name
"""Pytest's folders are closed to others."""


@pytest.fixture(autouse=True)
def in_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def install(*arguments: object) -> int:
    with pytest.raises(SystemExit) as stop:
        cli.main(["service", "install", *map(str, arguments)])
    assert isinstance(stop.value.code, int)
    return stop.value.code


def card(folder: Path) -> Path:
    """Return a root that systemd is installed below."""
    (folder / "card/etc/systemd/system").mkdir(parents=True)
    return folder / "card"


def printed(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert install("--print", *arguments) == 0
    return capsys.readouterr().out


def test_systemd_finds_no_fault_in_the_unit(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("system package: systemd")
    path = tmp_path / "edgeclf-test.service"
    path.write_text(printed(capsys, bundle.name, "--source", "synthetic:7@5"))

    done = subprocess.run(
        ["systemd-analyze", "verify", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_files_that_are_there_are_named_by_their_absolute_path(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "photos").mkdir()

    text = printed(
        capsys, bundle.name, "--source", "images:photos", "--sink", "jsonl:log.jsonl"
    )

    command = re.search(r"^ExecStart=(.*)$", text, re.MULTILINE)
    assert command is not None
    assert command[1].split() == [
        sys.executable,
        *("-m", "edgeclf", "run", str(bundle)),
        *("--source", f"images:{tmp_path}/photos", "--sink", "jsonl:log.jsonl"),
    ]


def test_it_writes_the_unit_and_says_how_to_start_it(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = card(tmp_path)
    arguments = ("--root", root, "--user", ME, "--name", "door", "--json")

    assert install(*arguments, bundle, "--source", "synthetic:7") == 0

    out, err = capsys.readouterr()
    document = json.loads(out)
    jsonschema.validate(document, json.loads((SCHEMAS / "service-1.json").read_text()))
    unit = Path(document["unit"])
    assert unit == root / "etc/systemd/system/door.service"
    assert "StateDirectory=door\n" in unit.read_text()
    assert "systemctl enable --now door" in err


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["model.edgeclf"], 2, "Missing option '--source'"),
        (["m", "--source", "synthetic:7", "--threads", "none"], 2, "'none' is not"),
        (["m", "--source", "rtsp://a:b@camera/"], 2, "holds a password"),
        (["--name", "a b", "m", "--source", "synthetic:7"], 2, "got 'a b'"),
        (["--user", "nobody-here", "m", "--source", "synthetic:7"], 1, "no such user"),
        (
            ["--user", ME, "--root", "nowhere", "m", "--source", "synthetic:7"],
            1,
            "no such folder",
        ),
    ],
    ids=["no source", "bad option", "password", "name", "user", "root"],
)
def test_what_is_wrong_is_one_line_and_nothing_is_written(
    arguments: list[str],
    code: int,
    words: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    root = card(tmp_path)
    own = [] if "--root" in arguments else ["--root", str(root)]

    assert install(*own, *arguments) == code

    assert words in capsys.readouterr().err
    assert list(root.rglob("*.service")) == []


def test_a_folder_that_is_closed_to_others_is_named(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tmp_path.chmod(0o700)

    assert install("--root", card(tmp_path), bundle, "--source", "synthetic:7") == 1

    message = capsys.readouterr().err
    assert "is closed to other users" in message
    assert "--user" in message


def test_a_word_is_the_same_word_for_systemd() -> None:
    words = ["100%", "a b", 'say "no"', "back\\slash", "$HOME", "${CAMERA}", ""]
    unit = ServiceUnit(name="x", command=("/bin/edgeclf", *words))

    (line,) = (
        each for each in unit_text(unit).splitlines() if each.startswith("ExecStart=")
    )

    assert line == (
        'ExecStart=/bin/edgeclf 100%% "a b" "say \\"no\\"" "back\\\\slash" '
        '"$$HOME" "${CAMERA}" ""'
    )


@contextmanager
def started_by_systemd(
    folder: Path, *arguments: object
) -> Iterator["tuple[subprocess.Popen[bytes], socket.socket]"]:
    """Start the loop with a socket and a watchdog of 0.4 s, as systemd does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(folder / "notify"))
        listening.settimeout(60)
        variables = {
            "NOTIFY_SOCKET": str(folder / "notify"),
            "WATCHDOG_USEC": "400000",
        }
        with subprocess.Popen(
            [sys.executable, "-m", "edgeclf", "run", *map(str, arguments)],
            env={**os.environ, **variables},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            try:
                yield process, listening
            finally:
                process.kill()


def test_a_started_loop_is_ready_lives_and_says_that_it_stops(
    bundle: Path, tmp_path: Path
) -> None:
    with started_by_systemd(tmp_path, bundle, "--source", "synthetic:7@20") as (
        process,
        systemd,
    ):
        heard: list[str] = []
        while "READY=1\nSTATUS=deciding" not in heard or heard.count("WATCHDOG=1") < 3:
            heard.append(systemd.recv(4096).decode())
        process.send_signal(signal.SIGTERM)
        while heard[-1] != "STOPPING=1":
            heard.append(systemd.recv(4096).decode())
        assert process.wait(10) == 0


def test_a_loop_without_a_camera_lives_and_is_not_ready(
    bundle: Path, tmp_path: Path
) -> None:
    missing = ("--source", f"images:{tmp_path}/missing", "--wait-for-source")
    with started_by_systemd(tmp_path, bundle, *missing) as (_, systemd):
        heard = [systemd.recv(4096).decode() for _ in range(6)]

    assert heard.count("WATCHDOG=1") >= 4
    assert not any("READY=1" in each for each in heard)


def test_a_loop_that_hangs_falls_silent(bundle: Path, tmp_path: Path) -> None:
    with started_by_systemd(tmp_path, bundle, "--source", "synthetic:7@20") as (
        process,
        systemd,
    ):
        systemd.recv(4096)
        process.send_signal(signal.SIGSTOP)
        systemd.settimeout(1.0)

        time.sleep(0.5)  # what was under way is there
        _drain(systemd)

        with pytest.raises(TimeoutError):
            systemd.recv(4096)


def _drain(systemd: socket.socket) -> None:
    while select.select([systemd], [], [], 0)[0]:
        systemd.recv(4096)
