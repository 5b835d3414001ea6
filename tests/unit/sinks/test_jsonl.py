"""Lines in a file: whole, capped, and there after a kill or a full disk."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgeclf.errors import SinkError
from edgeclf.sinks import SinkOptions, open_sink
from edgeclf.sinks.jsonl import JsonlOutlet
from edgeclf.sinks.record import Recorder
from edgeclf.sinks.rotation import RotatingFile
from tests.unit.sinks.records import decision, event

HEADER = b'{"schema": "edgeclf.run", "version": 1'


def read(path: Path) -> list[dict[str, Any]]:
    text = path.read_text()
    assert text == "" or text.endswith("\n")
    return [json.loads(line) for line in text.splitlines()]


def write(path: Path, count: int, *, first: int = 0, options: str = "") -> list[str]:
    said: list[str] = []
    sink = open_sink(f"jsonl:{path}{options}", options=SinkOptions(notify=said.append))
    for sequence in range(first, first + count):
        sink.decision(decision(sequence))
    sink.settle(30)
    sink.close(30)
    return said


def test_each_decision_and_event_is_a_line_with_an_id_and_the_time(
    tmp_path: Path,
) -> None:
    path = tmp_path / "log.jsonl"
    sink = open_sink(f"jsonl:{path}")

    sink.decision(decision(4))
    sink.event(event("camera", "black"))
    sink.close(30)

    first, second = read(path)
    assert (first["record"], first["sequence"]) == ("decision", 4)
    assert (second["record"], second["name"]) == ("event", "black")
    assert first["id"] != second["id"]
    assert first["utc"].endswith("+00:00")


def test_a_second_run_goes_on_where_the_first_ended(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"

    write(path, 3)
    write(path, 3, first=3)

    assert [each["sequence"] for each in read(path)] == list(range(6))


def test_the_files_together_never_outgrow_their_limit_and_hold_the_newest(
    tmp_path: Path,
) -> None:
    path = tmp_path / "log.jsonl"

    write(path, 2000, options="?max_size=64kB&keep=3&buffer=5000")

    files = [path, tmp_path / "log.jsonl.1", tmp_path / "log.jsonl.2"]
    assert sorted(tmp_path.iterdir()) == sorted(files)
    assert all(each.stat().st_size <= 64_000 for each in files)
    numbers = [each["sequence"] for file in reversed(files) for each in read(file)]
    assert numbers == list(range(numbers[0], 2000))
    assert sum(file.stat().st_size for file in files[1:]) > 120_000


def test_one_file_alone_begins_anew_when_it_is_full(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"

    write(path, 500, options="?max_size=64kB&keep=1")

    assert list(tmp_path.iterdir()) == [path]
    assert path.stat().st_size <= 64_000
    assert read(path)[-1]["sequence"] == 499


def test_fewer_files_than_before_removes_the_oldest(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    write(path, 1500, options="?max_size=64kB&keep=5&buffer=5000")
    mine = tmp_path / "log.jsonl.bak"
    mine.touch()

    write(path, 1, options="?max_size=64kB&keep=2")

    assert sorted(tmp_path.iterdir()) == [path, tmp_path / "log.jsonl.1", mine]


@pytest.mark.parametrize(
    "torn",
    [HEADER + b', "record": "dec', HEADER[:9], b"\0" * 200_000],
    ids=["half a record", "half a header", "what a loss of power leaves"],
)
def test_a_torn_last_line_is_cut_off_and_said(torn: bytes, tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    write(path, 2)
    with path.open("ab") as file:
        file.write(torn)

    said = write(path, 1, first=2)

    assert [each["sequence"] for each in read(path)] == [0, 1, 2]
    assert f"an unfinished last line of {len(torn)} bytes" in said[0]


def test_a_file_with_nothing_but_a_torn_line_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(HEADER + b', "record')

    write(path, 1)

    assert len(read(path)) == 1


@pytest.mark.parametrize("content", [b"shopping list", b'{"mine": 1}\n'])
def test_a_file_that_holds_something_else_is_left_alone(
    content: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(content)

    with pytest.raises(SinkError, match="holds something else"):
        open_sink(f"jsonl:{path}")

    assert path.read_bytes() == content


def test_two_writers_of_one_file_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    first = open_sink(f"jsonl:{path}")

    with pytest.raises(SinkError, match="another process"):
        open_sink(f"jsonl:{path}")

    first.close(30)


@pytest.mark.parametrize(
    ("uri", "problem"),
    [
        ("jsonl:", "incomplete"),
        ("jsonl:?keep=3", "path of a file"),
        ("jsonl:{folder}/none/log", "no such file"),
        ("jsonl:{folder}", "is a directory"),
        ("jsonl:/dev/full", "not a regular file"),
        ("jsonl:{folder}/log?max_size=10", "max_size must be a size"),
        ("jsonl:{folder}/log?max_size=10kB", "at least 64000 bytes"),
        ("jsonl:{folder}/log?keep=0", "keep must be a whole number"),
        ("jsonl:{folder}/log?keep", "needs a value"),
        ("jsonl:{folder}/log?keep=1&keep=2", "twice"),
        ("jsonl:{folder}/log?sync=now", "sync must be a time"),
        ("jsonl:{folder}/log?what=cats", "decisions, events, report"),
        ("jsonl:{folder}/log?kep=1", "no option 'kep'"),
        ("jsnl:log", "did you mean 'jsonl:'"),
        ("log", "unknown sink"),
        ("", "unknown sink"),
    ],
)
def test_a_wrong_uri_says_what_is_wrong(uri: str, problem: str, tmp_path: Path) -> None:
    with pytest.raises(SinkError, match=problem):
        open_sink(uri.format(folder=tmp_path))


def test_what_was_written_reaches_the_disk_after_its_time(tmp_path: Path) -> None:
    class Counted(RotatingFile):
        syncs = 0

        def sync(self) -> None:
            self.syncs += 1
            super().sync()

    now_ns = [0]
    file = Counted(tmp_path / "log.jsonl", max_size=64_000, keep=2, begins_with=HEADER)
    outlet = JsonlOutlet(file, sync_ns=5_000, clock=lambda: now_ns[0])
    record = Recorder().make("event", event().to_dict())

    syncs = []
    for now_ns[0] in (0, 4_999, 5_000, 9_000, 10_001):
        outlet.ready()
        syncs.append(file.syncs)
        outlet.deliver([record])
    outlet.close()

    assert syncs == [0, 0, 1, 1, 2]


CHILD = """
import resource, signal, sys, time
sys.path.insert(0, {root!r})
from edgeclf.sinks import SinkOptions, open_sink
from tests.unit.sinks.records import decision
said = []
sink = open_sink("jsonl:" + sys.argv[1], options=SinkOptions(notify=said.append))
"""
FULL_DISK = (
    CHILD
    + """
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
for sequence in range(20):
    sink.decision(decision(sequence))
    while not said and sink.counts().delivered <= sequence:
        time.sleep(0.01)
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
while sink.counts().delivered + sink.counts().lost < 20:
    time.sleep(0.01)
