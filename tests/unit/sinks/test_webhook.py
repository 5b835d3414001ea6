"""Records on a real HTTP server that fails in every way a server can."""

import contextlib
import hashlib
import hmac
import json
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from edgeclf.errors import SinkError
from edgeclf.sinks import SinkOptions, open_sink
from edgeclf.sinks.buffered import Backoff, BufferedSink
from edgeclf.sinks.picking import PickKinds
from edgeclf.sinks.webhook import Target, WebhookOutlet
from tests.brokers import until
from tests.certificates import make_certificates
from tests.unit.sinks.records import KINDS, decision, event


@dataclass
class Script:
    """What the server does with each request, and what it got.

    Attributes:
        answers: A status each, or ``close`` or ``hang``; 204 after the last.
        headers: Sent with each answer.
    """

    answers: list[int | str] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    accepted: list[int] = field(default_factory=list)
    connections: int = 0
    let_go: threading.Event = field(default_factory=threading.Event)


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(
        self, script: Script, tls: ssl.SSLContext | None = None, *, port: int = 0
    ) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.script = script
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_side=True)
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is what the test is about."""

    def stop(self) -> None:
        self.script.let_go.set()
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def setup(self) -> None:
        super().setup()
        self.server.script.connections += 1

    def do_POST(self) -> None:
        script = self.server.script
        body = self.rfile.read(int(self.headers["Content-Length"]))
        script.requests.append((self.path, dict(self.headers), body))
        answer = script.answers.pop(0) if script.answers else 204
        if answer == "hang":
            script.let_go.wait(60)
        if isinstance(answer, str):
            self.close_connection = True
            return
        if 200 <= answer < 300:
            script.accepted.append(json.loads(body)["sequence"])
        self.send_response(answer)
        for name, value in script.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def server(script: Script) -> Iterator[Server]:
    server = Server(script)
    yield server
    server.stop()


def impatient(
    server: Server, said: list[str], *, size: int = 1000, timeout_s: float = 30
) -> BufferedSink:
    """Return a sink that tries again at once."""
    return BufferedSink(
        WebhookOutlet(
            Target(host="127.0.0.1", port=server.server_port, path="/hook"),
            timeout_s=timeout_s,
        ),
        PickKinds(KINDS),
        name="http:",
        notify=said.append,
        size=size,
        backoff=Backoff(first_s=0.005, most_s=0.01),
    )


def test_an_event_is_posted_as_json_with_an_id_and_a_signature(
    script: Script, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGECLF_WEBHOOK_SECRET", "s3cret")
    sink = open_sink(
        f"http://cat:purr@127.0.0.1:{server.server_port}/hook/1?token=t%20t&timeout=9s"
    )

    sink.decision(decision(1))
    sink.event(event(sequence=2))
    counts = sink.settle(30)
    sink.close(30)

    ((path, headers, body),) = script.requests
    told = json.loads(body)
    assert path == "/hook/1?token=t%20t"
    assert (told["record"], told["sequence"]) == ("event", 2)
    assert headers["Idempotency-Key"] == told["id"]
    assert headers["Content-Type"] == "application/json"
    assert headers["Authorization"] == "Basic Y2F0OnB1cnI="
    expected = hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
    assert headers["X-Edgeclf-Signature"] == f"sha256={expected}"
    assert (counts.taken, counts.delivered) == (1, 1)
    assert sink.name == f"http://127.0.0.1:{server.server_port}/…"


def test_without_a_secret_there_is_no_signature_and_the_connection_is_kept(
    script: Script, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EDGECLF_WEBHOOK_SECRET", raising=False)
    sink = open_sink(f"http://127.0.0.1:{server.server_port}?what=decisions,events")

    for sequence in range(20):
        sink.decision(decision(sequence))
    sink.settle(30)
    sink.close(30)

    assert script.accepted == list(range(20))
    assert {path for path, _, _ in script.requests} == {"/"}
    assert not [each for _, each, _ in script.requests if "X-Edgeclf-Signature" in each]
    assert script.connections == 1


@pytest.mark.parametrize(
    ("answers", "problem"),
    [
        pytest.param([500, 503, 502], "answers 500", id="errors"),
        pytest.param([429, 429], "answers 429", id="too many requests"),
        pytest.param([401, 404], "answers 401", id="not ready yet"),
        pytest.param(["close", "close"], "was closed", id="closed connections"),
        pytest.param([302, 307], "a redirect, which is not followed", id="redirects"),
    ],
)
def test_a_server_that_recovers_gets_everything_in_order_with_the_same_ids(
    answers: list[int | str], problem: str, script: Script, server: Server
) -> None:
    script.answers = list(answers)
    script.headers = {"Location": "http://127.0.0.1:9/secret"}
    said: list[str] = []
    sink = impatient(server, said)

    for sequence in range(5):
        sink.event(event(sequence=sequence))
    until(lambda: sink.counts().delivered == 5)
    sink.close(30)

    assert script.accepted == [0, 1, 2, 3, 4]
    first = [headers["Idempotency-Key"] for _, headers, _ in script.requests]
    assert len(set(first)) == 5
    assert first[: len(answers)] == [first[0]] * len(answers)
    assert problem in said[0]
    assert "secret" not in said[0]
    assert "works again" in said[1]


def test_after_a_minute_without_its_server_the_newest_arrive_in_order() -> None:
    gone = Server(Script())
    said: list[str] = []
    sink = impatient(gone, said, size=1000)
    gone.stop()

    for sequence in range(60 * 30):  # a minute of a camera
        sink.decision(decision(sequence))
        if sequence == 0:
            until(lambda: bool(said))
    until(lambda: sink.counts().lost == 800)
    back = Server(script := Script(), port=gone.server_port)
    until(lambda: sink.counts().delivered == 1000)
    until(lambda: len(said) == 2)
    sink.close(30)
    back.stop()

    assert script.accepted == list(range(800, 1800))
    assert sink.counts().taken == 1800
    assert "was closed, or refused; up to 1000 records wait" in said[0]
    assert "800 records lost" in said[1]


def test_a_server_that_hangs_is_left_after_its_time(
    script: Script, server: Server
) -> None:
    script.answers = ["hang"]
    said: list[str] = []
    sink = impatient(server, said, timeout_s=0.1)

    sink.event(event(sequence=0))
    until(lambda: sink.counts().delivered == 1)
    sink.close(30)

    assert "no answer in time" in said[0]


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_record_that_the_server_never_wants_is_lost_alone(
    status: int, script: Script, server: Server
) -> None:
    script.answers = [204, status, 204]
    said: list[str] = []
    sink = impatient(server, said)

    for sequence in range(3):
        sink.event(event(sequence=sequence))
    counts = sink.settle(30)
    sink.close(30)

    assert script.accepted == [0, 2]
    assert (counts.delivered, counts.lost) == (2, 1)
    (line,) = said
    assert f"the server answers {status} to a record; such records are lost" in line


def test_a_server_that_asks_for_time_gets_it(script: Script, server: Server) -> None:
    from edgeclf.sinks.outlet import OutletDownError
    from edgeclf.sinks.record import Recorder

    script.answers = [503, 503, 503]
    outlet = WebhookOutlet(
        Target(host="127.0.0.1", port=server.server_port, path="/"), timeout_s=30
    )
    record = Recorder().make("event", event().to_dict())

    asked = []
    for header in ("7", "86400", "Fri, 31 Dec 1999 23:59:59 GMT"):
        script.headers = {"Retry-After": header}
        with pytest.raises(OutletDownError) as caught:
            outlet.deliver([record])
        asked.append(caught.value.retry_after_s)
    outlet.close()

    assert asked == [7, 300, None]


def test_a_kept_connection_that_was_closed_meanwhile_costs_nothing(
    script: Script, server: Server
) -> None:
    said: list[str] = []
    sink = impatient(server, said)
    sink.event(event(sequence=0))
    until(lambda: sink.counts().delivered == 1)

    script.answers = ["close"]  # as if it had closed it before the request came
    sink.event(event(sequence=1))
    until(lambda: sink.counts().delivered == 2)
    sink.close(30)

    assert (script.accepted, said) == ([0, 1], [])


def test_something_that_speaks_no_http_is_said() -> None:
    said: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as babbler:

        def babble() -> None:
            with contextlib.suppress(OSError):  # closed at the end
                while True:
                    here, _ = babbler.accept()
                    with here:
                        here.sendall(b"220 mail.example ESMTP\r\n")
                        here.recv(65536)

        threading.Thread(target=babble, daemon=True).start()
        sink = open_sink(
            f"http://127.0.0.1:{babbler.getsockname()[1]}/secret",
            options=SinkOptions(notify=said.append),
        )
        sink.event(event())
        until(lambda: bool(said))
        sink.close(30)
        babbler.shutdown(socket.SHUT_RDWR)

    assert "the answer is not HTTP" in said[0]
    assert "secret" not in said[0]


def test_tls_is_checked(script: Script, tmp_path: Path) -> None:
    ca, cert, key, _ = make_certificates(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    server = Server(script, context)
    port = server.server_port
    said: list[str] = []
    options = SinkOptions(notify=said.append)

    trusting = open_sink(f"https://localhost:{port}/hook?ca={ca}", options=options)
    trusting.event(event(sequence=1))
    assert trusting.settle(30).delivered == 1
    trusting.close(30)
    wary = open_sink(f"https://localhost:{port}/hook", options=options)
    wary.event(event(sequence=2))
    until(lambda: bool(said))
    wary.close(30)
    server.stop()

    assert re.search("certificate is not to be trusted", said[0])
    assert script.accepted == [1]


def test_nothing_is_sent_in_a_header_that_an_address_made_up() -> None:
    with pytest.raises(SinkError, match="cannot be read"):
        open_sink("http://host/\r\nX-Evil: 1")


@pytest.mark.parametrize(
    ("uri", "problem"),
    [
        ("http:", "incomplete"),
        ("http:///hook", "cannot be read"),
        ("http://host/#hunter2", "cannot be read"),
        ("http://host/hunter2 x", "as %20"),
        ("http://host/hunter2é", "as %20"),
        ("http://host/hook?timeout=soon", "timeout must be a time"),
        ("http://host/hook?what=hunter", "what must be some of"),
        ("http://host/hook?ca=/none", "no option 'ca'"),
        ("https://host/hunter2?ca=/none", "ca /none: no such file"),
        ("https://u:hunter2@host/hook?buffer=0", "buffer must be a whole number"),
    ],
)
def test_a_wrong_uri_says_what_is_wrong_and_shows_no_secret(
    uri: str, problem: str
) -> None:
    with pytest.raises(SinkError, match=problem) as caught:
        open_sink(uri)

    assert "hunter2" not in str(caught.value)


def test_a_target_shows_no_secret() -> None:
    target = Target(
        host="h",
        port=1,
        path="/hunter2",
        headers=(("Authorization", "hunter2"),),
        secret=b"hunter2",
    )

    assert "hunter2" not in repr(target)
