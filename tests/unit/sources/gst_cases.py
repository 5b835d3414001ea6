"""What a GStreamer pipeline must do as a source; test_gst.py runs this."""

import logging
import socket
import time
import traceback
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgeclf.errors import SourceError
from edgeclf.sources import Source, open_source
from edgeclf.sources.camera_form import CameraForm
from edgeclf.sources.gst import csi_pipeline
from tests.videos import moving_square

TEST_PICTURES = "gst:videotestsrc is-live=true ! video/x-raw,framerate=60/1"


def error_of(uri: str) -> str:
    """Return what opening or reading a source says."""
    with pytest.raises(SourceError) as caught, open_source(uri) as source:
        take_all(source, [])
    assert "Zq7" not in "".join(traceback.format_exception(caught.value))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def take_all(source: Source, times: list[int]) -> None:
    times.extend(time.monotonic_ns() for _ in source)


@pytest.mark.parametrize("size", [(47, 63), (48, 64), (3, 1)])
def test_every_pixel_is_the_pictures_whatever_pads_the_rows(
    size: tuple[int, int], tmp_path: Path
) -> None:
    picture = np.random.default_rng(7).integers(0, 256, (*size, 3), np.uint8)
    Image.fromarray(picture).save(tmp_path / "0.png")
    uri = f"gst:multifilesrc location={tmp_path}/%d.png num-buffers=1 ! pngdec"

    with open_source(f"{uri} ! imagefreeze is-live=true") as source:
        frame = next(iter(source))

    np.testing.assert_array_equal(frame.pixels, picture)


def test_a_camera_gives_the_time_when_it_was_taken() -> None:
    with open_source(TEST_PICTURES) as source:
        frames = list(islice(source, 10))
        now_ns = time.monotonic_ns()

    assert source.timestamp_origin == "driver"
    # The pictures' own times are whole periods apart, whenever they came.
    periods = np.diff([frame.captured_ns for frame in frames]) * 60 / 1e9
    assert np.abs(periods - periods.round()).max() < 1e-3
    assert periods.min() > 0.5
    assert 0 <= now_ns - frames[-1].captured_ns < 1e9


def test_what_comes_over_a_network_has_the_time_of_its_arrival() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    sender = (
        f"videotestsrc is-live=true ! rtpvrawpay ! udpsink host=127.0.0.1 port={port}"
    )
    caps = (
        "application/x-rtp,media=video,clock-rate=90000,encoding-name=RAW,"
        "sampling=(string)YCbCr-4:2:0,depth=(string)8,width=(string)320,"
        "height=(string)240,colorimetry=(string)BT601-5"
    )
    from gi.repository import Gst

    with open_source(
        f'gst:udpsrc address=127.0.0.1 port={port} caps="{caps}" ! rtpvrawdepay'
    ) as source:
        sending = Gst.parse_launch(sender)
        sending.set_state(Gst.State.PLAYING)
        frame = next(iter(source))
        sending.set_state(Gst.State.NULL)

    assert source.timestamp_origin == frame.timestamp_origin == "arrival"


def test_a_pipeline_that_stalls_is_noticed_within_two_seconds() -> None:
    times: list[int] = []
    with open_source(f"{TEST_PICTURES} ! valve name=tap") as source:
        times += [time.monotonic_ns() for _ in islice(source, 5)]
        source._source._device._pipeline.get_by_name("tap").set_property("drop", True)  # type: ignore[attr-defined]
        with pytest.raises(SourceError, match="stalled"):
            take_all(source, times)
        noticed_ns = time.monotonic_ns()

    assert 1.5e9 < noticed_ns - times[-1] < 3.5e9
    assert time.monotonic_ns() - noticed_ns < 1.9e9  # it closes


def test_a_pipeline_that_ends_is_lost() -> None:
    said = error_of(f"{TEST_PICTURES} ! identity eos-after=5")

    assert "the stream ended; to read a file, write its path" in said


@pytest.mark.parametrize(
    ("pipeline", "reason"),
    [
        ("nosuchelement", 'no element "nosuchelement"'),
        ("videotestsrc nosuch=1", 'no property "nosuch"'),
        ("videotestsrc pattern=Zq7", "cannot have the value"),
        ("videotestsrc ! !", "syntax error"),
        ("fakesink", "try it with gst-launch-1.0"),
        ("v4l2src device=/dev/nosuch", "v4l2src0: Cannot identify device"),
        ("rtspsrc location=rtsp://me:Zq7@127.0.0.1:1/?p=Zq7 user-pw=Zq7", "rtspsrc"),
        (
            "souphttpsrc location=http://me:Zq7@127.0.0.1:1/Zq7=Zq7 ! jpegdec",
            "souphttp",
        ),
    ],
)
def test_what_does_not_run_says_why_and_no_password(
    pipeline: str, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        said = error_of(f"gst:{pipeline}")

    assert reason in said
    assert "Zq7" not in caplog.text


def test_only_names_of_elements_are_shown() -> None:
    with open_source(f"{TEST_PICTURES} ! identity name=Zq7") as source:
        assert source.uri == "gst:videotestsrc ! capsfilter ! identity"


def test_a_jetsons_camera_is_a_pipeline_of_nvidias_elements() -> None:
    form = CameraForm.read("1?width=1280&height=720&fps=29.97", form="")

    assert csi_pipeline(form) == (
        "nvarguscamerasrc sensor-id=1 "
        "! video/x-raw(memory:NVMM),width=1280,height=720,framerate=29970/1000 "
        "! nvvidconv ! video/x-raw,format=BGRx"
    )


def test_elsewhere_than_on_a_jetson_csi_says_so() -> None:
    assert "csi: is for NVIDIA Jetson boards" in error_of("csi:0")
    assert "write csi:N" in error_of("csi:zero")
    assert "'size=3' is no option" in error_of("csi:0?size=3")


def test_a_picture_is_of_the_size_that_comes(tmp_path: Path) -> None:
    for index, size in enumerate([(48, 64), (30, 50)]):
        Image.fromarray(moving_square(0, size)).save(tmp_path / f"{index}.png")
    uri = (
        f"gst:multifilesrc location={tmp_path}/%d.png start-index=0 stop-index=1 "
        "loop=true caps=image/png,framerate=20/1 ! pngdec ! identity sync=true"
    )

    with open_source(uri, every_frame=True) as source:
        sizes = {frame.pixels.shape[:2] for frame in islice(source, 6)}

    assert sizes == {(48, 64), (30, 50)}
