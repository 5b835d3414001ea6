"""A real scrape, read by Prometheus' own parser."""

import socket
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgeclf.errors import SinkError
from edgeclf.sinks import open_sink, open_sinks
from edgeclf.sinks.buffered import BufferedSink
from edgeclf.stream import Ledger, run_loop
from edgeclf.testing import FakeClock
from edgeclf.types import Frame
from tests.brokers import until
from tests.live_sources import Instant, Scripted, give, give_after_gap, give_again
from tests.unit.sinks.records import decision, event

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scrape(sink: BufferedSink) -> Samples:
    """Return each sample by its name and labels; every series is there once."""
    from prometheus_client.parser import text_string_to_metric_families

    address = sink.name.removeprefix("prometheus:")
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=30) as response:
        text = response.read().decode()
    found: Samples = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in found
            found[key] = sample.value
    return found


def value(samples: Samples, name: str, /, **labels: str) -> float:
    return samples[(name, frozenset(labels.items()))]


@pytest.fixture
def sink() -> Iterator[BufferedSink]:
    sink = open_sink("prometheus:0")
    yield sink
    sink.close(30)


def test_a_scrape_tells_what_was_counted_and_what_is_true_now(
    sink: BufferedSink,
) -> None:
    for sequence in (0, 1, 4):
        sink.decision(decision(sequence, label="lynx", score=0.25 * sequence / 4))
    sink.decision(decision(5, label='a "tabby"\\\n', score=0.75))
    sink.event(event("camera", "black"))
    sink.event(event("label", "lynx"))
    sink.event(event("label", "lynx", "end"))
    sink.settle(30)

    samples = scrape(sink)

    assert value(samples, "edgeclf_decisions_total") == 4
    assert value(samples, "edgeclf_label", label='a "tabby"\\\n') == 1
    assert len([name for name, _ in samples if name == "edgeclf_label"]) == 1
    assert value(samples, "edgeclf_score") == 0.75
    assert value(samples, "edgeclf_going_on", kind="camera", name="black") == 1
    assert value(samples, "edgeclf_going_on", kind="label", name="lynx") == 0
    assert (
        value(samples, "edgeclf_events_total", kind="label", name="lynx", phase="end")
        == 1
    )
    assert value(samples, "edgeclf_model_info", model="model") == 1
    assert value(samples, "process_open_fds") > 0


def test_histograms_hold_each_stage_and_the_age(sink: BufferedSink) -> None:
    for sequence in range(10):
        sink.decision(decision(sequence))
    sink.settle(30)

    samples = scrape(sink)

    for stage in ("capture", "preprocess", "invoke", "head", "total"):
        assert value(samples, "edgeclf_stage_seconds_count", stage=stage) == 10
    below = value(samples, "edgeclf_stage_seconds_bucket", stage="invoke", le="0.0025")
    within = value(samples, "edgeclf_stage_seconds_bucket", stage="invoke", le="0.005")
    assert (below, within) == (0, 10)  # 5 ms each
    assert value(samples, "edgeclf_age_seconds_sum") == pytest.approx(0.09)


def test_what_other_sinks_lost_is_told(tmp_path: Path) -> None:
    log, twin = tmp_path / "log", f"http://127.0.0.1:1/{'x'}"
    said: list[str] = []
    uris = [f"jsonl:{log}", f"{twin}?buffer=1", f"{twin}?buffer=2", "prometheus:0"]

    with open_sinks(uris, notify=said.append) as sinks:
        for each in sinks[:3]:
            for sequence in range(5):
                each.event(event(sequence=sequence))
        until(lambda: sinks[0].counts().delivered == 5)
        until(lambda: [each.counts().lost for each in sinks[1:3]] == [4, 3])
        samples = scrape(sinks[3])

    shown = "http://127.0.0.1:1/…"
    assert value(samples, "edgeclf_sink_delivered_total", sink=f"jsonl:{log}") == 5
    assert value(samples, "edgeclf_sink_lost_total", sink=shown) == 4
    assert value(samples, "edgeclf_sink_lost_total", sink=f"{shown} (2)") == 3


FATES = ("decided", "dropped", "duplicated", "unchanged", "late", "skipped")


def fates(samples: Samples) -> dict[str, float]:
    return {fate: value(samples, "edgeclf_frames_total", fate=fate) for fate in FATES}


