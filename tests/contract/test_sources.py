"""What every source of frames must do, whatever it reads."""

import importlib.util
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import lru_cache
from itertools import combinations, islice
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest
from PIL import Image

from edgeclf.errors import SourceError
from edgeclf.sources import Source, open_source
from edgeclf.testing import FakeClock, FakeSource
from edgeclf.types import Frame
from tests.fake_v4l2 import is_preloaded, show
from tests.mjpeg_server import mjpeg_server
from tests.picameras import pi_camera
from tests.rtsp_server import RtspServer, rtsp_server
from tests.videos import moving_square, write_video

FRAMES = 6
"""How many frames the finite sources hold."""


def images(folder: Path) -> Source:
    for index in range(FRAMES):
        Image.fromarray(moving_square(index)).save(folder / f"{index}.png")
    return open_source(f"images:{folder}")


def one_image(folder: Path) -> Source:
    Image.fromarray(moving_square(0)).save(folder / "one.png")
    return open_source(f"images:{folder / 'one.png'}")


def avi(folder: Path) -> Source:
    return open_source(str(write_video(folder / "video.avi", frames=FRAMES)))


def mp4(folder: Path) -> Source:
    return open_source(str(write_video(folder / "video.mp4", frames=FRAMES)))


def video_of_odd_size(folder: Path) -> Source:
    path = write_video(folder / "odd.avi", frames=FRAMES, size=(47, 61))
    return open_source(f"video:{path}")


def synthetic(_: Path) -> Source:
    return open_source("synthetic:7,64x48")


def synthetic_paced(_: Path) -> Source:
    return open_source("synthetic:7,64x48@200")


def synthetic_paced_every_frame(_: Path) -> Source:
    return open_source("synthetic:7,64x48@200", every_frame=True)


class RealTime(FakeClock):
    def __call__(self) -> int:
        return time.monotonic_ns()


def fake(_: Path) -> Source:
    pictures = [moving_square(index) for index in range(FRAMES)]
    return FakeSource(pictures, clock=RealTime())


@contextmanager
def mjpeg(_: Path) -> Iterator[Source]:
    with mjpeg_server() as server, open_source(server.url) as source:
        yield source


@contextmanager
def mjpeg_every_frame(_: Path) -> Iterator[Source]:
    with (
        mjpeg_server() as server,
        open_source(server.url, every_frame=True) as source,
    ):
        yield source


shared = ExitStack()
"""What all tests here use together, because it takes long to start."""


@lru_cache(maxsize=1)
def shared_rtsp() -> RtspServer:
    return shared.enter_context(rtsp_server())


@pytest.fixture(scope="module", autouse=True)
def end_what_is_shared() -> Iterator[None]:
    with shared:
        yield
    shared_rtsp.cache_clear()


def rtsp(_: Path) -> Source:
    return open_source(shared_rtsp().url)


@contextmanager
def v4l2(folder: Path) -> Iterator[Source]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        show(folder, monkeypatch, fps=200)
        with open_source("v4l2:0") as source:
            yield source


@contextmanager
def v4l2_every_frame(folder: Path) -> Iterator[Source]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        show(folder, monkeypatch, fps=200)
        with open_source("v4l2:0", every_frame=True) as source:
            yield source


def gst(folder: Path) -> Source:
    Image.fromarray(moving_square(0)).save(folder / "0.png")
    return open_source(
        f"gst:multifilesrc location={folder}/%d.png num-buffers=1 ! pngdec "
        "! imagefreeze is-live=true ! video/x-raw,framerate=60/1"
    )


def gst_every_frame(folder: Path) -> Source:
    for index in range(6):
        Image.fromarray(moving_square(index)).save(folder / f"{index}.png")
    return open_source(
        f"gst:multifilesrc location={folder}/%d.png start-index=0 stop-index=5 "
        "loop=true caps=image/png,framerate=60/1 ! pngdec ! identity sync=true",
        every_frame=True,
    )


@contextmanager
def picamera(_: Path) -> Iterator[Source]:
    with pi_camera(), open_source("picamera:0") as source:
        yield source


