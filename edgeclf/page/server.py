"""The server of the page: tornado, in one thread of its own."""

import asyncio
import json
import socket
import threading
import time
import weakref
from concurrent.futures import Future
from contextlib import suppress
from importlib import resources
from typing import Any, Final

from tornado.httpserver import HTTPServer
from tornado.iostream import IOStream
from tornado.web import Application, HTTPError, RequestHandler
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from edgeclf.errors import SinkError
from edgeclf.page.access import Access
from edgeclf.page.live import LivePage
from edgeclf.page.pace import Pace
from edgeclf.page.picture import encode_picture
from edgeclf.stream import Decision

__all__ = ["VIEWERS", "PageServer"]

VIEWERS: Final = 8
"""Pages that may be open at once."""

_CONNECTIONS: Final = 64
"""Sockets that may be open at once, whoever holds them."""

_SILENT_S: Final = 10
"""How long a viewer may leave a ping unanswered, and a connection may say nothing."""

_FILES: Final = {
    "": ("index.html", "text/html; charset=utf-8"),
    "page.css": ("page.css", "text/css; charset=utf-8"),
    "page.js": ("page.js", "text/javascript; charset=utf-8"),
    "icon.svg": ("icon.svg", "image/svg+xml"),
}

_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; connect-src 'self'; "
    "img-src 'self' blob:; script-src 'self'; style-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class PageServer:
    """Serves a page while the loop runs, and costs nothing while nobody looks.

    Args:
        page: What is shown.
        port: 0 takes a free one.
        access: Where it listens, and who may look.

    Raises:
        SinkError: The port cannot be had.
    """

    def __init__(self, page: LivePage, *, port: int, access: Access) -> None:
        listening = _listening(access.host, port)
        self.port: int = listening.getsockname()[1]
        self._board = _Board(page)
        self._access = access
        self._is_up: Future[asyncio.Event] = Future()
        self._thread = threading.Thread(
            target=self._run, args=[listening], name="page", daemon=True
        )
        self._thread.start()
        self._end = self._is_up.result()

    def close(self, timeout_s: float = 0.3) -> None:
        """Send everybody away, and let the port go; a second call does nothing.

        Args:
            timeout_s: How long that may take, in seconds.
        """
        if self._thread.is_alive():
            with suppress(RuntimeError):  # it ended in this very moment
                self._loop.call_soon_threadsafe(self._end.set)
            self._thread.join(timeout_s)

    def _run(self, listening: socket.socket) -> None:
        try:
            with listening:  # let go before anybody hears of the end
                asyncio.run(self._serve(listening))
        except BaseException as error:
            if self._is_up.done():
                raise
            self._is_up.set_exception(error)  # whoever opens the page waits for it

    async def _serve(self, listening: socket.socket) -> None:
        self._loop = asyncio.get_running_loop()
        end = asyncio.Event()
        shared = {"board": self._board, "access": self._access, "port": self.port}
        server = _Server(
            Application(
                [
                    (r"/live", _Live, shared),
                    (r"/state\.json", _State, shared),
                    (r"/picture\.jpg", _Picture, shared),
                    (r"/(.*)", _File, shared),
                ],
                log_function=_log_nothing,
                websocket_ping_interval=_SILENT_S,
                websocket_ping_timeout=_SILENT_S,
                websocket_max_message_size=1024,
            ),
            idle_connection_timeout=_SILENT_S,
            body_timeout=_SILENT_S,
            max_header_size=16_384,
            max_body_size=1024,
        )
        server.add_socket(listening)
        until = asyncio.create_task(end.wait())
        rounds = asyncio.create_task(self._board.go_round())
        self._is_up.set_result(end)
        await asyncio.wait((until, rounds), return_when=asyncio.FIRST_COMPLETED)
        server.stop()
        self._board.close()
        server.hang_up()
        if rounds.done():
            rounds.result()  # it never ends by itself: this raises what went wrong


