"""Records on a real broker: outages, TLS, logins, Home Assistant."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jinja2
import pytest

from edgeclf.errors import EdgeclfError, SinkError
from edgeclf.sinks import SinkOptions, open_sink
from edgeclf.sinks.buffered import Backoff, BufferedSink
from edgeclf.sinks.home_assistant import device_id
from edgeclf.sinks.mqtt_connection import Login
from edgeclf.sinks.mqtt_outlet import MqttOutlet, Problems
from edgeclf.sinks.picking import PickKinds
from tests.brokers import Broker, Cuttable, Listener, until
from tests.certificates import Certificates, make_certificates
from tests.unit.sinks.records import KINDS, MS, decision, event

TOPIC = "home/door"


class Opened:
    """Sinks and listeners that the test closes at its end."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self._closing: list[Callable[[], None]] = []

    def sink(self, uri: str) -> BufferedSink:
        sink = open_sink(
            uri, options=SinkOptions(notify=self.said.append, model_name="lite0")
        )
        self._closing.append(lambda: sink.close(30))
        return sink

    def listener(self, port: int) -> Listener:
        listener = Listener(port)
        self._closing.append(listener.close)
        return listener

    def close(self) -> None:
        for close in self._closing:
            close()


@pytest.fixture
def opened() -> Iterator[Opened]:
    opened = Opened()
    yield opened
    opened.close()


@pytest.fixture
def broker(tmp_path: Path, opened: Opened) -> Iterator[Broker]:
    broker = Broker(tmp_path)
    broker.start()
    yield broker
    opened.close()  # while it still answers
    broker.stop()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


def test_decisions_events_and_availability_arrive_on_their_topics(
    broker: Broker, opened: Opened
) -> None:
    listener = opened.listener(broker.port)
    sink = opened.sink(f"mqtt://127.0.0.1:{broker.port}/{TOPIC}")

    sink.decision(decision(7))
    sink.event(event())
    counts = sink.settle(30)
    sink.close(30)

    until(lambda: listener.on(f"{TOPIC}/availability")[-1:] == [b"offline"])
    assert listener.on(f"{TOPIC}/availability") == [b"online", b"offline"]
    (told,) = (json.loads(each) for each in listener.on(f"{TOPIC}/decision"))
    assert told["top"][0]["label"] == "tabby"
    assert json.loads(listener.on(f"{TOPIC}/event")[0])["name"] == "tabby"
    assert (counts.taken, counts.delivered, counts.lost) == (2, 2, 0)
    assert opened.said == []


def test_what_waited_while_the_broker_was_dead_arrives_in_order_and_once(
    broker: Broker, opened: Opened
) -> None:
    listener = opened.listener(broker.port)
    sink = opened.sink(f"mqtt://127.0.0.1:{broker.port}/{TOPIC}")
    for sequence in range(10):
        sink.event(event(sequence=sequence))
    until(lambda: len(listener.on(f"{TOPIC}/event")) == 10)
    until(lambda: sink.counts().delivered == 10)

    broker.stop(signal.SIGKILL)
    for sequence in range(10, 60):
        sink.event(event(sequence=sequence))
    until(lambda: bool(opened.said))
    broker.start()

    until(lambda: sink.counts().delivered == 60)
    until(lambda: len(listener.on(f"{TOPIC}/event")) >= 60)
    assert listener.sequences(f"{TOPIC}/event") == list(range(60))
    until(lambda: len(opened.said) == 2)
    assert "records wait until it works again" in opened.said[0]
    assert "works again" in opened.said[1]