@contextmanager
def picamera_every_frame(_: Path) -> Iterator[Source]:
    with pi_camera(), open_source("picamera:0", every_frame=True) as source:
        yield source


def virtual_camera(_: Path) -> Source:
    return open_source("picamera:0")


Opener: TypeAlias = Callable[[Path], AbstractContextManager[Source]]

FINITE: dict[str, Opener] = {
    each.__name__: each
    for each in (images, one_image, avi, mp4, video_of_odd_size, fake)
}
SYNTHETIC: dict[str, Opener] = {
    each.__name__: each
    for each in (synthetic, synthetic_paced, synthetic_paced_every_frame)
}
CAMERAS: dict[str, Opener] = {
    each.__name__: each
    for each in (mjpeg, mjpeg_every_frame, rtsp, picamera, picamera_every_frame)
}
if is_preloaded():  # tests/unit/sources/test_v4l2.py does so
    CAMERAS |= {each.__name__: each for each in (v4l2, v4l2_every_frame)}
if importlib.util.find_spec("gi") is not None:  # in tests/unit/sources/test_gst.py
    CAMERAS |= {each.__name__: each for each in (gst, gst_every_frame)}
if "EDGECLF_VIRTUAL_CAMERA" in os.environ:  # in tests/board/virtual_camera.py
    CAMERAS |= {"virtual_camera": virtual_camera}
OPENERS: dict[str, Opener] = {**FINITE, **SYNTHETIC, **CAMERAS}


@pytest.fixture(params=OPENERS)
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Source]:
    with OPENERS[request.param](tmp_path) as opened:
        yield opened


def take(source: Source, count: int = FRAMES) -> list[Frame]:
    return list(islice(source, count))


def test_frames_are_rgb_bytes_in_rows(source: Source) -> None:
    for frame in take(source):
        assert frame.pixels.dtype == np.uint8
        assert frame.pixels.ndim == 3
        assert frame.pixels.shape[2] == 3
        assert frame.pixels.strides[1:] == (3, 1)


def test_a_frame_keeps_its_pixels_when_the_next_ones_are_taken(source: Source) -> None:
    frames = iter(source)

    kept = [(each.pixels, each.pixels.copy()) for each in islice(frames, FRAMES)]

    for pixels, as_they_were in kept:
        np.testing.assert_array_equal(pixels, as_they_were)


def test_any_thread_may_close_it_while_another_reads(source: Source) -> None:
    has_begun, has_ended = threading.Event(), threading.Event()

    def read() -> None:
        for _ in source:
            has_begun.set()
        has_ended.set()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    assert has_begun.wait(30)

    source.close()
    reader.join(30)

    assert has_ended.is_set()


def test_no_two_frames_share_their_pixels(source: Source) -> None:
    pictures = [frame.pixels for frame in take(source)]

    assert all(picture.flags.writeable for picture in pictures)
    assert not any(np.shares_memory(*pair) for pair in combinations(pictures, 2))


@pytest.mark.parametrize("name", [*FINITE, *SYNTHETIC])
def test_drawing_on_a_frame_changes_no_other(name: str, tmp_path: Path) -> None:
    with OPENERS[name](tmp_path) as source:
        untouched = {frame.sequence: frame.pixels for frame in take(source, 40)}

    with OPENERS[name](tmp_path) as source:
        frames = iter(source)
        next(frames).pixels[:] = 0
        later = list(islice(frames, 3))

    # A paced source on a busy machine may have skipped further than the first look.
    for frame in (each for each in later if each.sequence in untouched):
        np.testing.assert_array_equal(frame.pixels, untouched[frame.sequence])


def test_sequence_numbers_begin_at_0_and_only_grow(source: Source) -> None:
    numbers = [frame.sequence for frame in take(source)]

    assert numbers[0] == 0
    assert numbers == sorted(set(numbers))


def test_times_are_on_the_monotonic_clock_and_never_run_back(source: Source) -> None:
    before_ns = time.monotonic_ns()

    frames = take(source)

    times = [frame.captured_ns for frame in frames]
    assert times == sorted(times)
    assert before_ns <= times[0]
    assert times[-1] <= time.monotonic_ns()