sink.close(30)
for line in (*said, sink.counts()):
    print(line)
"""
)
FOR_EVER = (
    CHILD
    + """
sequence = 0
while True:
    sink.decision(decision(sequence))
    sequence += 1
    if sequence == 500:
        print("going", flush=True)
"""
)


@pytest.fixture
def child() -> Callable[[str, str], "subprocess.Popen[str]"]:
    def start(code: str, uri: str) -> "subprocess.Popen[str]":
        root = str(Path(__file__).parents[3])
        return subprocess.Popen(
            [sys.executable, "-c", code.format(root=root), uri],
            stdout=subprocess.PIPE,
            text=True,
        )

    return start


def test_a_full_disk_is_said_once_counted_and_got_over(
    child: Callable[[str, str], "subprocess.Popen[str]"], tmp_path: Path
) -> None:
    path = tmp_path / "log.jsonl"

    with child(FULL_DISK, f"{path}?buffer=5") as process:
        out, _ = process.communicate(timeout=60)

    assert process.returncode == 0
    *said, counts = out.splitlines()
    assert len(said) == 2
    assert "cannot write: file too large; up to 5 records wait" in said[0]
    assert "works again" in said[1]
    records = read(path)
    numbers = [each["sequence"] for each in records]
    assert 0 < len(numbers) - 5 < 10
    assert numbers == [*range(len(numbers) - 5), *range(15, 20)]
    assert f"delivered={len(numbers)}, lost={20 - len(numbers)}" in counts


def test_after_a_kill_at_any_moment_the_next_run_goes_on(
    child: Callable[[str, str], "subprocess.Popen[str]"], tmp_path: Path
) -> None:
    path = tmp_path / "log.jsonl"

    with child(FOR_EVER, f"{path}?max_size=100kB&keep=3") as process:
        assert process.stdout is not None
        process.stdout.readline()
        os.kill(process.pid, signal.SIGKILL)
    write(path, 1, first=10_000_000, options="?max_size=100kB&keep=3")

    files = [tmp_path / f"log.jsonl{end}" for end in (".2", ".1", "")]
    numbers = [
        each["sequence"] for file in files if file.exists() for each in read(file)
    ]
    assert numbers == sorted(set(numbers))
    assert numbers[-1] == 10_000_000
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= 300_000