def test_a_connection_that_is_cut_again_and_again_loses_nothing(
    broker: Broker, opened: Opened
) -> None:
    listener = opened.listener(broker.port)
    way = Cuttable(broker.port)
    sink = BufferedSink(
        MqttOutlet(
            Login(host="127.0.0.1", port=way.port, client_id="cut"),
            TOPIC,
            problems=Problems(),
        ),
        PickKinds(KINDS),
        name="mqtt:",
        notify=opened.said.append,
        size=5000,
        backoff=Backoff(first_s=0.01, most_s=0.02),
    )

    for sequence in range(200):
        sink.event(event(sequence=sequence))
        if sequence % 40 == 39:
            delivered = sink.counts().delivered
            until(lambda least=delivered: sink.counts().delivered > least)  # type: ignore[misc]
            way.cut()
    counts = sink.settle(60)
    sink.close(30)
    way.close()

    assert (counts.delivered, counts.lost) == (200, 0)
    until(lambda: len(set(listener.sequences(f"{TOPIC}/event"))) == 200)
    firsts = list(dict.fromkeys(listener.sequences(f"{TOPIC}/event")))
    assert firsts == list(range(200))


def test_a_broker_that_is_away_for_longer_than_the_buffer_gets_the_newest(
    broker: Broker, opened: Opened
) -> None:
    listener = opened.listener(broker.port)
    sink = opened.sink(f"mqtt://127.0.0.1:{broker.port}/{TOPIC}?buffer=20")
    until(lambda: bool(listener.on(f"{TOPIC}/availability")))

    broker.stop()
    for sequence in range(100):
        sink.event(event(sequence=sequence))
    until(lambda: sink.counts().lost == 80)
    broker.start()

    until(lambda: len(listener.on(f"{TOPIC}/event")) >= 20)
    assert listener.sequences(f"{TOPIC}/event") == list(range(80, 100))


def test_a_broker_that_comes_later_is_waited_for(
    tmp_path: Path, opened: Opened
) -> None:
    broker = Broker(tmp_path)
    sink = opened.sink(f"mqtt://127.0.0.1:{broker.port}/{TOPIC}")
    sink.event(event())
    until(lambda: bool(opened.said))

    broker.start()

    until(lambda: sink.counts().delivered == 1)
    sink.close(30)
    broker.stop()


def test_decisions_come_at_the_rate_that_was_asked_for_and_events_always(
    broker: Broker, opened: Opened
) -> None:
    listener = opened.listener(broker.port)
    sink = opened.sink(f"mqtt://127.0.0.1:{broker.port}/{TOPIC}?every=1s")

    for sequence in range(31):
        sink.decision(decision(sequence, at_ns=sequence * 100 * MS))
        sink.event(event(sequence=sequence))
    sink.settle(30)

    until(lambda: len(listener.on(f"{TOPIC}/event")) == 31)
    assert listener.sequences(f"{TOPIC}/decision") == [0, 10, 20, 30]


def test_a_process_that_is_killed_is_offline(broker: Broker, opened: Opened) -> None:
    listener = opened.listener(broker.port)
    code = "import sys, time; from edgeclf.sinks import open_sink\n"
    code += "sink = open_sink(sys.argv[1]); time.sleep(600)"
    uri = f"mqtt://127.0.0.1:{broker.port}/{TOPIC}"

    with subprocess.Popen([sys.executable, "-c", code, uri]) as process:
        until(lambda: listener.on(f"{TOPIC}/availability") == [b"online"])
        process.kill()

    until(lambda: listener.on(f"{TOPIC}/availability")[-1:] == [b"offline"])