def test_data_are_ready_after_the_picture_was_taken(source: Source) -> None:
    for frame in take(source):
        assert frame.ready_ns is not None
        assert frame.captured_ns <= frame.ready_ns <= time.monotonic_ns()


def test_every_frame_tells_the_origin_that_its_source_tells(source: Source) -> None:
    assert {frame.timestamp_origin for frame in take(source)} == {
        source.timestamp_origin
    }


def test_reading_goes_on_where_it_stopped(source: Source) -> None:
    first = [frame.sequence for frame in take(source, 1)]
    rest = [frame.sequence for frame in take(source, FRAMES)]

    assert not set(first) & set(rest)


def test_closing_twice_is_closing_once_and_ends_the_frames(source: Source) -> None:
    take(source, 1)

    source.close()
    source.close()

    assert take(source) == []


def test_closing_before_the_first_frame_ends_the_frames(source: Source) -> None:
    source.close()

    assert take(source) == []


def test_the_with_statement_closes(source: Source) -> None:
    with source as entered:
        assert entered is source

    assert take(source) == []


def test_an_error_inside_the_with_statement_passes(source: Source) -> None:
    with pytest.raises(ZeroDivisionError), source:
        raise ZeroDivisionError


def test_it_shows_what_was_opened(source: Source) -> None:
    assert source.uri
    assert source.unreadable == 0


@pytest.mark.parametrize("name", FINITE)
def test_a_file_gives_each_of_its_frames_once_and_ends(
    name: str, tmp_path: Path
) -> None:
    with FINITE[name](tmp_path) as source:
        frames = list(source)

        assert len(frames) == (1 if name == "one_image" else FRAMES)
        assert list(source) == []
        assert not source.live


@pytest.mark.parametrize("name", [*FINITE, *CAMERAS])
def test_red_is_the_first_channel_and_left_is_left(name: str, tmp_path: Path) -> None:
    with OPENERS[name](tmp_path) as source:
        frame = take(source, 1)[0]

    height, width = frame.pixels.shape[:2]
    expected = moving_square(0, (height, width)).astype(int)
    corners = ([2, 2, -3, -3], [2, -3, 2, -3])
    assert np.abs(frame.pixels[corners].astype(int) - expected[corners]).max() < 40
    # A camera shows the square where it is by then.
    assert np.abs(frame.pixels.astype(int) - expected).mean() < 12


@pytest.mark.parametrize("name", CAMERAS)
def test_a_camera_is_live(name: str, tmp_path: Path) -> None:
    with CAMERAS[name](tmp_path) as source:
        assert source.live


@pytest.mark.parametrize("name", CAMERAS)
def test_closing_a_camera_ends_a_read_in_another_thread(
    name: str, tmp_path: Path
) -> None:
    taken: list[Frame] = []
    errors: list[BaseException] = []

    def take_all(source: Source) -> None:
        try:
            taken.extend(source)
        except BaseException as error:
            errors.append(error)
            raise

    with CAMERAS[name](tmp_path) as source:
        reading = threading.Thread(target=take_all, args=[source], daemon=True)
        reading.start()
        time.sleep(0.2)
        source.close()
        reading.join(5)

    assert not reading.is_alive()
    assert not errors


@pytest.mark.parametrize(
    "name", [name for name in CAMERAS if not name.endswith("every_frame")]
)
def test_who_asks_late_gets_what_is_new(name: str, tmp_path: Path) -> None:
    with CAMERAS[name](tmp_path) as source:
        take(source, 1)
        began_ns = time.monotonic_ns()
        time.sleep(1)
        frame = take(source, 1)[0]

    assert frame.captured_ns > began_ns + 200_000_000  # not one that waited since
    assert frame.sequence > 1


@pytest.mark.parametrize(
    "uri",
    ["images:{0}/nothing", "{0}/nothing.mp4", "{0}", "images:{0}", "synthetic:-1"],
)
def test_what_cannot_be_opened_is_one_line(uri: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        open_source(uri.format(tmp_path))

    assert "\n" not in str(caught.value)
