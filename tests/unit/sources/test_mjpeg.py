import base64
import io
import logging
import socket
import threading
import time
import traceback
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import numpy as np
import pytest
from PIL import Image

from edgeclf.errors import SourceError
from edgeclf.sources import Source, open_source
from edgeclf.types import DecodeSpec, Frame, Uint8Image
from tests.certificates import self_signed
from tests.mjpeg_server import Answer, Script, Write, jpeg, mjpeg_server, part
from tests.videos import moving_square

if TYPE_CHECKING:
    from typing_extensions import Unpack  # in typing from Python 3.11 on

WHOLE = part(jpeg(moving_square(0)))


def numbered(index: int, size: tuple[int, int] = (16, 24)) -> Uint8Image:
    """A picture whose brightness tells its number, up to 250."""
    return np.full((*size, 3), index, np.uint8)


def number_in(frame: Frame) -> int:
    return int(frame.pixels.mean().round())


def parts(*each: bytes) -> Script:
    def script(write: Write) -> None:
        for data in each:
            write(data)

    return script


def again_and_again(*each: bytes) -> Script:
    def script(write: Write) -> None:
        while True:
            for data in each:
                write(data)
                time.sleep(0.005)

    return script


def then_hang(*each: bytes) -> Script:
    def script(write: Write) -> None:
        for data in each:
            write(data)
        while True:  # until the server is stopped
            time.sleep(0.05)
            write(b"")

    return script


def take_all(source: Source, times: list[int]) -> None:
    """Read to the end, and note when each frame was had."""
    for frame in source:
        assert frame.pixels.shape == (48, 64, 3)
        times.append(time.monotonic_ns())


def failure(script: Script | None = None, **answer: "Unpack[Answer]") -> str:
    """Return what opening or reading a stream to its end says."""
    with (
        mjpeg_server(script, **answer) as server,
        pytest.raises(SourceError) as caught,
        open_source(server.url, every_frame=True) as source,
    ):
        take_all(source, [])
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_pixels_are_those_of_the_picture_file() -> None:
    data = jpeg(moving_square(3))
    with (
        mjpeg_server(again_and_again(part(data))) as server,
        open_source(server.url, every_frame=True) as source,
    ):
        frame = next(iter(source))

    np.testing.assert_array_equal(frame.pixels, Image.open(io.BytesIO(data)))


def test_every_frame_loses_none_however_slowly_it_is_asked() -> None:
    pictures = [part(jpeg(numbered(index))) for index in range(60)]

    def script(write: Write) -> None:
        time.sleep(0.2)  # until somebody asks
        for each in pictures:
            write(each)
        time.sleep(0.5)

    with (
        mjpeg_server(script) as server,
        open_source(server.url, every_frame=True) as source,
    ):
        frames = []
        for frame in islice(source, 60):
            frames.append(frame)
            time.sleep(0.002)

    assert [frame.sequence for frame in frames] == list(range(60))
    assert [number_in(frame) for frame in frames] == list(range(60))


def test_a_slow_reader_sees_what_is_sent_now_and_counts_what_it_missed() -> None:
    sent: list[int] = []
    big = [part(jpeg(numbered(index, (480, 640)))) for index in range(250)]

    def script(write: Write) -> None:
        for index, each in enumerate(big):
            write(each)
            sent.append(index)
            time.sleep(0.01)

    lags = []
    with mjpeg_server(script) as server, open_source(server.url) as source:
        frames = iter(source)
        first = number_in(next(frames))
        for _ in range(8):
            time.sleep(0.15)
            frame = next(frames)
            lags.append(len(sent) - 1 - number_in(frame))
            assert number_in(frame) == first + frame.sequence

    assert sorted(lags)[4] <= 3
    assert frame.sequence > 30


