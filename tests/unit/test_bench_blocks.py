"""Durations by second: nothing is lost, and memory has an end."""

import pytest

from edgeclf.bench.blocks import BlockCounter, DurationBlocks
from edgeclf.latency import StageTimer, cell_width_ns
from edgeclf.stream import Decision
from edgeclf.testing import FakeClock, FakeSource
from edgeclf.types import Prediction
from tests.unit.test_bench import pictures


def decided(at_s: float, total_ns: int) -> Decision:
    [frame] = FakeSource(pictures(1), clock=FakeClock())
    return Decision(
        frame=frame,
        prediction=Prediction(
            top=(), stage_ns={}, decided_ns=int(at_s * 1e9), frame=frame
        ),
        stage_ns={"total": total_ns},
        age_ns=total_ns + 1,
    )


def test_durations_are_counted_in_the_second_that_they_ended_in() -> None:
    counter = BlockCounter()
    for at_s, ns in ((10.0, 100), (10.9, 100), (11.1, 200), (13.5, 100)):
        counter.decision(decided(at_s, ns))

    blocks = counter.blocks

    assert blocks.block_s == 1
    assert blocks.stages["total"] == ({100: 2}, {200: 1}, {}, {100: 1})
    assert blocks.pooled("total") == {100: 3, 200: 1}
    assert blocks.pooled("nothing") == {}


def test_a_long_run_has_no_more_blocks_and_no_fewer_durations() -> None:
    counter = BlockCounter(limit=8)
    for second in range(100):
        counter.decision(decided(second, 1000))

    blocks = counter.blocks

    assert blocks.block_s == 16
    assert len(blocks.stages["total"]) == 7
    assert sum(blocks.pooled("total").values()) == 100


def test_a_cell_is_never_below_its_durations_and_at_most_a_256th_above() -> None:
    for ns in (0, 1, 255, 511, 512, 20_000_001, 2**40 + 12345):
        counter = BlockCounter()
        counter.decision(decided(0, ns))

        [edge] = counter.blocks.pooled("total")

        assert ns <= edge <= ns * (1 + 1 / 256)
        assert edge - cell_width_ns(edge) < ns


def test_its_percentile_is_that_of_the_histogram_of_the_loop() -> None:
    counter, timer = BlockCounter(), StageTimer(capacity=1)
    for number in range(200):
        ns = 1_000_000 + number * 7919
        counter.decision(decided(number / 10, ns))
        timer.record("total", ns)

    edges = counter.blocks.pooled("total")
    [median] = timer.samples["total"].percentiles((50,))

    assert median in edges
    assert sum(count for ns, count in edges.items() if ns <= median) >= 100


def test_blocks_survive_being_stored() -> None:
    blocks = DurationBlocks(block_s=2, stages={"total": ({5: 1, 3: 2}, {})})

    assert DurationBlocks.from_dict(blocks.to_dict()) == blocks


@pytest.mark.parametrize(
    "stored",
    [
        {},
        {"block_s": 1, "stages": []},
        {"block_s": 0, "stages": {}},
        {"block_s": 1.5, "stages": {}},
        {"block_s": 1, "stages": {"total": [{"ns": [1], "counts": []}]}},
        {"block_s": 1, "stages": {"total": [{"ns": [-1], "counts": [1]}]}},
        {"block_s": 1, "stages": {"total": [{"ns": [2**70], "counts": [1]}]}},
        {"block_s": 1, "stages": {"total": [{"ns": [True], "counts": [1]}]}},
        {"block_s": 1, "stages": {"total": [7]}},
    ],
    ids=str,
)
def test_what_is_no_blocks_is_refused(stored: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        DurationBlocks.from_dict(stored)


@pytest.mark.parametrize("limit", [0, 1, 7])
def test_blocks_are_merged_in_pairs(limit: int) -> None:
    with pytest.raises(ValueError, match="limit must be even"):
        BlockCounter(limit)
