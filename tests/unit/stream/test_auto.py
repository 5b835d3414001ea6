import time
from dataclasses import dataclass, field

import pytest

from edgeclf.errors import BackendError
from edgeclf.stream import (
    Candidate,
    Measured,
    Stop,
    WorkerChoice,
    candidates_for,
    chosen_workers,
    sample_frames,
)
from edgeclf.testing import FakeClock, FakeSource
from edgeclf.types import Frame, Prediction
from tests.live_sources import PIXELS, Instant

FRAMES = list(FakeSource([PIXELS] * 3))


def test_candidates_fill_the_cores_and_no_more() -> None:
    def shown(cores: int, threads: int | None = None) -> list[str]:
        return [str(each) for each in candidates_for(cores, threads=threads)]

    assert shown(1) == ["1 x 1"]
    assert shown(2) == ["1 x 1", "1 x 2", "2 x 1"]
    assert shown(4) == ["1 x 1", "1 x 2", "1 x 4", "2 x 1", "2 x 2", "4 x 1"]
    assert shown(6)[:4] == ["1 x 1", "1 x 2", "1 x 4", "1 x 6"]
    assert "6 x 1" in shown(6)
    assert shown(4, threads=2) == ["1 x 2", "2 x 2"]
    assert shown(2, threads=3) == ["1 x 3"]


def choice(*rates: tuple[int, int, float]) -> WorkerChoice:
    return WorkerChoice(
        measured=tuple(
            Measured(
                candidate=Candidate(workers=workers, threads=threads), frames_per_s=rate
            )
            for workers, threads, rate in rates
        )
    )


def test_the_fastest_is_picked_and_of_equals_the_one_with_less_going_on() -> None:
    assert str(choice((1, 1, 9), (2, 1, 12), (1, 2, 10)).picked) == "2 x 1"
    assert str(choice((2, 1, 12), (1, 2, 12), (1, 1, 3)).picked) == "1 x 2"


def test_a_choice_says_why() -> None:
    picked = choice((1, 1, 9.04), (2, 1, 12))

    assert str(picked) == (
        "2 x 1 (frames a second of workers x threads: 1 x 1: 9.0, 2 x 1: 12.0)"
    )
    assert picked.to_dict() == {
        "picked": {"workers": 2, "threads": 1},
        "measured": [
            {"workers": 1, "threads": 1, "frames_per_s": 9.04},
            {"workers": 2, "threads": 1, "frames_per_s": 12},
        ],
    }


def test_a_choice_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="something to choose from"):
        WorkerChoice(measured=())


def test_no_workers_are_no_candidate() -> None:
    with pytest.raises(ValueError, match="above 0"):
        Candidate(workers=0, threads=1)


@dataclass
class Sleeper(Instant):
    """Takes as long with two threads as with one, and lets others run meanwhile."""

    clock: FakeClock = field(default_factory=FakeClock)
    fails: bool = False
    closed: bool = False

    def classify(self, frame: Frame) -> Prediction:
        time.sleep(0.008)
        if self.fails:
            raise BackendError("the engine gave up")
        return super().classify(frame)

    def close(self) -> None:
        self.closed = True


@dataclass
class Opener:
    fails: bool = False
    opened: dict[int, list[Sleeper]] = field(default_factory=dict)

    def __call__(self, threads: int) -> Sleeper:
        self.opened.setdefault(threads, []).append(Sleeper(fails=self.fails))
        return self.opened[threads][-1]

    @property
    def all(self) -> list[Sleeper]:
        return [each for pool in self.opened.values() for each in pool]


def test_two_workers_are_picked_where_they_decide_more() -> None:
    opener = Opener()

    with chosen_workers(
        opener, FRAMES, candidates_for(2), stop=Stop(), slice_s=0.01
    ) as (picked, workers):
        assert str(picked.picked) == "2 x 1"
        assert list(workers) == opener.opened[1]
        assert not any(each.closed for each in opener.opened[1])
        assert all(each.closed for each in opener.opened[2])

    assert all(each.closed for each in opener.all)


def test_an_engine_that_fails_while_it_is_measured_is_told_and_all_are_closed() -> None:
    opener = Opener(fails=True)

    with (
        pytest.raises(BackendError, match="gave up"),
        chosen_workers(opener, FRAMES, candidates_for(2), stop=Stop()),
    ):
        pass

    assert all(each.closed for each in opener.all)


def test_a_stop_cuts_it_short_with_what_was_measured() -> None:
    stop = Stop()
    stop.request()

    with chosen_workers(
        Opener(), FRAMES, candidates_for(2), stop=stop, slice_s=0.01
    ) as (picked, workers):
        assert len(picked.measured) == 1
        assert len(workers) == 1


def test_samples_are_frames_of_the_source() -> None:
    clock = FakeClock()

    frames = sample_frames(
        FakeSource([PIXELS] * 20, clock=clock), Instant(clock), stop=Stop()
    )

    assert [each.sequence for each in frames] == list(range(8))


def test_a_camera_that_gives_nothing_gives_no_samples() -> None:
    source = FakeSource([], live=True, hangs=True)

    frames = sample_frames(
        source, Instant(time.monotonic_ns), stop=Stop(), at_most_s=0.05
    )
    source.close()

    assert frames == []
