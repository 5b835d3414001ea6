"""What picamera2 itself does with edgeclf; test_virtual_camera.py runs this."""

import time
from itertools import islice

import numpy as np
import pytest
from numpy.typing import NDArray

from edgeclf.errors import SourceError
from edgeclf.sources import PairedSource, open_source
from edgeclf.types import Uint8Image
from tests.videos import moving_square


def test_the_picture_is_the_one_that_the_camera_shows() -> None:
    with open_source("picamera:0?width=640&height=480") as source:
        pixels = next(iter(source)).pixels.astype(int)

    assert pixels.shape == (480, 640, 3)
    # The virtual camera hands a JPEG's full range on as if it were a video's.
    apart = np.abs(pixels - moving_square(0, (480, 640)))
    assert apart.mean() < 8
    assert np.median(apart) <= 3


def test_nv12_is_granted_whatever_was_asked_and_obeyed() -> None:
    with open_source("picamera:0") as source:
        assert source._device.granted.format == "NV12"  # type: ignore[attr-defined]


def test_the_small_stream_is_read() -> None:
    asked = "picamera:0?stream=lores&width=320&height=240"
    with open_source(asked, notify=lambda _: None) as source:
        frames = list(islice(source, 3))

    assert all(frame.pixels.shape[2] == 3 for frame in frames)


def test_a_pair_is_of_one_moment_and_shows_the_same() -> None:
    asked = "picamera:0?stream=lores&width=320&height=240"
    with open_source(asked, notify=lambda _: None) as source:
        assert isinstance(source, PairedSource)
        pairs = [source.take_pair(10) for _ in range(3)]
        frame = next(iter(source))

    for pair in pairs:
        assert pair is not None
        assert pair.lores.captured_ns == pair.main.captured_ns
        # Whatever sizes were granted: red on the left, blue on the right.
        for left, right in ((0.0, 0.4), (0.6, 1.0)):
            lores, main = (mean_of(each.pixels, left, right) for each in pair)
            assert np.abs(lores - main).max() < 8
    assert frame.sequence == 0


def mean_of(pixels: Uint8Image, left: float, right: float) -> NDArray[np.float64]:
    """Return the mean colour between two shares of the width."""
    width = pixels.shape[1]
    part = pixels[:, round(left * width) : round(right * width)]
    colour: NDArray[np.float64] = part.mean(axis=(0, 1))
    return colour


def test_the_sensors_time_is_on_this_processes_clock() -> None:
    with open_source("picamera:0") as source:
        frames = list(islice(source, 5))
        now_ns = time.monotonic_ns()

    assert source.timestamp_origin == "sensor"
    assert all(0 <= now_ns - frame.captured_ns < 5e9 for frame in frames)


def test_a_camera_can_be_opened_again_and_again() -> None:
    for _ in range(3):
        with open_source("picamera:0") as source:
            assert next(iter(source)).sequence == 0


def test_one_that_is_open_already_is_busy() -> None:
    with (
        open_source("picamera:0"),
        pytest.raises(SourceError, match="does another program use it"),
    ):
        open_source("picamera:0")


def test_a_number_without_a_camera_names_those_that_there_are() -> None:
    with pytest.raises(SourceError, match=r"found 0 \(virtual\): check the cable"):
        open_source("picamera:7")
