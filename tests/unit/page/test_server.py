"""The page's server, asked over real sockets on the loopback address."""

import http.client
import io
import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import pytest
from PIL import Image
from websocket import (
    ABNF,
    WebSocket,
    WebSocketBadStatusException,
    WebSocketTimeoutException,
    create_connection,
)

from edgeclf.errors import SinkError
from edgeclf.page import Access, LivePage, serve_page
from edgeclf.page.server import VIEWERS, PageServer
from edgeclf.types import Uint8Image
from tests.brokers import free_port, until
from tests.deaf_viewer import deaf_viewer, has_hung_up
from tests.models import tiny_model
from tests.unit.sinks.records import decision

TOKEN = "a-token-of-some-length"  # noqa: S105 - of this test

Answer = tuple[int, dict[str, str], bytes]


def shown_page(count: int = 1) -> LivePage:
    page = LivePage(model=tiny_model())
    for sequence in range(count):
        page.decision(decision(sequence, at_ns=time.monotonic_ns() - 9_000_000))
    return page


@contextmanager
def served(page: LivePage | None = None, **access: Any) -> Iterator[PageServer]:
    with serve_page(page or shown_page(), port=0, access=Access(**access)) as server:
        yield server


def ask(server: PageServer, path: str, **headers: str) -> Answer:
    """Ask as a browser on this machine would."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    try:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read()
    finally:
        connection.close()


@contextmanager
def viewer(server: PageServer, **options: Any) -> Iterator[WebSocket]:
    """Open the live view as a browser does."""
    connection = create_connection(
        f"ws://127.0.0.1:{server.port}/live", timeout=30, **options
    )
    try:
        yield connection
    finally:
        connection.close()
        # Closing does nothing when the other side has.
        connection.shutdown()  # type: ignore[no-untyped-call]


def state_from(connection: WebSocket) -> dict[str, Any]:
    message = connection.recv()
    assert isinstance(message, str)
    state: dict[str, Any] = json.loads(message)
    return state


def picture_from(connection: WebSocket) -> Image.Image:
    message = connection.recv()
    assert isinstance(message, bytes)
    return Image.open(io.BytesIO(message))


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/page.css", "text/css; charset=utf-8"),
        ("/page.js", "text/javascript; charset=utf-8"),
        ("/icon.svg", "image/svg+xml"),
        ("/state.json", "application/json; charset=utf-8"),
        ("/picture.jpg", "image/jpeg"),
    ],
)
def test_the_page_is_a_few_files_of_its_own_that_nothing_keeps(
    path: str, kind: str
) -> None:
    with served() as server:
        status, headers, body = ask(server, path)

    assert status == 200
    assert headers["Content-Type"] == kind
    assert headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "Server" not in headers
    assert body


def test_the_page_asks_no_other_server() -> None:
    with served() as server:
        files = [ask(server, path)[2].decode() for path in ("/", "/page.css")]
        script = ask(server, "/page.js")[2].decode()

    assert not any("//" in text for text in files)
    assert script.count("://") == script.count("http://www.w3.org/2000/svg") == 1


@pytest.mark.parametrize("path", ["/static/page.js", "/..%2f..%2fpyproject.toml", "/x"])
def test_nothing_else_is_there(path: str) -> None:
    with served() as server:
        status, headers, body = ask(server, path)

    assert status == 404
    assert headers["Content-Type"].startswith("text/plain")
    assert body == b"there is no such page here\n"


def test_before_the_first_decision_there_is_no_picture() -> None:
    with served(LivePage(model=tiny_model())) as server:
        status, _, body = ask(server, "/picture.jpg")

    assert (status, body) == (503, b"no picture has come yet\n")


def test_a_stranger_who_calls_this_machine_by_a_name_of_his_sees_nothing() -> None:
    with served() as server:
        status, _, body = ask(server, "/state.json", Host="camera.example")

    assert status == 403
    assert b"not called 'camera.example'" in body


def test_another_sites_script_cannot_open_the_live_view() -> None:
    with (
        served() as server,
        pytest.raises(WebSocketBadStatusException, match="403"),
        viewer(server, origin="http://camera.example"),
    ):
        pass


@pytest.mark.parametrize(
    "path", ["/", "/page.js", "/state.json", "/picture.jpg", "/live", "/nothing"]
)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Cookie": "edgeclf-0=" + TOKEN},
    ],
    ids=["nothing", "wrong", "basic", "another-port"],
)
def test_with_a_token_nobody_sees_anything_without_it(
    path: str, headers: dict[str, str]
) -> None:
    with served(token=TOKEN) as server:
        status, _, body = ask(server, path, **headers)

    assert status == 401
    assert b"token" in body


def test_the_tokens_address_sets_a_cookie_and_leaves_no_token_in_the_address() -> None:
    with served(token=TOKEN) as server:
        status, headers, _ = ask(server, f"/?token={TOKEN}")
        cookie = headers["Set-Cookie"]
        later = ask(server, "/state.json", Cookie=cookie.partition(";")[0])

    assert status == 302
    assert headers["Location"] == "/"
    assert cookie.startswith(f"edgeclf-{server.port}=")
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert later[0] == 200


def test_a_program_shows_the_token_in_a_header_or_in_the_address() -> None:
    with served(token=TOKEN) as server:
        in_header = ask(server, "/picture.jpg", Authorization=f"Bearer {TOKEN}")
        in_address = ask(server, f"/picture.jpg?token={TOKEN}")

    assert in_header[0] == in_address[0] == 200


def test_a_viewer_gets_the_newest_state_and_each_picture_once() -> None:
    page = shown_page()
    with served(page) as server, viewer(server) as connection:
        first = state_from(connection)
        assert first["picture"] is True
        assert picture_from(connection).size == (6, 4)

        connection.send("next")
        assert state_from(connection)["picture"] is False

        wide = np.zeros((10, 30, 3), np.uint8)
        page.decision(decision(7, at_ns=time.monotonic_ns() - 9_000_000, pixels=wide))
        connection.send("next")
        assert state_from(connection)["decision"]["sequence"] == 7
        assert picture_from(connection).size == (30, 10)


def test_nothing_is_sent_before_the_last_was_drawn() -> None:
    page = shown_page()
    with served(page) as server, viewer(server) as connection:
        state_from(connection)
        picture_from(connection)
        page.decision(decision(7, at_ns=time.monotonic_ns()))
        connection.settimeout(0.5)

        with pytest.raises(WebSocketTimeoutException):
            connection.recv()


def test_viewers_beyond_the_most_are_told_so() -> None:
    with served() as server, ExitStack() as opened:
        viewers = [opened.enter_context(viewer(server)) for _ in range(VIEWERS)]
        for each in viewers:
            state_from(each)
        with viewer(server) as late:
            opcode, data = late.recv_data(control_frame=True)

        assert opcode == ABNF.OPCODE_CLOSE
        assert data[2:].decode() == f"{VIEWERS} pages are open already"
        viewers[0].close()

        until(lambda: can_look(server))


def can_look(server: PageServer) -> bool:
    with viewer(server) as connection:
        return bool(connection.recv_data()[0] == ABNF.OPCODE_TEXT)


def test_sockets_beyond_the_most_are_closed_and_the_page_goes_on() -> None:
    with served() as server:
        opened = [
            socket.create_connection(("127.0.0.1", server.port)) for _ in range(80)
        ]
        until(lambda: sum(is_closed(each) for each in opened) >= 16)
        for each in opened:
            each.close()

        until(lambda: answers(server))


def is_closed(connection: socket.socket) -> bool:
    """Return whether the other side hung up."""
    connection.setblocking(False)
    try:
        return connection.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


def answers(server: PageServer) -> bool:
    try:
        return ask(server, "/state.json")[0] == 200
    except (OSError, http.client.HTTPException):
        return False


def test_a_port_that_is_taken_is_one_clear_line() -> None:
    with (
        served() as server,
        pytest.raises(SinkError, match=r"127\.0\.0\.1, port \d+: address already in"),
        serve_page(shown_page(), port=server.port, access=Access()),
    ):
        pass  # pragma: no cover - never reached


def test_an_address_that_is_not_ours_is_one_clear_line() -> None:
    access = Access(host="192.0.2.1", token=TOKEN)
    with (
        pytest.raises(SinkError, match=r"192\.0\.2\.1, port 0: cannot assign"),
        serve_page(shown_page(), port=0, access=access),
    ):
        pass  # pragma: no cover - never reached


def test_a_server_that_cannot_begin_says_so_and_lets_the_port_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("edgeclf.page.server.Application", _refuse)
    port = free_port()
    with (
        pytest.raises(TypeError, match="another version"),
        serve_page(shown_page(), port=port, access=Access()),
    ):
        pass  # pragma: no cover - never reached
    monkeypatch.undo()

    with serve_page(shown_page(), port=port, access=Access()) as again:
        assert ask(again, "/")[0] == 200


def _refuse(*_: object, **__: object) -> None:
    raise TypeError("tornado is of another version")


def test_the_port_is_free_again_at_once() -> None:
    with served() as server:
        ask(server, "/")

    with serve_page(shown_page(), port=server.port, access=Access()) as again:
        assert ask(again, "/")[0] == 200


def test_nothing_is_encoded_while_nobody_looks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    encoded: list[int] = []

    def encode(pixels: Uint8Image) -> bytes:
        encoded.append(pixels.size)
        return b"a picture"

    monkeypatch.setattr("edgeclf.page.server.encode_picture", encode)
    page = shown_page()

    with served(page) as server:
        time.sleep(0.3)
        assert encoded == []
        with viewer(server) as connection:
            state_from(connection)
        assert len(encoded) == 1
        for sequence in range(5):
            page.decision(decision(sequence))
        time.sleep(0.3)

    assert len(encoded) == 1


def test_a_viewer_that_never_reads_is_sent_away_and_hurts_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("edgeclf.page.server._SILENT_S", 1)
    page = shown_page()
    large = np.random.default_rng(0).integers(0, 256, (900, 900, 3), np.uint8)
    with (
        served(page) as server,
        deaf_viewer(server.port) as deaf,
        viewer(server) as other,
    ):
        for sequence in range(30):
            page.decision(decision(sequence, pixels=large.copy()))
            state_from(other)
            picture_from(other)
            other.send("next")

        until(lambda: has_hung_up(deaf))
        assert ask(server, "/state.json")[0] == 200
