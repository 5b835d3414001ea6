import os
import socket
import threading
import time
import traceback
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from edgeclf.errors import SourceError
from edgeclf.sources import Source, open_source
from edgeclf.types import Frame
from tests.certificates import self_signed
from tests.rtsp_server import RtspServer, rtsp_server
from tests.videos import moving_square

OPTIONS = "OPENCV_FFMPEG_CAPTURE_OPTIONS"


@pytest.fixture(scope="module")
def server() -> Iterator[RtspServer]:
    with rtsp_server() as running:
        yield running


@pytest.fixture(scope="module")
def guarded() -> Iterator[RtspServer]:
    with rtsp_server(login="me:Zq7 x@/:") as running:
        yield running


def refusal(url: str) -> str:
    with pytest.raises(SourceError) as caught:
        open_source(url)
    assert "Zq7" not in "".join(traceback.format_exception(caught.value))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def place_of_square(frame: Frame) -> int:
    middle = frame.pixels[:, 30:34].astype(int)
    is_grey = np.abs(middle - 128).max(axis=(1, 2)) < 60
    return int(np.flatnonzero(is_grey)[0])


def take_all(source: Source, times: list[int]) -> None:
    times.extend(time.monotonic_ns() for _ in source)


def test_the_pictures_are_those_that_are_sent(server: RtspServer) -> None:
    with open_source(server.url) as source:
        frames = list(islice(source, 20))

    places = [place_of_square(frame) for frame in frames]
    expected = [moving_square(place)[:, 30:34] for place in places]
    seen = [frame.pixels[:, 30:34] for frame in frames]
    assert np.abs(np.subtract(expected, seen, dtype=int)).mean() < 20
    assert len(set(places)) > 5


def test_a_stalled_stream_is_noticed_within_two_seconds() -> None:
    times: list[int] = []
    with rtsp_server() as server, open_source(server.url) as source:
        times += [time.monotonic_ns() for _ in islice(source, 10)]
        server.freeze()
        with pytest.raises(SourceError, match="stalled"):
            take_all(source, times)
        noticed_ns = time.monotonic_ns()

    assert 1.5e9 < noticed_ns - times[-1] < 3.5e9  # 2, and a busy machine


def test_a_server_that_dies_ends_the_stream_with_an_error() -> None:
    with rtsp_server() as server, open_source(server.url) as source:
        list(islice(source, 10))
        server.kill()
        with pytest.raises(SourceError, match="the stream ended"):
            take_all(source, [])


def test_closing_takes_no_time_while_a_stream_stalls() -> None:
    with rtsp_server() as server, open_source(server.url) as source:
        list(islice(source, 10))
        server.freeze()
        began_ns = time.monotonic_ns()
        source.close()
        took_ns = time.monotonic_ns() - began_ns

    assert took_ns < 1.9e9


def test_a_login_is_used_and_nowhere_shown(
    guarded: RtspServer, capfd: pytest.CaptureFixture[str]
) -> None:
    url = guarded.url.replace("//", "//me:Zq7%20x%40%2F%3A@")
    with open_source(url) as source:
        next(iter(source))

    assert source.uri == guarded.url.replace("//", "//***@")
    # FFmpeg is silent only where nobody used it before; a password it never tells.
    assert "Zq7" not in "".join(capfd.readouterr())


def test_what_is_wrong_with_a_login_is_told(
    guarded: RtspServer, capfd: pytest.CaptureFixture[str]
) -> None:
    assert "asks for a login" in refusal(guarded.url)
    wrong = guarded.url.replace("//", "//me:Zq7@")
    assert "refuses this user and password" in refusal(wrong)
    # FFmpeg is silent only where nobody used it before; a password it never tells.
    assert "Zq7" not in "".join(capfd.readouterr())


def test_a_path_that_the_server_does_not_know_is_told(server: RtspServer) -> None:
    wrong = server.url.replace("//", "//me:Zq7@").replace("/live", "/Live?pwd=Zq7")
    assert "has no such stream" in refusal(wrong)


@pytest.mark.parametrize("scheme", ["rtsp", "rtsps"])
def test_where_nothing_listens_it_says_so(scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed_soon:
        port = closed_soon.getsockname()[1]

    assert "connection refused" in refusal(f"{scheme}://me:Zq7@127.0.0.1:{port}/a")
    assert "no such address" in refusal(f"{scheme}://me:Zq7/@127.0.0.1/")


@pytest.mark.parametrize(
    ("greeting", "reason"),
    [
        (b"SSH-2.0-dropbear\r\n", "does not speak RTSP"),
        (b"RTSP/1.0 503 Service Unavailable\r\nCSeq: 1\r\n\r\n", "answers 503"),
    ],
)
def test_another_kind_of_server_is_told(greeting: bytes, reason: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def talk() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.sendall(greeting)

        talking = threading.Thread(target=talk, daemon=True)
        talking.start()
        said = refusal(f"rtsp://127.0.0.1:{server.getsockname()[1]}/")
        server.shutdown(socket.SHUT_RDWR)
        talking.join()

    assert reason in said


def test_an_encrypted_stream_is_read_when_its_certificate_is_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = self_signed(tmp_path)
    with rtsp_server(certificate=certificate, login="me:Zq7") as server:
        url = server.url.replace("//", "//me:Zq7@")
        assert "SSL_CERT_FILE" in refusal(url)

        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        with open_source(url) as source:
            frames = list(islice(source, 3))

    assert frames[0].pixels.shape == (48, 64, 3)


def test_options_of_the_users_own_replace_ours(
    server: RtspServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(OPTIONS, "rtsp_transport;nothing")

    assert "gets no video out of it" in refusal(server.url)


def test_the_environment_is_left_as_it_was(server: RtspServer) -> None:
    with open_source(server.url):
        assert OPTIONS not in os.environ
