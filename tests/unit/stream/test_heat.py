"""Heat as events, and what is done about it."""

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgeclf.commands.loop_heat import watched_heat
from edgeclf.machine import MachineReader, MachineState, ThrottleBits
from edgeclf.stream import Decision, HeatMonitor, HeatWatcher, OnThrottle, Stop
from edgeclf.types import Classification, Frame, Prediction
from tests.machines import write_tree

MS = 1_000_000
COOL = MachineState(
    at_ns=0,
    temperature_c=50.0,
    clock_mhz=None,
    throttle=ThrottleBits(0),
    load_1m=None,
    available_mib=None,
    swap_used_mib=None,
    swapped_pages=None,
    busy_ns=None,
    own_ns=0,
)
HOT = replace(COOL, temperature_c=80.0)
THROTTLED = replace(COOL, throttle=ThrottleBits.THROTTLED | ThrottleBits.CAPPED)
STARVED = replace(COOL, throttle=ThrottleBits.UNDER_VOLTAGE)
WAS_THROTTLED = replace(COOL, throttle=ThrottleBits.THROTTLED_SINCE_BOOT)


def decision(sequence: int) -> Decision:
    return Decision(
        frame=Frame(
            pixels=np.zeros((2, 2, 3), np.uint8),
            captured_ns=sequence * 100 * MS,
            timestamp_origin="sensor",
            sequence=sequence,
        ),
        prediction=Prediction(
            top=(Classification(index=0, label="cat", score=0.9),),
            stage_ns={},
            decided_ns=(sequence * 100 + 30) * MS,
        ),
        stage_ns={"total": 30 * MS},
        age_ns=30 * MS,
    )


class Board:
    """Shows one reading after the other, and notes what is done about it."""

    def __init__(self, *states: MachineState | None) -> None:
        self.states = states
        self.rests: list[float] = []
        self.stops: list[str] = []

    def run(
        self, on_throttle: OnThrottle = "warn", limit_c: float | None = 80.0
    ) -> list[list[str]]:
        """Return what began and ended with each reading, and at the end."""
        readings = iter(self.states)
        watcher = HeatWatcher(
            lambda: next(readings),
            limit_c=limit_c,
            on_throttle=on_throttle,
            stop=self.stops.append,
            sleep=self.rests.append,
        )
        told = [watcher.watch(decision(n)) for n in range(len(self.states))]
        told.append(watcher.finish(10_000 * MS))
        assert all(each.kind == "heat" for events in told for each in events)
        return [[f"{each.name} {each.phase}" for each in events] for events in told]


@pytest.mark.parametrize(
    ("state", "name"),
    [(HOT, "hot"), (THROTTLED, "throttled"), (STARVED, "under-voltage")],
    ids=["hot", "throttled", "under-voltage"],
)
def test_what_begins_and_ends_is_told_once(state: MachineState, name: str) -> None:
    board = Board(None, COOL, state, replace(state), replace(COOL))

    assert board.run() == [[], [], [f"{name} start"], [], [f"{name} end"], []]


def test_what_still_goes_on_ends_with_the_run() -> None:
    both = replace(THROTTLED, temperature_c=86.0)

    assert Board(both).run() == [
        ["hot start", "throttled start"],
        ["hot end", "throttled end"],
    ]


def test_hot_ends_three_degrees_below_where_it_began() -> None:
    states = [replace(COOL, temperature_c=each) for each in (80.0, 78.0, 77.1, 76.9)]

    assert Board(*states).run() == [["hot start"], [], [], ["hot end"], []]


@pytest.mark.parametrize(
    ("state", "limit_c"),
    [(WAS_THROTTLED, 80.0), (HOT, None), (replace(HOT, temperature_c=None), 80.0)],
    ids=["long ago", "no known limit", "no reading"],
)
def test_what_nobody_can_say_now_is_no_event(
    state: MachineState, limit_c: float | None
) -> None:
    assert Board(state).run(limit_c=limit_c) == [[], []]


def test_slow_rests_as_long_as_each_decision_took_while_it_is_hot() -> None:
    board = Board(COOL, HOT, replace(HOT), replace(COOL))

    board.run("slow")

    assert board.rests == [0.03, 0.03]
    assert board.stops == []


def test_stop_asks_for_the_end_once_and_says_why() -> None:
    board = Board(COOL, STARVED, replace(STARVED))

    board.run("stop")

    assert board.stops == [
        "the board is under voltage (under voltage; 50.0 °C)",
    ]
    assert board.rests == []


def test_warn_only_tells() -> None:
    board = Board(HOT, THROTTLED)

    board.run("warn")

    assert (board.rests, board.stops) == ([], [])


def test_the_monitor_reads_on_until_it_is_left(tmp_path: Path) -> None:
    read = threading.Semaphore(0)

    class Counted(MachineReader):
        def read(self, *, throttle: bool = True) -> MachineState:
            read.release()
            return super().read(throttle=throttle)

    with HeatMonitor(Counted(write_tree(tmp_path)), interval_s=0.001) as monitor:
        for _ in range(3):
            assert read.acquire(timeout=30)
        state = monitor()

    assert state is not None
    assert state.temperature_c == 48.85


def test_a_board_is_watched_with_its_own_profiles_limit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = write_tree(tmp_path, get_throttled="8\n")
    stop = Stop()
    with watched_heat("stop", stop, root=root) as heat:
        until(lambda: bool(heat.watchers[0].watch(decision(0))))

    assert stop.reason == "overheated"
    assert "soft limit" in capsys.readouterr().err


def test_a_machine_that_shows_no_heat_is_not_watched(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with watched_heat("slow", Stop(), root=tmp_path) as heat:
        assert not heat.watchers

    assert "does not show its heat" in capsys.readouterr().err


def until(happens: Callable[[], bool]) -> None:
    """Wait until something happens; the test's own time limit ends it."""
    waiting = threading.Event()
    while not happens():
        waiting.wait(0.005)
