"""``edgeclf run`` under a wall clock that is set back, or was never set right."""

import itertools
import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.brokers import free_port, until
from tests.unit.sinks.test_webhook import Script, Server
from tests.wall_clock import SINCE_1970_S, WallClock

Records = list[dict[str, Any]]


@pytest.fixture
def clock(tmp_path: Path) -> WallClock:
    return WallClock(tmp_path)


@contextmanager
def running(
    bundle: Path, clock: WallClock, *sinks: str
) -> Iterator["subprocess.Popen[str]"]:
    """Run the loop under a clock, with a line a decision in a file beside the bundle."""
    with bundle.with_suffix(".out").open("w") as out:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "edgeclf", "run", str(bundle), "--json"),
                *("--source", "synthetic:7,64x48@50"),
                *(word for sink in sinks for word in ("--sink", sink)),
            ],
            stdout=out,
            stderr=subprocess.PIPE,
            text=True,
            env=clock.environment(),
        )
    with process:
        try:
            yield process
        finally:
            process.kill()


def metrics_at(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}", timeout=30) as answer:
        text: str = answer.read().decode()
    return text


def logged(folder: Path) -> Records:
    """Return all that the rotated files hold, oldest first."""
    files = [folder / "log.jsonl"]
    while (older := folder / f"log.jsonl.{len(files)}").exists():
        files.append(older)
    text = "".join(file.read_text() for file in reversed(files) if file.exists())
    whole, _, _ = text.rpartition("\n")  # a kill, or a look, may come in between
    return [json.loads(line) for line in whole.splitlines()]


def decided(records: Records) -> list[int]:
    return [each["sequence"] for each in records if each["record"] == "decision"]


def times(records: Records) -> list[datetime]:
    return [datetime.fromisoformat(each["utc"]) for each in records]


def kept(folder: Path) -> Records:
    """Return the records of the captures, by number; each picture has one."""
    pictures = sorted(folder.glob("*.jpg"))
    numbers = [int(path.name.partition("-")[0]) for path in pictures]
    assert grows(numbers)
    return [json.loads(path.with_suffix(".json").read_text()) for path in pictures]


def grows(numbers: Sequence[int]) -> bool:
    return all(before < after for before, after in itertools.pairwise(numbers))


def test_a_clock_that_jumps_back_loses_overwrites_and_reorders_nothing(
    bundle: Path, clock: WallClock, tmp_path: Path
) -> None:
    script, port, pictures = Script(), free_port(), tmp_path / "pictures"
    server = Server(script)
    with running(
        bundle,
        clock,
        f"jsonl:{tmp_path / 'log.jsonl'}?max_size=64kB&keep=1000",
        f"captures:{pictures}?below=1&max_rate=10/s",
        f"http://127.0.0.1:{server.server_port}/?what=decisions",
        f"prometheus:{port}",
    ) as process:
        for seconds in (0, 3600, SINCE_1970_S, -3600):
            clock.put_back(seconds)
            lines, files = len(script.accepted), len(list(tmp_path.rglob("*.jpg")))
            until(lambda n=lines: len(script.accepted) > n + 30)  # type: ignore[misc]
            until(lambda n=files: len(list(pictures.glob("*.jpg"))) > n + 2)  # type: ignore[misc]
        metrics = metrics_at(port)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
    server.stop()

    assert (process.returncode, err) == (0, "")
    report = json.loads(bundle.with_suffix(".out").read_text().splitlines()[-1])
    log, shown = logged(tmp_path), kept(pictures)
    assert [sink["lost"] for sink in report["sinks"]] == [0, 0, 0, 0]
    assert report["outages"] == 0
    assert len(decided(log)) == len(script.accepted) == report["counts"]["decided"]
    assert len(shown) == report["sinks"][1]["delivered"]
    for numbers in (decided(log), decided(shown), script.accepted):
        assert grows(numbers)
    for told in (times(log), times(shown)):
        back = sum(after < before for before, after in itertools.pairwise(told))
        assert back == 2  # and the records say so
        assert min(told).year == 1970
    assert re.search(
        r'^edgeclf_events_total{kind="source".*} 0.0$', metrics, re.MULTILINE
    )


@pytest.mark.parametrize("starts_in", ["the present", "1970"])
def test_a_run_goes_on_where_a_killed_one_ended(
    starts_in: str, bundle: Path, clock: WallClock, tmp_path: Path
) -> None:
    port, pictures = free_port(), tmp_path / "pictures"
    sinks = (
        f"jsonl:{tmp_path / 'log.jsonl'}",
        f"captures:{pictures}?below=1&max_rate=10/s",
        f"prometheus:{port}",
    )
    with running(bundle, clock, *sinks) as process:
        until(lambda: len(list(pictures.glob("*.jpg"))) > 3)
        metrics_at(port)
        os.kill(process.pid, signal.SIGKILL)
    log, shown = logged(tmp_path), kept(pictures)
    with (tmp_path / "log.jsonl").open("ab") as file:
        file.write(b'{"schema": "edgeclf.run", "ver')  # all that the kill let through
    half = pictures / ".00000099-20261027T103748Z.jpg.x1.tmp"
    half.write_bytes(b"\xff\xd8\xff\xe0 half a picture")
    if starts_in == "1970":
        clock.put_back(SINCE_1970_S)

    with running(bundle, clock, *sinks) as process:
        until(lambda: len(kept(pictures)) > len(shown) + 3)
        until(lambda: len(logged(tmp_path)) > len(log) + 3)
        metrics = metrics_at(port)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)

    assert process.returncode == 0
    assert "cut off an unfinished last line of" in err
    assert len(err.splitlines()) == 1
    assert not half.exists()
    log_after, shown_after = logged(tmp_path), kept(pictures)
    assert (log_after[: len(log)], shown_after[: len(shown)]) == (log, shown)
    new = decided(log_after[len(log) :])
    assert new[0] == 0  # of a camera that this run opened
    assert grows(new)
    assert len({each["id"] for each in log_after}) == len(log_after)
    assert (times(log_after)[-1].year == 1970) == (starts_in == "1970")
    (counted,) = re.findall(r"^edgeclf_decisions_total (.*)$", metrics, re.MULTILINE)
    assert float(counted) <= len(new)  # nothing of the run before