def test_half_a_picture_is_counted_told_and_no_frame() -> None:
    whole = jpeg(moving_square(0))
    lines: list[str] = []
    half = part(whole[: len(whole) // 2])
    script = again_and_again(part(whole), half)

    with (
        mjpeg_server(script) as server,
        open_source(server.url, every_frame=True, notify=lines.append) as source,
    ):
        frames = list(islice(source, 10))

    assert [frame.sequence for frame in frames] == list(range(10))
    assert all(frame.pixels.shape == (48, 64, 3) for frame in frames)
    assert source.unreadable == len(lines) >= 9
    assert "damaged" in lines[0]


def test_a_stream_of_nothing_that_can_be_read_is_lost() -> None:
    def script(write: Write) -> None:
        for _ in range(30):
            write(WHOLE)
            time.sleep(0.01)
        again_and_again(part(b"not a picture"))(write)

    with (
        mjpeg_server(script) as server,
        open_source(server.url, notify=lambda _: None) as source,
    ):
        times: list[int] = []
        with pytest.raises(SourceError, match="no picture for 2 s that can be"):
            take_all(source, times)
        noticed_ns = time.monotonic_ns()

    assert noticed_ns - times[-1] < 3.5e9
    assert source.unreadable > 10


def test_a_server_that_dies_in_the_middle_of_a_picture_invents_none() -> None:
    def script(write: Write) -> None:
        for _ in range(30):
            write(WHOLE)
            time.sleep(0.01)
        write(WHOLE[:-200])

    with (
        mjpeg_server(script) as server,
        open_source(server.url, every_frame=True) as source,
    ):
        with pytest.raises(SourceError, match="the server closed the stream"):
            take_all(source, [])
        with pytest.raises(SourceError, match="closed"):
            next(iter(source))

    assert source.unreadable == 0


def test_a_stalled_stream_is_noticed_within_two_seconds() -> None:
    def script(write: Write) -> None:
        for _ in range(30):
            write(WHOLE)
            time.sleep(0.01)
        then_hang(WHOLE[:-100])(write)

    with mjpeg_server(script) as server, open_source(server.url) as source:
        times: list[int] = []
        with pytest.raises(SourceError, match="stalled"):
            take_all(source, times)
        noticed_ns = time.monotonic_ns()

    assert 1.5e9 < noticed_ns - times[-1] < 3.5e9  # 2, and a busy machine


def test_a_stream_that_trickles_is_a_stalled_one() -> None:
    def script(write: Write) -> None:
        for _ in range(30):
            write(WHOLE)
            time.sleep(0.01)
        for index in range(len(WHOLE)):
            write(WHOLE[index : index + 1])
            time.sleep(0.1)

    with (
        mjpeg_server(script) as server,
        open_source(server.url) as source,
        pytest.raises(SourceError, match="stalled"),
    ):
        take_all(source, [])


def test_closing_while_a_stalled_stream_is_read_takes_no_time() -> None:
    with (
        mjpeg_server(then_hang(WHOLE[:100])) as server,
        open_source(server.url),
    ):
        began_ns = time.monotonic_ns()

    assert time.monotonic_ns() - began_ns < 1e9


def test_the_size_may_change_while_it_runs() -> None:
    sizes = [(16, 24), (48, 64), (31, 17)]
    pictures = [part(jpeg(numbered(100, size))) for size in sizes]

    with (
        mjpeg_server(again_and_again(*pictures)) as server,
        open_source(server.url, every_frame=True) as source,
    ):
        seen = {frame.pixels.shape[:2] for frame in islice(source, 6)}

    assert seen == set(sizes)


@pytest.mark.parametrize(
    ("content_type", "change"),
    [
        ('multipart/x-mixed-replace; boundary="frame"', bytes),
        ("multipart/x-mixed-replace;boundary=--frame", bytes),
        ("Multipart/X-Mixed-Replace; charset=x; boundary=frame", bytes),
        (
            "multipart/x-mixed-replace; boundary=frame",
            lambda data: data.replace(b"\r\nContent-Length", b"\r\nX-Length"),
        ),
        (
            "multipart/x-mixed-replace; boundary=frame",
            lambda data: data.removesuffix(b"\r\n"),
        ),
    ],
    ids=["quoted", "with dashes", "odd letters", "no length", "no line end"],
)
def test_cameras_with_manners_of_their_own_are_read(
    content_type: str, change: Callable[[bytes], bytes]
) -> None:
    script = again_and_again(change(part(jpeg(moving_square(0)))))

    with (
        mjpeg_server(script, content_type=content_type) as server,
        open_source(server.url, every_frame=True) as source,
    ):
        frames = list(islice(source, 5))

    assert all(frame.pixels.shape == (48, 64, 3) for frame in frames)
    assert source.unreadable == 0


def test_a_chunked_answer_is_read() -> None:
    def script(write: Write) -> None:
        while True:
            for piece in (WHOLE[:100], WHOLE[100:]):
                write(b"%x\r\n" % len(piece) + piece + b"\r\n")
            time.sleep(0.01)

    with (
        mjpeg_server(script, headers={"Transfer-Encoding": "chunked"}) as server,
        open_source(server.url) as source,
    ):
        assert next(iter(source)).pixels.shape == (48, 64, 3)


def test_pictures_are_decoded_as_the_model_wants_them() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned
    file = io.BytesIO()
    Image.fromarray(moving_square(0)).save(file, "JPEG", exif=exif)
    script = again_and_again(part(file.getvalue()))

    with mjpeg_server(script) as server:
        decode = DecodeSpec(orientation="apply")
        with open_source(server.url, decode=decode, every_frame=True) as source:
            assert next(iter(source)).pixels.shape == (64, 48, 3)


@pytest.mark.parametrize("user", ["me", "käthe@home"])
@pytest.mark.parametrize("password", ["secret", "p@ss:w/rd?#%"])
def test_a_login_in_the_address_is_sent_and_nowhere_shown(
    user: str, password: str, caplog: pytest.LogCaptureFixture
) -> None:

    login = base64.b64encode(f"{user}:{password}".encode()).decode()
    with mjpeg_server(login=f"Basic {login}") as server:
        place = server.url.removeprefix("http://")
        asked = f"http://{quote(user, safe='')}:{quote(password, safe='')}@{place}"
        with caplog.at_level(logging.DEBUG), open_source(asked) as source:
            next(iter(source))

    assert source.uri == f"http://***@{place}"
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://me:Zq7x@127.0.0.1:1/a?pwd=Zq7x", "connection refused"),
        ("http://me:Zq7x/y@127.0.0.1/a", "in a password %40 for @"),
        ("http://me:Zq7x y@127.0.0.1/a", "cannot hold spaces"),
        ("http://me:Zq7x@127.0.0.1:port/a", "no such address"),
        ("http://me:Zq7x@[127/a", "no such address"),
        ("http://:Zq7x@/a", "no such address"),
        (f"http://me:Zq7x@{'a' * 70}.b/", "no such address"),
    ],
    ids=["refused", "slash", "space", "port", "bracket", "no host", "long host"],
)
def test_no_part_of_an_error_repeats_a_password(url: str, reason: str) -> None:
    with pytest.raises(SourceError, match=reason) as caught:
        open_source(url)

    assert "Zq7" not in "".join(traceback.format_exception(caught.value))
    assert "\n" not in str(caught.value)


