"""What every sink must do, wherever it sends its records."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgeclf.latency import LatencyReport, StageTimer
from edgeclf.sinks import SINKS, SinkOptions, open_sink
from edgeclf.sinks.buffered import BufferedSink
from edgeclf.stream import Counts, LoopReport, Sink, settle_sinks
from edgeclf.types import EngineIdentity
from tests.unit.sinks.records import decision, event

SECRET = "hunter2"  # noqa: S105 - what must not be shown
URIS = {
    "jsonl": "jsonl:{folder}/log.jsonl",
    "mqtt": "mqtt://cat:hunter2@127.0.0.1:{closed}/topic",
    "mqtts": "mqtts://cat:hunter2@127.0.0.1:{closed}/topic",
    "http": "http://cat:hunter2@127.0.0.1:{closed}/hunter2",
    "https": "https://cat:hunter2@127.0.0.1:{closed}/hunter2",
    "prometheus": "prometheus:0",
    "captures": "captures:{folder}/captures?max_rate=1000/s",
}
"""One of each kind; nobody answers at those that need somebody else."""

REPORT = LoopReport(
    source="fake:",
    model_name="tiny",
    model_digest="ab" * 32,
    engine=EngineIdentity(
        engine="fake", version="0", threads_requested=1, threads=1, delegates=()
    ),
    counts=Counts(captured=1, decided=1, skipped=0, unreadable=0),
    latency=LatencyReport.from_timer(StageTimer()),
    elapsed_ns=1,
    ended="frames",
)


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture(params=sorted(SINKS))
def sink(
    request: pytest.FixtureRequest, tmp_path: Path, said: list[str]
) -> Iterator[BufferedSink]:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        closed = taken.getsockname()[1]
    uri = URIS[request.param].format(folder=tmp_path, closed=closed)
    sink = open_sink(uri, options=SinkOptions(notify=said.append))
    yield sink
    sink.close(30)


def test_every_record_that_it_took_is_delivered_or_lost_at_the_end(
    sink: BufferedSink,
) -> None:
    as_sink: Sink = sink
    for sequence in range(30):
        as_sink.decision(decision(sequence, score=0.1, at_ns=sequence * 10**9))
        as_sink.event(event(sequence=sequence))

    (counts,) = settle_sinks([sink], timeout_s=30)

    assert counts.taken in {30, 60}
    assert counts.taken == counts.delivered + counts.lost
    as_sink.report(REPORT)


def test_it_shows_no_password_whatever_happens(
    sink: BufferedSink, said: list[str]
) -> None:
    sink.event(event())
    sink.report(REPORT)
    sink.settle(30)
    sink.close(30)

    assert SECRET not in sink.name
    assert SECRET not in repr(sink)
    assert SECRET not in "".join(said)


def test_closing_twice_does_nothing_and_taking_more_does_no_harm(
    sink: BufferedSink,
) -> None:
    sink.close(30)

    sink.decision(decision(0, score=0.1))
    sink.event(event())
    sink.close(30)


@pytest.mark.parametrize(
    ("uri", "package", "extra"),
    [
        ("mqtt://cat:hunter2@host/topic", "paho", "mqtt"),
        ("prometheus:0", "prometheus_client", "metrics"),
    ],
)
def test_a_package_that_is_missing_is_named_with_what_installs_it(
    uri: str, package: str, extra: str
) -> None:
    code = (
        f"import sys; sys.modules[{package!r}] = None\n"
        "from edgeclf.errors import MissingDependencyError\n"
        "from edgeclf.sinks import open_sink\n"
        f"try: open_sink({uri!r})\n"
        "except MissingDependencyError as error: print(error)"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert f"needs {package}" in done.stdout
    assert f"[{extra}]" in done.stdout
    assert SECRET not in done.stdout
