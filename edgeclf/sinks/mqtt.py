"""Records as MQTT 5 messages, with Home Assistant told what they are."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from edgeclf.errors import SinkError
from edgeclf.files import read_file
from edgeclf.sinks import SINKS, SinkOptions
from edgeclf.sinks.address import Address, split_address, tls_context
from edgeclf.sinks.buffered import BufferedSink
from edgeclf.sinks.home_assistant import announcements, device_id
from edgeclf.sinks.mqtt_connection import Login
from edgeclf.sinks.mqtt_outlet import MqttOutlet, Problems
from edgeclf.sinks.picking import Picker, PickKinds, parse_kinds
from edgeclf.sinks.query import Query, parse_count, parse_duration_ns
from edgeclf.sinks.record import Record
from edgeclf.stream import Decision, Event, LoopReport

__all__ = ["open_mqtt"]

PASSWORD_VARIABLE = "EDGECLF_MQTT_PASSWORD"  # noqa: S105 - a name, not a password
_PORTS = {"mqtt": 1883, "mqtts": 8883}
_PREFIX = re.compile("[^+#\0]+")


@dataclass(frozen=True, slots=True)
class _NotingProblems:
    """Picks as another picker does, and notes what is wrong with the camera."""

    picker: Picker
    problems: Problems

    def decision(self, decision: Decision) -> Record | None:
        return self.picker.decision(decision)

    def event(self, event: Event) -> Record | None:
        self.problems.note(event)
        return self.picker.event(event)

    def report(self, report: LoopReport) -> Record | None:
        return self.picker.report(report)


def open_mqtt(scheme: str, rest: str, *, options: SinkOptions) -> BufferedSink:
    """Open ``mqtt://[USER[:PASSWORD]@]HOST[:PORT]/TOPIC?…``, or ``mqtts://`` with TLS."""
    address = split_address(scheme, rest, form=SINKS[scheme].form)
    topic = _topic(unquote(address.path).strip("/"), scheme)
    name = f"{address.shown(_PORTS[scheme])}/{topic}"
    query = Query(address.query, sink=name)
    every_ns = query.take("every", parse_duration_ns, 0)
    kinds = query.take("what", parse_kinds, parse_kinds("decisions,events,report"))
    prefix = query.take("discovery", _discovery, "homeassistant")
    device_name = query.take("name", str, topic.rpartition("/")[2])
    size = query.take("buffer", parse_count, 1000)
    client_id = query.take("client_id", str, device_id(topic))
    login = _login(address, scheme, client_id, query, name)
    query.done()
    problems = Problems()
    announced = (
        announcements(
            topic,
            prefix=prefix,
            name=device_name,
            model_name=options.model_name,
            every_ns=every_ns,
        )
        if prefix
        else ()
    )
    return BufferedSink(
        MqttOutlet(login, topic, problems=problems, announced=list(announced)),
        _NotingProblems(PickKinds(kinds, every_ns=every_ns), problems),
        name=name,
        notify=options.notify,
        size=size,
    )


def _topic(text: str, scheme: str) -> str:
    if not text or _PREFIX.fullmatch(text) is None or len(text.encode()) > 60_000:
        raise SinkError(
            f"'{scheme}:' needs a topic behind the host, without + and #: write "
            f"{SINKS[scheme].form}"
        )
    return text


def _login(
    address: Address, scheme: str, client_id: str, query: Query, name: str
) -> Login:
    password_file = query.take("password_file", Path, None)
    tls = None
    if scheme == "mqtts":
        tls = tls_context(
            name,
            ca=query.take("ca", Path, None),
            cert=query.take("cert", Path, None),
            key=query.take("key", Path, None),
        )
    return Login(
        host=address.host,
        port=address.port or _PORTS[scheme],
        client_id=client_id,
        username=address.username,
        password=_password(address, password_file, os.environ),
        tls=tls,
    )


def _password(
    address: Address, file: Path | None, environment: Mapping[str, str]
) -> str | None:
    """Return the password of a user: of the URI, the file, or the environment."""
    if address.username is None or address.password is not None:
        return address.password
    if file is not None:
        return read_file(file, what="a password", limit=4096).decode().strip("\r\n")
    return environment.get(PASSWORD_VARIABLE)


def _discovery(text: str) -> str:
    if text == "off":
        return ""
    if _PREFIX.fullmatch(text) is None:
        raise ValueError("must be 'off', or the prefix that Home Assistant uses")
    return text.strip("/")
