import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edgeclf.errors import BackendError, SourceError
from edgeclf.testing import FakeBackend, FakeClock, FakeSource
from edgeclf.types import Uint8Image
from tests.models import tiny_model

if TYPE_CHECKING:
    from edgeclf.backends import Backend
    from edgeclf.sources import Source

BLACK: Uint8Image = np.zeros((4, 6, 3), np.uint8)
SPEC = tiny_model("float32", classes=2, size=(4, 6)).spec
TENSOR = np.zeros((1, 4, 6, 3), np.float32)


def test_the_fakes_obey_the_protocols() -> None:
    # The annotations are the test: mypy reads them.
    source: Source = FakeSource([BLACK])
    backend: Backend = FakeBackend(SPEC, scores=[[0.5, 0.5]])

    assert source.unreadable == 0
    assert backend.identity.engine == "fake"


def test_a_clock_stands_still_until_it_is_told_to_go_on() -> None:
    clock = FakeClock(100)

    assert (clock(), clock()) == (100, 100)
    clock.advance(5)
    assert clock() == 105


def test_a_clock_can_go_on_with_each_reading() -> None:
    clock = FakeClock(0, step_ns=8)

    assert [clock() for _ in range(3)] == [0, 8, 16]


def test_a_clock_never_goes_back() -> None:
    with pytest.raises(ValueError, match="never goes back, got -1"):
        FakeClock().advance(-1)


def test_frames_come_in_order_on_the_clock() -> None:
    clock = FakeClock(0)

    frames = list(FakeSource([BLACK, BLACK], clock=clock, every_ns=10))

    assert [frame.sequence for frame in frames] == [0, 1]
    assert [frame.captured_ns for frame in frames] == [10, 20]


def test_a_source_goes_on_where_it_stopped() -> None:
    source = FakeSource([BLACK] * 3)

    assert next(iter(source)).sequence == 0
    assert [frame.sequence for frame in source] == [1, 2]


def test_a_closed_source_gives_no_frame() -> None:
    with FakeSource([BLACK] * 3, error="unplugged") as source:
        next(iter(source))

    assert source.closed
    assert list(source) == []


def test_a_source_can_end_with_an_error() -> None:
    frames = iter(FakeSource([BLACK], error="unplugged"))
    next(frames)

    with pytest.raises(SourceError, match="unplugged"):
        next(frames)


def test_a_source_can_hang_until_another_thread_ends_the_read() -> None:
    source = FakeSource([BLACK], hangs=True)
    timer = threading.Timer(0.02, source.interrupt)
    timer.start()

    assert len(list(source)) == 1
    timer.join()


def test_scores_come_over_and_over() -> None:
    backend = FakeBackend(SPEC, scores=[[0.25, 0.75], [1, 0]])

    answers = [backend.run(TENSOR)[0].tolist() for _ in range(3)]

    assert answers == [[0.25, 0.75], [1, 0], [0.25, 0.75]]
    assert backend.run(TENSOR).dtype == np.float32


def test_a_run_takes_its_time_on_the_clock() -> None:
    clock = FakeClock(0)

    FakeBackend(SPEC, scores=[[1, 0]], clock=clock, run_ns=7).run(TENSOR)

    assert clock() == 7


def test_the_tensors_that_were_run_are_kept() -> None:
    backend = FakeBackend(SPEC, scores=[[1, 0]])
    tensor = TENSOR.copy()

    backend.run(tensor)
    tensor += 1

    np.testing.assert_array_equal(backend.tensors[0], TENSOR)


def test_scores_of_another_count_are_refused() -> None:
    with pytest.raises(ValueError, match=r"shape \(1, 2\), got \(1, 3\)"):
        FakeBackend(SPEC, scores=[[1, 0, 0]])


def test_a_tensor_that_does_not_fit_is_refused() -> None:
    with pytest.raises(BackendError, match=r"takes float32 \(1, 4, 6, 3\), got uint8"):
        FakeBackend(SPEC, scores=[[1, 0]]).run(TENSOR.astype(np.uint8))


def test_a_closed_backend_refuses_to_run() -> None:
    with FakeBackend(SPEC, scores=[[1, 0]]) as backend:
        pass

    with pytest.raises(BackendError, match="closed"):
        backend.run(TENSOR)
