import threading
from collections.abc import Iterator

import numpy as np
import pytest

from edgeclf.errors import SourceError
from edgeclf.sources import ClosedOnExit, Source
from edgeclf.sources.closing import ClosedFromAnywhere
from edgeclf.testing import FakeSource
from edgeclf.types import Frame, TimestampOrigin

PIXELS = np.zeros((4, 6, 3), np.uint8)


class Deaf(ClosedOnExit):
    """A read of it ends when the test says so, and it must not be closed meanwhile."""

    uri = "deaf:"
    live = True
    unreadable = 0
    timestamp_origin: TimestampOrigin = "driver"

    def __init__(self, error: str | None = None) -> None:
        self.is_reading = threading.Event()
        self.read_ends = threading.Event()
        self.closed_by: list[str] = []
        self._error = error

    def __iter__(self) -> Iterator[Frame]:
        return self

    def __next__(self) -> Frame:
        self.is_reading.set()
        assert self.read_ends.wait(10)
        self.is_reading.clear()
        if self._error is not None:
            raise SourceError(self._error)
        return Frame(
            pixels=PIXELS, captured_ns=0, timestamp_origin="driver", sequence=0
        )

    def close(self) -> None:
        assert not self.is_reading.is_set()
        self.closed_by.append(threading.current_thread().name)


def read_apart(source: Source, frames: list[Frame]) -> threading.Thread:
    thread = threading.Thread(target=lambda: frames.extend(source), name="reader")
    thread.start()
    return thread


@pytest.mark.parametrize("error", [None, "unplugged"])
def test_the_reader_closes_it_when_its_read_is_over_and_gets_nothing(
    error: str | None,
) -> None:
    deaf, frames = Deaf(error), list[Frame]()
    source = ClosedFromAnywhere(deaf)
    reader = read_apart(source, frames)
    assert deaf.is_reading.wait(10)

    source.close()
    closed_at_once = list(deaf.closed_by)
    deaf.read_ends.set()
    reader.join(10)

    assert closed_at_once == []
    assert deaf.closed_by == ["reader"]
    assert frames == []


def test_a_read_that_can_be_interrupted_is() -> None:
    hanging = FakeSource([PIXELS], hangs=True)
    source, frames = ClosedFromAnywhere(hanging), list[Frame]()
    reader = read_apart(source, frames)
    while not frames:
        pass

    source.close()
    reader.join(10)

    assert not reader.is_alive()
    assert hanging.closed
    assert len(frames) == 1


def test_an_interrupted_source_gives_nothing_more_and_whoever_reads_closes_it() -> None:
    hanging = FakeSource([PIXELS], hangs=True)
    source, frames = ClosedFromAnywhere(hanging), list[Frame]()
    reader = read_apart(source, frames)
    while not frames:
        pass

    source.interrupt()
    reader.join(10)

    assert hanging.closed
    assert list(source) == []


def test_an_interrupted_source_that_nobody_reads_is_left_open() -> None:
    source = FakeSource([PIXELS])
    wrapped = ClosedFromAnywhere(source)

    wrapped.interrupt()

    assert list(wrapped) == []
    assert not source.closed


def test_it_is_closed_at_once_when_nobody_reads() -> None:
    source = FakeSource([PIXELS] * 2)

    with ClosedFromAnywhere(source) as wrapped:
        next(iter(wrapped))

    assert source.closed
    assert list(wrapped) == []


def test_an_error_of_an_open_source_passes() -> None:
    source = ClosedFromAnywhere(FakeSource([PIXELS], error="unplugged"))
    frames = iter(source)
    next(frames)

    with pytest.raises(SourceError, match="unplugged"):
        next(frames)


def test_it_says_what_its_source_says() -> None:
    source = ClosedFromAnywhere(
        FakeSource([PIXELS], live=True, timestamp_origin="driver")
    )

    assert (source.uri, source.live, source.unreadable) == ("fake:", True, 0)
    assert source.timestamp_origin == "driver"
