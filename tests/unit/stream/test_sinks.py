import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeclf.latency import LatencyReport, StageTimer
from edgeclf.stream import Counts, Decision, Event, JsonSink, LoopReport, TextSink
from edgeclf.types import Classification, EngineIdentity, Frame, Prediction

if TYPE_CHECKING:
    from collections.abc import Mapping

DECISION = Decision(
    frame=Frame(
        pixels=np.zeros((4, 6, 3), np.uint8),
        captured_ns=1_000_000_000,
        timestamp_origin="sensor",
        sequence=41,
    ),
    prediction=Prediction(
        top=(
            Classification(index=3, label="tabby", score=0.8125),
            Classification(index=9, label="lynx", score=0.1),
        ),
        stage_ns={"preprocess": 210_000, "invoke": 3_300_000, "head": 20_000},
        decided_ns=1_004_500_000,
    ),
    stage_ns={
        "capture": 310_000,
        "preprocess": 210_000,
        "invoke": 3_300_000,
        "head": 20_000,
        "total": 3_840_000,
    },
    age_ns=4_500_000,
)


def report() -> LoopReport:
    timer = StageTimer()
    for stage, duration_ns in DECISION.stage_ns.items():
        timer.record(stage, duration_ns)
    timer.record("age", DECISION.age_ns)
    return LoopReport(
        source="synthetic:7@30",
        model_name="lite0",
        model_digest="ab" * 32,
        engine=EngineIdentity(
            engine="litert",
            version="2.3",
            threads_requested=2,
            threads=None,
            delegates=("xnnpack",),
        ),
        counts=Counts(captured=5, decided=5, skipped=7, unreadable=1),
        latency=LatencyReport.from_timer(timer, age_origin="sensor"),
        elapsed_ns=2_000_000_000,
        ended="interrupted",
    )


def test_a_line_of_text_tells_number_labels_stages_and_age_with_its_origin() -> None:
    lines: list[str] = []

    TextSink(lines.append, lines.append).decision(DECISION)

    (line,) = lines
    assert " ".join(line.split()) == (
        "41 tabby 0.812, lynx 0.100 capture 0.31 preprocess 0.21 invoke 3.30 "
        "head 0.02 total 3.84 age 4.50 ms (sensor)"
    )


def test_the_table_goes_where_the_decisions_do_not() -> None:
    lines: list[str] = []
    table: list[str] = []

    TextSink(lines.append, table.append).report(report())

    assert lines == []
    text = "\n".join(table)
    assert "5 captured, 5 decided, 7 skipped, 1 unreadable" in text
    assert "2.5 a second" in text
    assert "interrupted" in text
    assert "age (sensor)" in text
    assert "ab" * 32 in text
    assert "litert 2.3, threads unknown (2 asked for), xnnpack" in text


def test_a_run_without_decisions_has_no_stages_in_its_table() -> None:
    table: list[str] = []
    empty = replace(report(), latency=LatencyReport.from_timer(StageTimer()))

    TextSink(table.append, table.append).report(empty)

    assert "p50" not in "\n".join(table)


def test_json_objects_tell_what_they_are_and_hold_no_pixels() -> None:
    objects: list[Mapping[str, Any]] = []
    sink = JsonSink(objects.append)

    sink.decision(DECISION)
    sink.report(report())

    decision, ending = (json.loads(json.dumps(each)) for each in objects)
    assert decision["record"] == "decision"
    assert decision["top"][0] == {"index": 3, "label": "tabby", "score": 0.8125}
    assert decision["stage_ns"]["total"] == 3_840_000
    assert "frame" not in decision
    assert ending["record"] == "report"
    assert ending["counts"] == {
        "captured": 5,
        "decided": 5,
        "skipped": 7,
        "unreadable": 1,
        "dropped": 0,
        "duplicated": 0,
        "unchanged": 0,
        "late": 0,
        "left": 0,
    }


EVENT = Event(
    kind="camera",
    name="black",
    phase="start",
    at_ns=1_000_000_000,
    noticed_ns=1_250_000_000,
    sequence=7,
    detail="mean 3 of 255",
)


def test_an_event_is_one_line_that_says_how_late_it_was_noticed() -> None:
    lines: list[str] = []

    TextSink(lines.append, lines.append).event(EVENT)

    assert lines == [
        "event   camera black start: mean 3 of 255  (noticed after 250 ms)"
    ]


def test_an_event_is_one_json_object() -> None:
    written: list[Mapping[str, Any]] = []

    JsonSink(written.append).event(EVENT)

    assert written == [{"record": "event", **EVENT.to_dict()}]
    assert json.dumps(written)
