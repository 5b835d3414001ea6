"""What a V4L2 camera must do; test_v4l2.py runs this where there is one."""

import io
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest
from PIL import Image

from edgeclf.errors import SourceError
from edgeclf.sources import Source, open_source
from edgeclf.types import Uint8Image
from tests.fake_v4l2 import show, yuyv
from tests.videos import moving_square

Show: TypeAlias = Callable[..., None]


@pytest.fixture
def camera(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Show:
    """Set the camera up: ``camera(pictures, setting=…)``."""

    def set_up(pictures: list[bytes] | None = None, **settings: object) -> None:
        show(tmp_path, monkeypatch, pictures, **settings)

    return set_up


def as_jpeg(picture: Uint8Image) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=95, subsampling=0)
    return file.getvalue()


def planes(picture: Uint8Image) -> bytes:
    import cv2

    return bytes(cv2.cvtColor(picture, cv2.COLOR_RGB2YUV_I420).tobytes())


def nv12(picture: Uint8Image) -> bytes:
    height, width = picture.shape[:2]
    planar = np.frombuffer(planes(picture), np.uint8)
    luma, chroma = planar[: height * width], planar[height * width :]
    return bytes(luma.tobytes() + chroma.reshape(2, -1).T.tobytes())


def take_all(source: Source, times: list[int]) -> None:
    times.extend(time.monotonic_ns() for _ in source)


def error_of(uri: str = "v4l2:0") -> str:
    with pytest.raises(SourceError) as caught:
        open_source(uri)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("code", "encode", "stride"),
    [
        ("YUYV", yuyv, 128),
        ("NV12", nv12, 64),
        ("YU12", planes, 64),
        ("BGR3", lambda picture: picture[..., ::-1].tobytes(), 192),
        ("RGB3", lambda picture: picture.tobytes(), 192),
        ("MJPG", as_jpeg, 0),
    ],
)
def test_the_granted_format_is_obeyed(
    code: str, encode: Callable[[Uint8Image], bytes], stride: int, camera: Show
) -> None:
    camera([encode(moving_square(5))], format=code, stride=stride)

    with open_source("v4l2:0") as source:
        pixels = next(iter(source)).pixels.astype(int)

    expected = moving_square(5).astype(int)
    apart = np.abs(pixels - expected)[:, [*range(27), *range(37, 64)]]
    assert apart.max() < 10  # beside the square's edges, which share their colour


def test_the_time_of_a_frame_is_the_drivers(camera: Show, tmp_path: Path) -> None:
    camera(log=tmp_path / "log")

    with open_source("v4l2:0") as source:
        frames = list(islice(source, 5))

    lines = (tmp_path / "log").read_text().split()
    assert source.timestamp_origin == "driver"
    assert {each.captured_ns for each in frames} <= {1000 * int(line) for line in lines}


def test_a_driver_on_another_clock_is_not_believed(camera: Show) -> None:
    camera(realtime=1)

    with open_source("v4l2:0") as source:
        frame = next(iter(source))
        now_ns = time.monotonic_ns()

    assert source.timestamp_origin == frame.timestamp_origin == "arrival"
    assert 0 <= now_ns - frame.captured_ns < 2e9


def test_a_camera_that_is_unplugged_is_lost_at_once(camera: Show) -> None:
    camera(unplug=20)
    times: list[int] = []

    with open_source("v4l2:0") as source:
        with pytest.raises(SourceError, match="unplugged"):
            take_all(source, times)
        noticed_ns = time.monotonic_ns()

    assert noticed_ns - times[-1] < 1.5e9


def test_a_camera_that_hangs_is_noticed_within_two_seconds(camera: Show) -> None:
    camera(hang=20)
    times: list[int] = []

    with open_source("v4l2:0") as source:
        with pytest.raises(SourceError, match="no picture for 2 s"):
            take_all(source, times)
        noticed_ns = time.monotonic_ns()

    assert 1.5e9 < noticed_ns - times[-1] < 3.5e9
    assert time.monotonic_ns() - noticed_ns < 1.9e9  # it closes


def test_a_camera_that_was_lost_can_be_opened_again(camera: Show) -> None:
    camera(unplug=5)
    with open_source("v4l2:0") as source, pytest.raises(SourceError):
        take_all(source, [])

    with open_source("v4l2:0") as source:
        assert next(iter(source)).sequence == 0


def test_half_a_jpeg_is_no_frame_and_no_repetition_of_the_last(camera: Show) -> None:
    dark, bright = (
        as_jpeg(np.full((48, 64, 3), level, np.uint8)) for level in (60, 180)
    )
    camera([dark, dark[: len(dark) // 2], bright], format="MJPG")
    told: list[str] = []

    with open_source("v4l2:0", every_frame=True, notify=told.append) as source:
        frames = list(islice(source, 12))

    assert {round(frame.pixels.mean()) for frame in frames} == {60, 180}
    assert source.unreadable == len(told) > 1
    numbers = [frame.sequence for frame in frames]
    assert numbers == sorted(set(numbers))


def test_what_was_asked_and_not_granted_is_told(camera: Show) -> None:
    camera(fps=5)
    told: list[str] = []
    asked = "v4l2:/dev/video0?width=1280&height=720&fps=30&format=mjpg"

    with open_source(asked, notify=told.append) as source:
        assert source.uri == "v4l2:/dev/video0"

    assert told == [
        "v4l2:/dev/video0: gives 64x48, not the size that was asked for",
        "v4l2:/dev/video0: gives 5 frames a second, not 30",
        "v4l2:/dev/video0: gives YUYV, not MJPG",
    ]


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"open": 13}, "usermod -aG video"),
        ({"busy": 16}, "another program uses it; 'fuser -v'"),
        ({"open": 19}, "no such camera; is it plugged in"),
        ({"codec": 1}, "'Fake Camera' is no camera"),
        ({"format": "BA81"}, "'BA81'; known are YUYV"),
        ({"stride": 192}, "pads rows of 128 bytes to 192"),
    ],
    ids=["forbidden", "busy", "unplugged", "codec", "format", "padding"],
)
def test_a_camera_that_cannot_be_had_says_why(
    settings: dict[str, object], reason: str, camera: Show
) -> None:
    camera(**settings)

    assert reason in error_of()


def test_reading_says_nothing_on_stderr(
    camera: Show, capfd: pytest.CaptureFixture[str]
) -> None:
    camera(unplug=5)

    with open_source("v4l2:0") as source, pytest.raises(SourceError):
        take_all(source, [])

    assert capfd.readouterr() == ("", "")
