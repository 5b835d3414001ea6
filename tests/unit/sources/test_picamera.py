import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray

from edgeclf.errors import MissingDependencyError, SourceError
from edgeclf.sources import FramePair, PairedSource, Source, open_source
from edgeclf.types import Uint8Image
from tests.picameras import as_planes, pi_camera, yuv420
from tests.videos import moving_square

Encode: TypeAlias = Callable[[Uint8Image, int], NDArray[np.uint8]]


def nv12(picture: Uint8Image, stride: int) -> NDArray[np.uint8]:
    height, width = picture.shape[:2]
    planes = as_planes(picture)
    memory = np.full((height * 3 // 2, stride), 222, np.uint8)
    memory[:height, :width] = planes[:height]
    pairs = planes[height:].reshape(2, -1).T.reshape(height // 2, width)
    memory[height:, :width] = pairs
    return memory.reshape(-1)


def error_of(uri: str = "picamera:0") -> str:
    with pytest.raises(SourceError) as caught:
        open_source(uri)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_rgb_is_asked_for_and_its_rows_are_cut_to_their_width() -> None:
    with (
        pi_camera(pictures=[moving_square(5)]) as module,
        open_source("picamera:0?width=64&height=48&fps=30") as source,
    ):
        frame = next(iter(source))

    np.testing.assert_array_equal(frame.pixels, moving_square(5))
    assert module.asked == [
        {"main": {"format": "BGR888", "size": (64, 48)}, "controls": {"FrameRate": 30}}
    ]


@pytest.mark.parametrize(("name", "encode"), [("YUV420", yuv420), ("NV12", nv12)])
def test_what_is_granted_is_obeyed_whatever_was_asked(
    name: str, encode: Encode
) -> None:
    picture = moving_square(5)
    with (
        pi_camera(
            pictures=[picture],
            pixel_format=name,
            stride=128,
            encode=encode,
        ),
        open_source("picamera:0") as source,
    ):
        pixels = next(iter(source)).pixels

    beside_the_edges = [*range(27), *range(37, 64)]
    apart = np.abs(pixels.astype(int) - picture)[:, beside_the_edges]
    assert apart.max() < 6


@pytest.mark.parametrize(
    ("matrix", "values", "white"),
    [("Rec709", "Limited", 235), ("Rec601", "Full", 255)],
)
def test_the_colour_space_is_read_back(matrix: str, values: str, white: int) -> None:
    def all_white(_: Uint8Image, stride: int) -> NDArray[np.uint8]:
        memory = np.full(48 * stride * 3 // 2, 128, np.uint8)
        memory[: 48 * stride] = white
        return memory

    with pi_camera(pixel_format="YUV420", stride=128, encode=all_white) as module:
        module.grants["colour_space"] = module.rec(matrix, values)
        with open_source("picamera:0") as source:
            pixels = next(iter(source)).pixels

    assert (pixels == 255).all()


def test_the_small_stream_is_read_when_asked_for() -> None:
    with (
        pi_camera(
            pixel_format="YUV420", stride=128, encode=yuv420, stream="lores"
        ) as module,
        open_source("picamera:0?width=64&height=48&stream=lores") as source,
    ):
        assert next(iter(source)).pixels.shape == (48, 64, 3)

    assert module.asked == [
        {
            "main": {"format": "BGR888", "size": (1296, 972)},
            "lores": {"format": "YUV420", "size": (64, 48)},
            "controls": {},
        }
    ]


LORES = "picamera:0?width=64&height=48&stream=lores"


def grey(level: int, size: tuple[int, int]) -> Uint8Image:
    return np.full((*size, 3), level, np.uint8)


@contextmanager
def small_stream(**settings: Any) -> Iterator[Any]:
    """A camera whose pictures are brighter by five levels each, in both streams."""
    with pi_camera(
        pictures=[grey(level, (48, 64)) for level in range(20, 220, 5)],
        beside=[grey(level, (96, 128)) for level in range(20, 220, 5)],
        pixel_format="YUV420",
        stride=128,
        encode=yuv420,
        stream="lores",
        **settings,
    ) as module:
        yield module


def pair_of(source: Source) -> FramePair:
    assert isinstance(source, PairedSource)
    pair = source.take_pair(60)
    assert pair is not None
    return pair


def test_a_pair_is_one_moment_in_both_streams() -> None:
    with small_stream(), open_source(LORES) as source:
        pairs = [pair_of(source) for _ in range(8)]

    for number, (lores, main) in enumerate(pairs):
        assert lores.pixels.shape == (48, 64, 3)
        assert main.pixels.shape == (96, 128, 3)
        # The way through YUV costs one level; a neighbour in time is five away.
        assert abs(lores.pixels.mean() - main.pixels.mean()) < 2
        assert (lores.captured_ns, lores.sequence) == (main.captured_ns, number)
    times = [each.lores.captured_ns for each in pairs]
    assert times == sorted(set(times))


def test_the_main_stream_is_copied_for_a_pair_and_never_else() -> None:
    with small_stream() as module, open_source(LORES) as source:
        for _ in range(3):
            pair_of(source)
        list(islice(source, 10))

    assert module.copied.count("main") == 3
    assert module.copied.count("lores") > 10


@pytest.mark.parametrize("every_frame", [False, True])
def test_pairs_take_no_number_from_the_frames(every_frame: bool) -> None:
    with small_stream(), open_source(LORES, every_frame=every_frame) as source:
        last = [pair_of(source) for _ in range(5)][-1]
        frame = next(iter(source))

    assert frame.sequence == 0
    assert frame.captured_ns > last.lores.captured_ns


def test_who_reads_the_main_stream_has_nothing_to_compare() -> None:
    with pi_camera(), open_source("picamera:0") as source:
        assert not isinstance(source, PairedSource)


def test_a_pair_that_does_not_come_is_none_and_one_that_cannot_come_an_error() -> None:
    with small_stream(hang=2) as module, open_source(LORES) as source:
        assert isinstance(source, PairedSource)
        while source.take_pair(0.5) is not None:
            pass
        source.close()
        with pytest.raises(SourceError, match="picamera:0: closed"):
            source.take_pair(60)

    assert module.opened == []


def test_a_camera_that_breaks_ends_the_wait_for_a_pair() -> None:
    def broken(name: str) -> None:
        if name == "main":
            raise SourceError("the cable is out")

    with small_stream(copying=broken), open_source(LORES) as source:
        assert isinstance(source, PairedSource)
        with pytest.raises(SourceError, match="gives no more pictures"):
            source.take_pair(60)
        with pytest.raises(SourceError, match="the cable is out"):
            next(iter(source))


def test_closing_from_another_thread_ends_the_wait_for_a_pair() -> None:
    with small_stream(hang=0), open_source(LORES) as source:
        assert isinstance(source, PairedSource)
        closer = threading.Timer(0.2, source.close)
        closer.start()
        with pytest.raises(SourceError, match="picamera:0: closed"):
            source.take_pair(60)
        closer.join()


def test_a_main_stream_that_cannot_be_read_costs_only_the_pairs() -> None:
    with small_stream() as module:
        module.grants["main"]["format"] = "MJPEG"
        with open_source(LORES) as source:
            with pytest.raises(SourceError, match="gives MJPEG"):
                pair_of(source)
            assert next(iter(source)).sequence == 0


def test_a_request_is_given_back_at_once() -> None:
    """The camera has two buffers, and overwrites one that it got back."""
    with pi_camera(pictures=[moving_square(3)]), open_source("picamera:0") as source:
        frames = list(islice(source, 12))

    for frame in frames:
        np.testing.assert_array_equal(frame.pixels, moving_square(3))


def test_the_sensors_time_is_brought_to_this_processes_clock() -> None:
    asleep_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME) - time.monotonic_ns()
    stamps: list[int] = []

    def clock() -> int:
        stamps.append(time.clock_gettime_ns(time.CLOCK_BOOTTIME) - 3_000_000)
        return stamps[-1]

    with pi_camera(clock=clock), open_source("picamera:0") as source:
        frames = list(islice(source, 5))

    assert source.timestamp_origin == "sensor"
    for frame in frames:
        assert min(abs(frame.captured_ns + asleep_ns - each) for each in stamps) < 1e6
        assert frame.ready_ns is not None
        assert frame.ready_ns - frame.captured_ns >= 2.9e6


def test_a_camera_that_tells_no_time_has_that_of_the_arrival() -> None:
    with pi_camera(clock=lambda: None), open_source("picamera:0") as source:
        frame = next(iter(source))

    assert source.timestamp_origin == frame.timestamp_origin == "arrival"


def test_a_camera_that_hangs_is_noticed_and_let_go_of() -> None:
    with pi_camera(hang=60) as module, open_source("picamera:0") as source:
        times: list[int] = []
        with pytest.raises(SourceError, match="stalled"):
            times.extend(time.monotonic_ns() for _ in source)
        noticed_ns = time.monotonic_ns()
        source.close()

    assert 1.5e9 < noticed_ns - times[-1] < 3.5e9
    assert module.opened == []


def test_another_size_than_asked_is_told() -> None:
    told: list[str] = []
    with (
        pi_camera(),
        open_source("picamera:0?width=63&height=47", notify=told.append),
    ):
        pass

    assert told == ["picamera:0: gives 64x48, not what was asked for"]


def test_what_cannot_be_had_says_why() -> None:
    with pi_camera(models=[]):
        assert "no such camera; found none: check the cable" in error_of()
    with pi_camera(models=["imx708", "imx219"]):
        assert "found 0 (imx708), 1 (imx219)" in error_of("picamera:2")
    with pi_camera(), open_source("picamera:0"):
        assert "does another program use it?" in error_of()
    with pi_camera(failure="Invalid argument") as module:
        assert "cannot be started (Invalid argument)" in error_of()
        assert module.opened == []
    with pi_camera(pixel_format="SRGGB10") as module:
        assert "gives SRGGB10; known are BGR888" in error_of()
        assert module.opened == []
    with pi_camera():
        assert "has no number" in error_of("picamera:front")
        assert "'stream=raw' is no option" in error_of("picamera:0?stream=raw")


def test_without_picamera2_the_package_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "picamera2", None)
    monkeypatch.delitem(sys.modules, "edgeclf.sources.picamera", raising=False)

    with pytest.raises(
        MissingDependencyError, match="sudo apt install python3-picamera2"
    ):
        open_source("picamera:0")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("import libcamera_that_is_not_there", "MissingDependencyError"),
        ("raise ValueError('numpy.dtype size changed')", "'edgeclf doctor' says"),
    ],
)
def test_a_picamera2_that_cannot_be_loaded_is_told(
    body: str, expected: str, tmp_path: Path
) -> None:
    (tmp_path / "picamera2.py").write_text(body)
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from edgeclf.errors import EdgeclfError\n"
        "from edgeclf import open_source\n"
        "try: open_source('picamera:0')\n"
        "except EdgeclfError as error: print(type(error).__name__, error)"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert expected in done.stdout