def test_a_run_after_a_killed_one_is_not_online_with_the_problem_of_that(
    broker: Broker, opened: Opened
) -> None:
    listener = opened.listener(broker.port)
    uri = f"mqtt://127.0.0.1:{broker.port}/{TOPIC}?discovery=off"
    code = f"""if True:
        import sys, time
        sys.path.insert(0, {str(Path(__file__).parents[3])!r})
        from edgeclf.sinks import open_sink
        from tests.unit.sinks.records import event
        sink = open_sink({uri!r})
        sink.event(event("camera", "black"))
        time.sleep(600)
    """
    with subprocess.Popen([sys.executable, "-c", code]) as process:
        until(lambda: listener.on(f"{TOPIC}/problem")[-1:] == [b"ON"])
        process.kill()
    until(lambda: listener.on(f"{TOPIC}/availability")[-1:] == [b"offline"])

    opened.sink(uri)
    until(lambda: listener.on(f"{TOPIC}/availability")[-1:] == [b"online"])

    offline = listener.heard.index((f"{TOPIC}/availability", b"offline"))
    assert listener.heard[offline + 1 :] == [
        (f"{TOPIC}/problem", b"OFF"),
        (f"{TOPIC}/availability", b"online"),
    ]


def test_home_assistant_finds_each_sensor_and_its_templates_give_values(
    broker: Broker, opened: Opened
) -> None:
    sink = opened.sink(f"mqtt://127.0.0.1:{broker.port}/{TOPIC}?name=Front%20door")
    shown = decision(7, score=0.7512)
    sink.decision(shown)
    sink.settle(30)

    listener = opened.listener(broker.port)  # later: it finds what is retained

    device = device_id(TOPIC)
    topics = {
        name: f"homeassistant/{component}/{device}/{name}/config"
        for component, name in (
            *(("sensor", each) for each in ("label", "score", "latency", "age")),
            ("binary_sensor", "problem"),
        )
    }
    until(lambda: set(topics.values()) <= set(listener.retained))
    told = {name: json.loads(listener.retained[topics[name]]) for name in topics}
    value = json.loads(json.dumps(shown.to_dict()))
    shown_values = {
        name: jinja2.Template(each["value_template"]).render(value_json=value)
        for name, each in told.items()
        if "value_template" in each
    }
    assert shown_values == {
        "label": "tabby",
        "score": "75.1",
        "latency": "8.0",
        "age": "9.0",
    }
    assert len({each["unique_id"] for each in told.values()}) == 5
    for each in told.values():
        assert each["availability_topic"] == f"{TOPIC}/availability"
        assert each["device"]["name"] == "Front door"
        assert each["device"]["model"] == "lite0"
    assert listener.retained[told["problem"]["state_topic"]] == b"OFF"


def test_a_camera_problem_is_shown_until_the_last_one_ends(
    broker: Broker, opened: Opened
) -> None:
    listener = opened.listener(broker.port)
    sink = opened.sink(f"mqtt://127.0.0.1:{broker.port}/{TOPIC}?discovery=off")
    until(lambda: listener.on(f"{TOPIC}/problem") == [b"OFF"])

    steps = [
        (event("camera", "black"), b"ON"),
        (event("source", "lost"), b"ON"),
        (event("label", "tabby"), b"ON"),
        (event("camera", "black", "end"), b"ON"),
        (event("source", "lost", "end"), b"OFF"),
    ]
    for number, (each, state) in enumerate(steps):
        sink.event(each)
        until(lambda count=number + 1: sink.counts().delivered == count)  # type: ignore[misc]
        until(lambda want=state: listener.on(f"{TOPIC}/problem")[-1:] == [want])  # type: ignore[misc]

    assert listener.on(f"{TOPIC}/problem") == [b"OFF", b"ON", b"OFF"]
    assert not [topic for topic, _ in listener.heard if "homeassistant" in topic]


@pytest.fixture
def tls_broker(
    tmp_path: Path, certificates: Certificates, opened: Opened
) -> Iterator[Broker]:
    broker = Broker(
        tmp_path,
        [
            "allow_anonymous true",
            f"cafile {certificates.ca}",
            f"certfile {certificates.cert}",
            f"keyfile {certificates.key}",
            "require_certificate true",
        ],
    )
    broker.start()
    yield broker
    opened.close()
    broker.stop()