def _listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens there.

    Raises:
        SinkError: It cannot be had.
    """
    try:
        family, *_, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.create_server(
            address[:2], family=family, dualstack_ipv6=host == "::"
        )
    except OSError as error:
        reason = (error.strerror or str(error)).lower().partition(" (while")[0]
        raise SinkError(
            f"cannot serve the page on {host}, port {port}: {reason}"
        ) from error
    listening.setblocking(False)
    return listening


class _Server(HTTPServer):
    """Knows its sockets: to refuse more than a page can need, and to close them all."""

    def initialize(self, *args: Any, **options: Any) -> None:
        super().initialize(*args, **options)
        self._streams: weakref.WeakSet[IOStream] = weakref.WeakSet()

    def handle_stream(self, stream: IOStream, address: tuple[Any, ...]) -> None:
        if sum(not each.closed() for each in self._streams) >= _CONNECTIONS:
            stream.close()
            return
        self._streams.add(stream)
        super().handle_stream(stream, address)

    def hang_up(self) -> None:
        """Close every socket, live views included."""
        for stream in tuple(self._streams):
            stream.close()


class _Board:
    """What all viewers are shown, made once for all of them.

    Every viewer says when it has drawn what it got, and gets nothing before that: a
    slow network never makes anybody see the past, and a viewer that does not read
    costs one message.
    """

    def __init__(self, page: LivePage) -> None:
        self.page = page
        self._viewers: set[_Live] = set()
        self._someone = asyncio.Event()
        self._encoded: tuple[Decision, bytes] | None = None

    @property
    def is_full(self) -> bool:
        """Whether no further viewer is let in."""
        return len(self._viewers) >= VIEWERS

    def join(self, viewer: "_Live") -> None:
        """Show it everything from now on."""
        self._viewers.add(viewer)
        self._someone.set()

    def leave(self, viewer: "_Live") -> None:
        """Show it nothing more."""
        self._viewers.discard(viewer)
        if not self._viewers:
            self._someone.clear()
            self._encoded = None

    def picture(self) -> tuple[Decision, bytes] | None:
        """Return the newest picture as a JPEG, and whose it is."""
        newest = self.page.newest
        if newest is None:
            return None
        if self._encoded is None or self._encoded[0] is not newest:
            self._encoded = (newest, encode_picture(newest.frame.pixels))
        return self._encoded

    async def go_round(self) -> None:
        """Show the newest to whoever waits, at a pace that the loop does not feel."""
        pace = Pace()
        spent_ns = time.thread_time_ns()
        while True:
            await self._someone.wait()
            began_ns = time.monotonic_ns()
            self._show()
            before_ns, spent_ns = spent_ns, time.thread_time_ns()
            rest_ns = began_ns + pace.period_ns(spent_ns - before_ns)
            await asyncio.sleep(max(0, rest_ns - time.monotonic_ns()) / 1e9)

    def _show(self) -> None:
        waiting = [viewer for viewer in self._viewers if viewer.is_waiting]
        if not waiting:
            return
        picture = self.picture()
        state = self.page.state()
        for viewer in waiting:
            viewer.show(state, picture)

    def close(self) -> None:
        """Tell everybody that this is the end."""
        for viewer in tuple(self._viewers):
            viewer.close(1001, "the loop has ended")


class _Guarded(RequestHandler):
    """Lets in who may look."""

    def initialize(self, *, board: _Board, access: Access, port: int) -> None:
        self.board = board
        self._access = access
        # A browser shares cookies among all ports of a host.
        self._cookie = f"edgeclf-{port}"

    def set_default_headers(self) -> None:
        self.clear_header("Server")
        for name, value in _HEADERS.items():
            self.set_header(name, value)

    def prepare(self) -> None:
        if not self._access.knows(self.request.host_name):
            self._refuse(403, f"this page is not called {self.request.host_name!r}")
            return
        if self._access.admits(self._shown()):
            return
        self._refuse(
            401,
            "the token is missing or wrong; open the address that 'edgeclf run' printed,"
            " or add ?token=… to this one",
        )

    def write_error(self, status_code: int, **_: Any) -> None:
        self._refuse(status_code, self._reason)

    def log_exception(self, kind: Any, error: Any, trace: Any) -> None:
        """Say nothing of requests that are wrong: they must not fill a disk."""
        if not isinstance(error, HTTPError):
            super().log_exception(kind, error, trace)

    def compute_etag(self) -> None:
        """Have none: everything is new."""

    def _shown(self) -> str | None:
        """Return the token that came: in a header, in the address or in a cookie."""
        kind, _, bearer = self.request.headers.get("Authorization", "").partition(" ")
        if kind.lower() == "bearer":
            return bearer.strip()
        return self.get_query_argument("token", None) or self.get_cookie(self._cookie)

    def _refuse(self, status: int, why: str) -> None:
        self.set_status(status)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(f"{why}\n")


class _File(_Guarded):
    """The page itself."""

    def get(self, name: str) -> None:
        """Answer with one of the page's few files."""
        if name not in _FILES:
            self._refuse(404, "there is no such page here")
            return
        token = self.get_query_argument("token", None)
        if token is not None and self._access.token is not None:
            # Out of the address, which people copy and browsers remember.
            self.set_cookie(
                self._cookie, token, httponly=True, samesite="Strict", path="/"
            )
            self.redirect("/")
            return
        file_name, kind = _FILES[name]
        self.set_header("Content-Type", kind)
        file = resources.files("edgeclf.page") / "static" / file_name
        self.finish(file.read_bytes())


