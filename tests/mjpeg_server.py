"""A real HTTP server on the loopback address that does what cameras do, good or bad."""

import io
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from PIL import Image

from edgeclf.types import Uint8Image
from tests.videos import moving_square

if TYPE_CHECKING:
    from typing_extensions import Unpack  # in typing from Python 3.11 on

__all__ = ["Answer", "Serving", "jpeg", "mjpeg_server", "part", "stream_of"]

Write = Callable[[bytes], None]
Script = Callable[[Write], None]
"""Writes the body of an answer; when it returns, the server closes the connection."""

BOUNDARY = "frame"
_STREAM = f"multipart/x-mixed-replace; boundary={BOUNDARY}"


@dataclass
class Serving:
    """A server that runs.

    Attributes:
        url: Of its stream.
        requests: Headers of what was asked so far.
    """

    url: str
    requests: list[dict[str, str]]


def jpeg(picture: Uint8Image) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=95, subsampling=0)
    return file.getvalue()


def part(data: bytes) -> bytes:
    """Return one part as most cameras write it."""
    head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}"
    return f"{head}\r\n\r\n".encode() + data + b"\r\n"


def stream_of(pictures: list[Uint8Image], *, fps: float = 200) -> Script:
    """Return a stream that shows the pictures over and over."""
    parts = [part(jpeg(each)) for each in pictures]

    def script(write: Write) -> None:
        while True:
            for each in parts:
                write(each)
                time.sleep(1 / fps)

    return script


class Answer(TypedDict, total=False):
    """What a server says besides the body.

    ``login`` is what ``Authorization`` has to hold; anything else is refused. A
    ``guard`` is asked with the path and that header, and answers with the challenges of
    who is not let in.
    """

    content_type: str
    status: int
    headers: dict[str, str]
    login: str
    guard: Callable[[str, str | None], Sequence[str]]


@contextmanager
def mjpeg_server(
    script: Script | None = None,
    *,
    certificate: Path | None = None,
    port: int = 0,
    **answer: "Unpack[Answer]",
) -> Iterator[Serving]:
    """Serve a stream until the block ends.

    Args:
        script: Writes the body; by default moving squares without end.
        certificate: PEM with key and certificate: serve ``https``.
        port: 0 takes a free one.
        answer: What else the server says.
    """
    body = script or stream_of([moving_square(index) for index in range(6)])
    server = _Server(body, answer, port)
    scheme = "http"
    if certificate is not None:
        scheme = "https"
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=[0.02], daemon=True)
    thread.start()
    try:
        url = f"{scheme}://127.0.0.1:{server.server_port}/live"
        yield Serving(url=url, requests=server.requests)
    finally:
        server.stopping.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, body: Script, answer: Answer, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.body = body
        self.answer = answer
        self.requests: list[dict[str, str]] = []
        self.stopping = threading.Event()


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        answer = self.server.answer
        self.server.requests.append({"path": self.path, **dict(self.headers)})
        shown = self.headers["Authorization"]
        challenges = answer["guard"](self.path, shown) if "guard" in answer else []
        may_come_in = answer.get("login") in {None, shown} and not challenges
        self.send_response(answer.get("status", 200) if may_come_in else 401)
        for challenge in challenges:
            self.send_header("WWW-Authenticate", challenge)
        self.send_header("Content-Type", answer.get("content_type", _STREAM))
        for name, value in answer.get("headers", {}).items():
            self.send_header(name, value)
        self.end_headers()
        try:
            if may_come_in:
                self.server.body(self._write)
        except OSError:
            return  # the client went away

    def _write(self, data: bytes) -> None:
        if self.server.stopping.is_set():
            raise OSError
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Keep the tests' output clean."""
