import hashlib
from collections.abc import Iterator
from itertools import islice

import numpy as np
import pytest

from edgeclf.errors import SourceError
from edgeclf.sources import SourceOptions, open_source
from edgeclf.sources.synthetic import SyntheticSource
from edgeclf.types import Frame


class Clock:
    """A clock that only sleeping moves, and a viewer that may take his time."""

    def __init__(self) -> None:
        self.now_ns = 5_000_000_000

    def __call__(self) -> int:
        return self.now_ns

    def sleep(self, seconds: float) -> None:
        self.now_ns += round(seconds * 1e9)


def paced(clock: Clock, *, every_frame: bool = False) -> Iterator[Frame]:
    options = SourceOptions(every_frame=every_frame)
    source = SyntheticSource(
        "7,8x6@10", options=options, clock=clock, sleep=clock.sleep
    )
    return iter(source)


def pixels(uri: str, count: int = 3) -> list[bytes]:
    return [frame.pixels.tobytes() for frame in islice(open_source(uri), count)]


def test_the_same_seed_gives_the_same_pictures() -> None:
    assert pixels("synthetic:7,64x48") == pixels("synthetic:7,64x48")


def test_the_pictures_are_the_same_on_every_machine() -> None:
    digest = hashlib.sha256(b"".join(pixels("synthetic:7,64x48", 5))).hexdigest()

    assert digest[:16] == "1db89806ed456cb5"


def test_another_seed_gives_other_pictures() -> None:
    assert pixels("synthetic:7,64x48") != pixels("synthetic:8,64x48")


def test_the_pictures_move() -> None:
    assert len(set(pixels("synthetic:7", 50))) == 50


def test_the_size_is_640_by_480_unless_said_otherwise() -> None:
    assert next(iter(open_source("synthetic:7"))).pixels.shape == (480, 640, 3)
    assert next(iter(open_source("synthetic:7,30x20"))).pixels.shape == (20, 30, 3)


@pytest.mark.parametrize("size", ["1x1", "1x300", "300x1", "4096x1"])
def test_the_smallest_and_thinnest_pictures_are_made(size: str) -> None:
    frames = list(islice(open_source(f"synthetic:7,{size}"), 200))

    width, height = (int(side) for side in size.split("x"))
    assert {frame.pixels.shape for frame in frames} == {(height, width, 3)}
    assert all(frame.pixels.flags.owndata for frame in frames)


@pytest.mark.parametrize(
    "form",
    [
        "x",
        "-1",
        "7,",
        "7,64",
        "7,0x5",
        "7,5000x5",
        "7@",
        "7@0",
        "7@0.01",
        "7@5000",
        "7 ",
    ],
)
def test_a_form_that_cannot_be_read_is_refused(form: str) -> None:
    with pytest.raises(SourceError, match="synthetic:"):
        open_source(f"synthetic:{form}")


def test_a_frame_is_taken_when_it_is_due() -> None:
    clock = Clock()

    frames = list(islice(paced(clock), 3))

    assert [frame.captured_ns for frame in frames] == [
        5_000_000_000,
        5_100_000_000,
        5_200_000_000,
    ]
    assert [frame.ready_ns for frame in frames] == [
        frame.captured_ns for frame in frames
    ]


def test_a_slow_viewer_gets_the_newest_frame_and_a_gap() -> None:
    clock = Clock()
    frames = paced(clock)
    next(frames)

    clock.sleep(0.35)
    late = next(frames)

    assert late.sequence == 3
    assert late.captured_ns == 5_300_000_000
    assert late.ready_ns == 5_350_000_000
    assert next(frames).sequence == 4


def test_with_every_frame_a_slow_viewer_gets_each_and_sees_them_age() -> None:
    clock = Clock()
    frames = paced(clock, every_frame=True)
    next(frames)

    clock.sleep(0.35)
    late = next(frames)

    assert late.sequence == 1
    assert late.captured_ns == 5_100_000_000
    assert late.ready_ns == 5_350_000_000


def test_a_paced_source_is_live_and_tells_when_the_picture_was_due() -> None:
    assert open_source("synthetic:7@30").live
    assert open_source("synthetic:7@30").timestamp_origin == "sensor"
    assert not open_source("synthetic:7").live
    assert open_source("synthetic:7").timestamp_origin == "arrival"


def test_a_skipped_frame_leaves_the_later_pictures_as_they_were() -> None:
    clock = Clock()
    frames = paced(clock)
    next(frames)
    clock.sleep(0.35)

    late = next(frames)

    unhurried = next(islice(open_source("synthetic:7,8x6"), 3, None))
    np.testing.assert_array_equal(late.pixels, unhurried.pixels)