def test_records_travel_by_tls_with_certificates_on_both_sides(
    tls_broker: Broker, certificates: Certificates, opened: Opened
) -> None:
    ca, cert, key, _ = certificates
    sink = opened.sink(
        f"mqtts://localhost:{tls_broker.port}/{TOPIC}?ca={ca}&cert={cert}&key={key}"
    )

    for sequence in range(30):
        sink.event(event(sequence=sequence))
    counts = sink.settle(30)

    assert (counts.delivered, opened.said) == (30, [])


# paho leaves the socket of a handshake that failed to the garbage collection.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    ("host", "options", "problem"),
    [
        ("localhost", "", "not to be trusted"),
        (
            "127.0.0.1",
            "?ca={ca}&cert={cert}&key={key}",
            "not to be trusted: .*mismatch",
        ),
        ("localhost", "?ca={ca}", "does not answer|certificate required|reset"),
    ],
    ids=["unknown authority", "another host's certificate", "no certificate of ours"],
)
def test_a_broker_that_cannot_be_trusted_gets_nothing(
    host: str,
    options: str,
    problem: str,
    tls_broker: Broker,
    certificates: Certificates,
    opened: Opened,
) -> None:
    import re

    query = options.format(**certificates._asdict())
    sink = opened.sink(f"mqtts://{host}:{tls_broker.port}/{TOPIC}{query}")
    sink.event(event())

    until(lambda: bool(opened.said))

    assert re.search(problem, opened.said[0])
    assert sink.counts().delivered == 0


@pytest.fixture
def guarded(tmp_path: Path, opened: Opened) -> Iterator[Broker]:
    passwords = tmp_path / "passwords"
    rules = tmp_path / "rules"
    rules.write_text(f"user cat\ntopic write {TOPIC}/event\n")
    broker = Broker(tmp_path, [f"password_file {passwords}", f"acl_file {rules}"])
    subprocess.run(
        ["mosquitto_passwd", "-b", "-c", str(passwords), "cat", "purr@#/9"], check=True
    )
    broker.start()
    yield broker
    opened.close()
    broker.stop()


def uri_login(_: pytest.MonkeyPatch, __: Path) -> tuple[str, str]:
    return "cat:purr%40%23%2F9@", ""


def variable_login(monkeypatch: pytest.MonkeyPatch, _: Path) -> tuple[str, str]:
    monkeypatch.setenv("EDGECLF_MQTT_PASSWORD", "purr@#/9")
    return "cat@", ""


def file_login(_: pytest.MonkeyPatch, folder: Path) -> tuple[str, str]:
    (folder / "secret").write_text("purr@#/9\n")
    return "cat@", f"?password_file={folder / 'secret'}"