class _State(_Guarded):
    """What the page shows, for programs."""

    def get(self) -> None:
        """Answer with the state as JSON."""
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.finish(_json(self.board.page.state()))


class _Picture(_Guarded):
    """The newest picture, for programs."""

    def get(self) -> None:
        """Answer with a JPEG."""
        picture = self.board.picture()
        if picture is None:
            self._refuse(503, "no picture has come yet")
            return
        self.set_header("Content-Type", "image/jpeg")
        self.finish(picture[1])


class _Live(_Guarded, WebSocketHandler):
    """One viewer. It gets a JSON text and, when there is a new one, a JPEG.

    The text says whether a picture follows. The viewer answers with any message when it
    has drawn both, and then gets the next.
    """

    def open(self, *_: str, **__: str) -> None:
        """Begin to show, unless this is one too many."""
        if self.board.is_full:
            # Told here, as a browser does not show a page why it was not let in.
            self.close(1013, f"{VIEWERS} pages are open already")
            return
        self.set_nodelay(True)
        self._seen: Decision | None = None
        self.is_waiting = True
        self.board.join(self)

    def on_message(self, _: str | bytes) -> None:
        """Take note that the last was drawn."""
        self.is_waiting = True

    def on_close(self) -> None:
        """Show no more."""
        self.board.leave(self)

    def show(self, state: Any, picture: tuple[Decision, bytes] | None) -> None:
        """Send the state, and the picture if this viewer has not seen it."""
        is_new = picture is not None and picture[0] is not self._seen
        self.is_waiting = False
        self._send(_json({**state, "picture": is_new}))
        if picture is not None and is_new:
            self._seen = picture[0]
            self._send(picture[1])

    def _send(self, message: str | bytes) -> None:
        # Nobody waits until it is written: the viewer says when it has it.
        with suppress(WebSocketClosedError):
            sent = self.write_message(message, binary=isinstance(message, bytes))
            sent.add_done_callback(_note_failure)


def _note_failure(sent: "asyncio.Future[None]") -> None:
    """Take note that a viewer went while it was written to: ``on_close`` follows."""
    if not sent.cancelled():
        sent.exception()


def _log_nothing(_: RequestHandler) -> None:
    """One line a request for months would fill a disk."""


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