def test_a_refused_login_says_so_and_does_not_repeat_it() -> None:
    with mjpeg_server(login="Basic right") as server:
        url = server.url.replace("//", "//me:Zq7x@")
        with pytest.raises(SourceError, match="refuses this user and pass") as caught:
            open_source(url)

    assert "Zq7" not in "".join(traceback.format_exception(caught.value))


def test_an_answer_that_is_no_stream_says_what_it_is() -> None:
    assert "asks for a login" in failure(login="Basic x")
    elsewhere = {"Location": "http://elsewhere/"}
    assert "sends you elsewhere" in failure(status=302, headers=elsewhere)
    assert "answers 404" in failure(status=404)
    assert "'image/jpeg'; expected multipart" in failure(content_type="image/jpeg")
    assert "with a boundary" in failure(content_type="multipart/x-mixed-replace")
    assert "no boundary in 64 KiB" in failure(parts(b"x" * 100_000))
    assert "ended the stream" in failure(parts(WHOLE, b"--frame--"))


def test_a_server_that_does_not_speak_http_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def talk() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"SSH-2.0-dropbear\r\n")

        threading.Thread(target=talk, daemon=True).start()
        with pytest.raises(SourceError, match=r"no answer .*is this a camera's stream"):
            open_source(f"http://127.0.0.1:{port}/")


def test_a_server_that_never_answers_is_noticed_within_two_seconds() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        began_ns = time.monotonic_ns()
        with pytest.raises(SourceError, match="nothing for 2 s"):
            open_source(f"http://127.0.0.1:{server.getsockname()[1]}/")

    assert time.monotonic_ns() - began_ns < 3.5e9


def test_an_encrypted_stream_is_read_when_its_certificate_is_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = self_signed(tmp_path)
    with mjpeg_server(certificate=certificate) as server:
        with pytest.raises(SourceError, match=r"not trusted .*SSL_CERT_FILE"):
            open_source(server.url)

        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        with open_source(server.url) as source:
            frames = list(islice(source, 3))
            began_ns = time.monotonic_ns()

    assert time.monotonic_ns() - began_ns < 2e9
    assert frames[0].pixels.shape == (48, 64, 3)


def test_the_servers_wish_for_more_is_asked_with_path_and_query() -> None:
    with (
        mjpeg_server() as server,
        open_source(f"{server.url}/ä?a=1&b=%20") as source,
    ):
        next(iter(source))

    assert server.requests[0]["path"] == "/live/%C3%A4?a=1&b=%20"