@pytest.mark.parametrize("login", [uri_login, variable_login, file_login])
def test_a_login_opens_the_broker_and_is_shown_nowhere(
    login: Callable[[pytest.MonkeyPatch, Path], tuple[str, str]],
    guarded: Broker,
    opened: Opened,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    user, query = login(monkeypatch, tmp_path)
    sink = opened.sink(f"mqtt://{user}127.0.0.1:{guarded.port}/{TOPIC}{query}")

    sink.event(event())
    until(lambda: sink.counts().delivered == 1)

    assert sink.name == f"mqtt://127.0.0.1:{guarded.port}/{TOPIC}"
    assert opened.said == []


def test_a_wrong_password_is_said_without_it(guarded: Broker, opened: Opened) -> None:
    sink = opened.sink(f"mqtt://cat:hunter2@127.0.0.1:{guarded.port}/{TOPIC}")
    sink.event(event())

    until(lambda: bool(opened.said))

    assert "refuses the connection: Not authorized" in opened.said[0]
    assert "hunter2" not in opened.said[0]


def test_what_the_broker_forbids_is_lost_and_the_rest_arrives(
    guarded: Broker, opened: Opened
) -> None:
    sink = opened.sink(f"mqtt://cat:purr%40%23%2F9@127.0.0.1:{guarded.port}/{TOPIC}")

    for sequence in range(30):
        sink.decision(decision(sequence))
        sink.event(event(sequence=sequence))
    counts = sink.settle(60)

    assert (counts.delivered, counts.lost) == (30, 30)
    (said,) = opened.said
    assert "refuses a record: Not authorized" in said


def test_a_record_larger_than_the_broker_takes_is_lost_alone(
    tmp_path: Path, opened: Opened
) -> None:
    broker = Broker(tmp_path, ["allow_anonymous true", "max_packet_size 2000"])
    broker.start()
    sink = opened.sink(f"mqtt://127.0.0.1:{broker.port}/{TOPIC}?discovery=off")

    sink.event(event(name="small"))
    sink.event(event(name="x" * 3000))
    sink.event(event(name="small again"))
    counts = sink.settle(30)
    sink.close(30)
    broker.stop()

    assert (counts.delivered, counts.lost) == (2, 1)
    assert "too large" in opened.said[0]


def test_something_that_is_no_broker_is_said_and_holds_nobody_up(
    opened: Opened,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        sink = BufferedSink(
            MqttOutlet(
                Login(host="127.0.0.1", port=silent.getsockname()[1], client_id="x"),
                TOPIC,
                problems=Problems(),
                timeout_s=0.2,
            ),
            PickKinds(KINDS),
            name="mqtt:",
            notify=opened.said.append,
        )
        until(lambda: bool(opened.said))
        sink.close(30)

    assert "does not answer as an MQTT 5 broker does" in opened.said[0]


SECRET = "hunter2"  # noqa: S105 - what must not be shown


@pytest.mark.parametrize(
    ("uri", "problem"),
    [
        ("mqtt://host", "needs a topic"),
        ("mqtt://host/", "needs a topic"),
        ("mqtt://host/a/+/b", "needs a topic"),
        ("mqtt://host/a%23", "needs a topic"),
        ("mqtt:/topic", "cannot be read"),
        ("mqtt://host:0/t", "cannot be read"),
        ("mqtt://host:99999/t", "cannot be read"),
        ("mqtt://user:hunter2#1@host/topic", "cannot be read"),
        ("mqtt://user:hunter2/1@host/topic", "cannot be read"),
        ("mqtt://user:1/hunter2@host/topic", "cannot be read"),
        ("mqtt://user:1?hunter2@host/topic", "cannot be read"),
        ("mqtt://[user:hunter2@host/topic", "cannot be read"),
        ("mqtt://host/t?password=hunter2", "no option 'password'"),
        ("mqtt://host/t?every=0s", "every must be a time"),
        ("mqtt://host/t?discovery=a/%23", "discovery must be"),
        ("mqtt://host/t?ca=/etc/hosts", "no option 'ca'"),
        ("mqtts://host/t?ca=/none", "ca /none: no such file"),
        ("mqtts://host/t?ca=/etc/hosts", "ca /etc/hosts: no certificate"),
        ("mqtts://host/t?cert=/none", "cert /none: no such file"),
        ("mqtts://host/t?key=/none", "no use without cert"),
        ("mqtt://user@host/t?password_file=/none", "/none: no such file"),
    ],
)
def test_a_wrong_uri_says_what_is_wrong_and_shows_no_password(
    uri: str, problem: str
) -> None:
    with pytest.raises(EdgeclfError, match=problem) as caught:
        open_sink(uri)

    assert SECRET not in str(caught.value)


def test_a_key_that_is_locked_is_refused_and_nobody_is_asked(
    certificates: Certificates,
) -> None:
    _, cert, _, locked = certificates

    with pytest.raises(SinkError, match="no certificate that OpenSSL can use"):
        open_sink(f"mqtts://localhost/t?cert={cert}&key={locked}")


def test_a_login_shows_no_password() -> None:
    login: Any = Login(host="h", port=1, client_id="c", username="u", password=SECRET)

    assert SECRET not in repr(login)
