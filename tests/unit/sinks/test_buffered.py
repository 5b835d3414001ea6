"""The buffer between the loop and an outlet that fails, waits and comes back."""

import threading
import time
from collections.abc import Callable, Sequence

import pytest

from edgeclf.sinks.buffered import Backoff, BufferedSink
from edgeclf.sinks.outlet import OutletDownError, RecordRefusedError
from edgeclf.sinks.picking import PickKinds
from edgeclf.sinks.record import Record
from edgeclf.stream import settle_sinks
from tests.unit.sinks.records import KINDS, decision, event, sequences

QUICK = Backoff(first_s=0.005, most_s=0.01)


class Gate:
    """An outlet that takes what it is told to take, in steps of ``batch``."""

    def __init__(self, *, batch: int = 4, is_up: bool = True) -> None:
        self.batch = batch
        self.is_up = is_up
        self.refuses: set[int] = set()
        self.arrived: list[Record] = []
        self.tries = 0
        self.closed = 0
        self.open = threading.Event()
        self.open.set()

    def ready(self) -> None:
        self.tries += 1
        if not self.is_up:
            raise OutletDownError("nobody answers")

    def deliver(self, records: Sequence[Record]) -> int:
        self.open.wait(30)
        if records[0].body["sequence"] in self.refuses:
            raise RecordRefusedError("it does not like the first one")
        self.arrived.append(records[0])
        return 1

    def close(self) -> None:
        self.closed += 1


def until(claim: Callable[[], bool]) -> None:
    deadline_ns = time.monotonic_ns() + 30_000_000_000
    while not claim():
        assert time.monotonic_ns() < deadline_ns, "it never came true"
        time.sleep(0.002)


def made(gate: Gate, said: list[str], *, size: int = 1000) -> BufferedSink:
    return BufferedSink(
        gate,
        PickKinds(KINDS),
        name="gate:",
        notify=said.append,
        size=size,
        backoff=QUICK,
    )


def test_everything_arrives_once_and_in_order() -> None:
    gate, said = Gate(), list[str]()
    sink = made(gate, said)

    for sequence in range(50):
        sink.decision(decision(sequence))
    counts = sink.settle(30)
    sink.close()

    assert sequences(gate.arrived) == list(range(50))
    assert (counts.taken, counts.delivered, counts.lost) == (50, 50, 0)
    assert len({record.id for record in gate.arrived}) == 50
    assert (said, gate.closed) == ([], 1)


def test_what_the_buffer_holds_survives_an_outage_and_the_oldest_is_lost_first() -> (
    None
):
    gate, said = Gate(is_up=False), list[str]()
    sink = made(gate, said, size=10)
    for sequence in range(25):
        sink.decision(decision(sequence))
    until(lambda: bool(said))
    until(lambda: sink.counts().lost == 15)

    gate.is_up = True
    until(lambda: sink.counts().delivered == 10)
    until(lambda: len(said) == 2)
    sink.close()

    assert sequences(gate.arrived) == list(range(15, 25))
    assert "nobody answers; up to 10 records wait" in said[0]
    assert "works again after" in said[1]


def test_an_outage_is_said_once_however_many_tries_and_records_it_takes() -> None:
    gate, said = Gate(is_up=False), list[str]()
    sink = made(gate, said)

    for sequence in range(20):
        sink.decision(decision(sequence))
        time.sleep(0.002)
    until(lambda: gate.tries > 5)

    assert len(said) == 1
    gate.is_up = True
    sink.close(30)
    assert sequences(gate.arrived) == list(range(20))


def test_putting_never_waits_for_an_outlet_that_hangs() -> None:
    gate, said = Gate(), list[str]()
    gate.open.clear()
    sink = made(gate, said, size=5)
    shown = decision(0)

    began_ns = time.monotonic_ns()
    for _ in range(2000):
        sink.decision(shown)
    took_ns = time.monotonic_ns() - began_ns

    assert took_ns < 5e9  # it would be 60 s if one record had waited
    gate.open.set()
    sink.close(30)
    counts = sink.counts()
    assert counts.taken == counts.delivered + counts.lost == 2000


def test_an_outlet_that_is_too_slow_is_said_once() -> None:
    gate, said = Gate(batch=1), list[str]()
    gate.open.clear()
    sink = made(gate, said, size=3)
    for sequence in range(10):
        sink.decision(decision(sequence))

    gate.open.set()
    sink.settle(30)
    sink.close()

    assert said == ["gate:: takes fewer records than there are; the oldest are lost"]
    assert sequences(gate.arrived)[-3:] == [7, 8, 9]


def test_a_refused_record_is_lost_and_the_next_ones_arrive() -> None:
    gate, said = Gate(), list[str]()
    gate.refuses = {2, 5}
    sink = made(gate, said)

    for sequence in range(8):
        sink.decision(decision(sequence))
    counts = sink.settle(30)
    sink.close()

    assert sequences(gate.arrived) == [0, 1, 3, 4, 6, 7]
    assert (counts.delivered, counts.lost) == (6, 2)
    assert len(said) == 1


def test_settling_counts_what_hangs_as_lost_within_its_time() -> None:
    gate, said = Gate(batch=1), list[str]()
    gate.open.clear()
    sink = made(gate, said)
    for sequence in range(7):
        sink.decision(decision(sequence))

    began_ns = time.monotonic_ns()
    (counts,) = settle_sinks([sink], timeout_s=0.1)
    took_ns = time.monotonic_ns() - began_ns

    assert 0.1e9 <= took_ns < 5e9
    assert (counts.taken, counts.delivered, counts.lost) == (7, 0, 7)
    assert said == ["gate:: 7 records could not be delivered before the end"]
    gate.open.set()
    sink.close(30)
    assert sink.counts() == counts


def test_settling_tries_once_more_and_does_not_sit_out_a_pause() -> None:
    gate, said = Gate(is_up=False), list[str]()
    sink = BufferedSink(
        gate,
        PickKinds(KINDS),
        name="gate:",
        notify=said.append,
        backoff=Backoff(first_s=600, most_s=600),
    )
    sink.event(event())
    until(lambda: bool(said))

    gate.is_up = True
    gate.refuses = set()
    sink.decision(decision(3))
    counts = sink.settle(30)
    sink.close(30)

    assert (counts.delivered, counts.lost) == (2, 0)


def test_a_failing_outlet_is_given_up_when_the_run_ends() -> None:
    gate, said = Gate(is_up=False), list[str]()
    sink = made(gate, said)
    sink.decision(decision(0))
    until(lambda: bool(said))

    counts = sink.settle(30)
    sink.close(30)

    assert (counts.taken, counts.lost) == (1, 1)
    assert gate.closed == 1


def test_an_idle_outlet_is_asked_to_be_ready_before_the_first_record() -> None:
    gate, said = Gate(), list[str]()

    sink = made(gate, said)

    until(lambda: gate.tries > 0)
    sink.close(30)
    assert gate.arrived == []


@pytest.mark.parametrize("failures", [1, 2, 5, 4000])
def test_a_pause_never_exceeds_its_limit_and_keeps_half_of_itself(
    failures: int,
) -> None:
    backoff = Backoff(first_s=0.5, most_s=5)

    shortest, longest = backoff.pause_s(failures, 0.0), backoff.pause_s(failures, 1.0)

    assert longest == min(0.5 * 2 ** min(failures - 1, 30), 5)
    assert shortest == longest / 2


def test_a_buffer_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        made(Gate(), [], size=0)
