"""What the page is told of the loop."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from edgeclf.latency import LatencyBudget, StageLimit
from edgeclf.machine import MachineState, ThrottleBits
from edgeclf.page import LivePage
from edgeclf.page.live import EVENTS
from edgeclf.page.recent import WINDOW
from edgeclf.stream import Ledger
from edgeclf.types import EngineIdentity
from tests.models import tiny_model
from tests.unit.sinks.records import MS, decision, event

SCHEMA = json.loads(
    (Path(__file__).parents[3] / "docs" / "schemas" / "page-1.json").read_text()
)
S = 1000 * MS
ENGINE = EngineIdentity(
    engine="litert",
    version="2.1",
    threads_requested=2,
    threads=2,
    delegates=("xnnpack",),
)


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now_ns = 1 * S

    def __call__(self) -> int:
        return self.now_ns


def page_of(clock: Clock, **options: Any) -> LivePage:
    page = LivePage(model=tiny_model(), clock=clock, **options)
    page.started(source="synthetic:7", engine=ENGINE, workers=1)
    return page


def state_of(page: LivePage) -> dict[str, Any]:
    """Return the state as a browser gets it, checked against its schema."""
    state: dict[str, Any] = json.loads(json.dumps(page.state(), allow_nan=False))
    jsonschema.validate(state, SCHEMA)
    return state


def test_before_the_loop_begins_there_is_nothing_but_the_model() -> None:
    state = state_of(LivePage(model=tiny_model()))

    assert state["phase"] == "starting"
    assert state["model"]["name"] == "tiny-int8"
    assert state["loop"] is None
    assert state["decision"] is None
    assert state["stages"] == {}


def test_the_newest_decision_is_shown_with_its_age_and_how_long_ago_it_was() -> None:
    clock = Clock()
    page = page_of(clock)
    for sequence, label in enumerate(("lynx", "tabby")):
        page.decision(decision(sequence, label=label, at_ns=clock.now_ns))
        clock.now_ns += 40 * MS

    shown = state_of(page)["decision"]

    assert shown["sequence"] == 1
    assert shown["top"] == [{"index": 3, "label": "tabby", "score": 0.75}]
    assert shown["size"] == [6, 4]
    assert shown["age_ms"] == 9
    assert shown["since_ms"] == 40 - 9
    assert shown["timestamp_origin"] == "sensor"


def test_the_part_that_the_model_sees_is_where_its_crop_is() -> None:
    clock = Clock()
    page = page_of(clock)
    page.decision(decision(0, at_ns=clock.now_ns))

    left, top, width, height = state_of(page)["decision"]["seen"]

    # Of 6 x 4 pixels, 0.875 of the shorter side, which is 3: columns 1 (of 1.5) to 4.
    assert (left, top) == pytest.approx((1 / 6, 0), abs=0.02)
    assert (width, height) == pytest.approx((3 / 6, 3 / 4), abs=0.02)


def test_times_are_percentiles_of_the_newest_decisions_beside_their_budget() -> None:
    clock = Clock()
    budget = LatencyBudget(
        tails=(
            StageLimit(stage="invoke", statistic="p50", limit_ms=4),
            StageLimit(stage="total", statistic="p99", limit_ms=100),
        ),
        temperature_c=60,
        rss_mib=100,
        name="some-board",
    )
    page = page_of(clock, budget=budget, is_own_budget=True)
    page.decision(decision(0, at_ns=clock.now_ns))

    state = state_of(page)

    assert state["stages"]["invoke"]["p50_ms"] == 5
    assert state["stages"]["age"]["max_ms"] == 9
    assert state["budget"]["name"] == "some-board"
    assert state["budget"]["is_own"] is True
    limits = {each["name"]: each["over"] for each in state["budget"]["limits"]}
    assert limits == {"invoke": True, "total": None, "temperature": None}


def test_what_is_older_than_the_window_is_forgotten() -> None:
    clock = Clock()
    page = page_of(clock)
    slow = decision(0, at_ns=clock.now_ns)
    slow.stage_ns["total"] = 900 * MS  # type: ignore[index] # a dict in this test
    page.decision(slow)
    for sequence in range(1, WINDOW):
        page.decision(decision(sequence, at_ns=clock.now_ns))

    assert state_of(page)["stages"]["total"]["max_ms"] == 900
    page.decision(decision(WINDOW, at_ns=clock.now_ns))
    clock.now_ns += S

    assert state_of(page)["stages"]["total"]["max_ms"] == 8


def test_percentiles_are_worked_out_once_a_second_however_many_look() -> None:
    clock = Clock()
    page = page_of(clock)
    page.decision(decision(0, at_ns=clock.now_ns))
    before = state_of(page)["stages"]
    slow = decision(1, at_ns=clock.now_ns)
    slow.stage_ns["total"] = 900 * MS  # type: ignore[index] # a dict in this test
    page.decision(slow)

    assert state_of(page)["stages"] == before
    clock.now_ns += S
    assert state_of(page)["stages"]["total"]["max_ms"] == 900


@pytest.mark.parametrize(("after_s", "expected"), [(2, 20), (5, 20), (60, 20)])
def test_the_speed_is_that_of_the_last_seconds(after_s: int, expected: float) -> None:
    clock = Clock()
    page = page_of(clock)
    for sequence in range(20 * after_s):
        clock.now_ns += 50 * MS
        page.decision(decision(sequence, at_ns=clock.now_ns - 9 * MS))

    assert state_of(page)["decisions_per_s"] == pytest.approx(expected, rel=0.02)
    clock.now_ns += 10 * S
    assert state_of(page)["decisions_per_s"] == 0


def test_a_speed_beyond_what_is_kept_is_not_cut_off() -> None:
    clock = Clock()
    page = page_of(clock)
    for sequence in range(3 * WINDOW):
        clock.now_ns += 1 * MS
        page.decision(decision(sequence, at_ns=clock.now_ns - 9 * MS))

    assert state_of(page)["decisions_per_s"] == pytest.approx(1000, rel=0.02)


def test_the_newest_events_are_shown_first_and_old_ones_forgotten() -> None:
    clock = Clock()
    page = page_of(clock)
    for number in range(EVENTS + 3):
        page.event(event("label", f"label {number}"))

    events = state_of(page)["events"]

    assert [each["name"] for each in events[:2]] == ["label 52", "label 51"]
    assert len(events) == EVENTS
    assert events[0]["since_ms"] == pytest.approx(1000)


def test_frames_are_counted_while_the_loop_runs() -> None:
    ledger = Ledger()
    ledger.captured(skipped=2)
    ledger.captured()
    ledger.settled("dropped")

    counts = state_of(page_of(Clock(), counts=ledger.so_far))["counts"]

    assert counts["captured"] == 2
    assert counts["skipped"] == 2
    assert counts["dropped"] == 1
    assert counts["left"] == 1


def test_heat_is_shown_in_words() -> None:
    clock = Clock()
    reading = MachineState(
        at_ns=clock.now_ns - S,
        temperature_c=71.5,
        clock_mhz=1500,
        throttle=ThrottleBits.CAPPED | ThrottleBits.UNDER_VOLTAGE_SINCE_BOOT,
        load_1m=1.25,
        available_mib=500,
        swap_used_mib=0,
        swapped_pages=0,
        busy_ns=0,
        own_ns=0,
    )

    machine = state_of(page_of(clock, machine=lambda: reading))["machine"]

    assert machine["temperature_c"] == 71.5
    assert machine["throttle"] == "capped"
    assert machine["since_ms"] == 1000


def test_two_runs_can_be_told_apart() -> None:
    first, second = (state_of(LivePage(model=tiny_model()))["run"] for _ in range(2))

    assert first != second