def test_what_became_of_frames_is_told_while_the_loop_runs() -> None:
    clock, ledger = FakeClock(), Ledger()
    seen: list[Samples] = []

    def look(frame: Frame) -> None:
        if frame.sequence == 5:
            seen.append(scrape(sinks[0]))

    steps = [give, give_again, give_after_gap, give, give]
    with open_sinks(["prometheus:0"], frames=ledger.so_far) as sinks:
        report = run_loop(
            Scripted(steps, clock=clock, live=False),
            Instant(clock, before=look),
            sinks=sinks,
            ledger=ledger,
            clock=clock,
        )
        after = scrape(sinks[0])

    nothing = dict.fromkeys(FATES, 0)
    assert fates(seen[0]) == {**nothing, "decided": 2, "duplicated": 1, "skipped": 3}
    assert value(seen[0], "edgeclf_frames_captured_total") == 4
    assert value(seen[0], "edgeclf_frames_under_way") == 1  # the one that is decided
    assert fates(after) == {fate: getattr(report.counts, fate) for fate in FATES}
    assert value(after, "edgeclf_frames_captured_total") == report.counts.captured == 5
    assert value(after, "edgeclf_frames_under_way") == report.counts.left == 0


def test_where_nobody_counts_frames_nothing_is_said_of_them(sink: BufferedSink) -> None:
    sink.decision(decision(7))
    sink.settle(30)

    assert not [name for name, _ in scrape(sink) if name.startswith("edgeclf_frames")]


def test_a_lost_source_is_there_before_the_first_loss_and_until_it_is_back(
    sink: BufferedSink,
) -> None:
    lost = {"kind": "source", "name": "lost"}
    before = scrape(sink)
    sink.event(event("source", "lost"))
    until(lambda: value(scrape(sink), "edgeclf_going_on", **lost) == 1)
    sink.event(event("source", "lost", "end"))
    until(lambda: value(scrape(sink), "edgeclf_going_on", **lost) == 0)

    after = scrape(sink)
    for phase in ("start", "end"):
        assert value(before, "edgeclf_events_total", **lost, phase=phase) == 0
        assert value(after, "edgeclf_events_total", **lost, phase=phase) == 1
    assert value(before, "edgeclf_going_on", **lost) == 0


def test_before_the_first_decision_there_is_no_label(sink: BufferedSink) -> None:
    samples = scrape(sink)

    assert value(samples, "edgeclf_decisions_total") == 0
    assert "edgeclf_label" not in {name for name, _ in samples}


def test_one_who_connects_and_says_nothing_keeps_nobody_from_reading(
    sink: BufferedSink,
) -> None:
    port = int(sink.name.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)):
        assert scrape(sink)


def test_it_listens_on_the_loopback_address_unless_a_host_is_given(
    sink: BufferedSink,
) -> None:
    everywhere = open_sink("prometheus:0.0.0.0:0")
    six = open_sink("prometheus:[::1]:0")

    assert sink.name.startswith("prometheus:127.0.0.1:")
    assert everywhere.name.startswith("prometheus:0.0.0.0:")
    assert scrape(six)
    everywhere.close(30)
    six.close(30)


def test_a_port_in_use_is_refused(sink: BufferedSink) -> None:
    with pytest.raises(SinkError, match=r"cannot listen .* in use"):
        open_sink(sink.name)


@pytest.mark.parametrize(
    "uri",
    ["prometheus:", "prometheus:web", "prometheus:70000", "prometheus:1?every=1s"],
)
def test_a_wrong_uri_is_refused(uri: str) -> None:
    with pytest.raises(SinkError):
        open_sink(uri)


def test_the_port_is_free_again_after_the_end() -> None:
    first = open_sink("prometheus:0")
    first.close(30)

    again = open_sink(first.name)

    again.close(30)


def test_taking_a_decision_costs_the_loop_little(sink: BufferedSink) -> None:
    shown = decision(0)

    def batch() -> int:
        began_ns = time.thread_time_ns()
        for _ in range(200):
            sink.decision(shown)
        return time.thread_time_ns() - began_ns

    best_ns = min(batch() for _ in range(20)) / 200

    assert best_ns < 60_000  # 10,000 is usual; this machine may be a slow one
