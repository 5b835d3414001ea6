"""One connection to an MQTT 5 broker, used by one thread and made anew when it fails."""

import socket
import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from paho.mqtt.client import Client, ConnectFlags, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from edgeclf.sinks.outlet import OutletDownError

__all__ = ["Connection", "Login", "Message"]

_KEEPALIVE_S: Final = 15
_STEP_S: Final = 0.2
_IN_FLIGHT: Final = 10
"""What the strictest of the common brokers lets be unanswered at a time."""
_MOST_BYTES: Final = 2**28 - 1
_OVERHEAD: Final = 64
"""Bytes of a packet besides topic and payload: lengths, properties."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Whom to connect to, and as whom.

    Attributes:
        host: Name or IP address; with TLS, the certificate must be for it.
        port: TCP port.
        client_id: The broker lets one client have it at a time.
        username: ``None`` to be nobody.
        password: Of the user.
        tls: ``None`` for a connection that anybody on the way can read.
    """

    host: str
    port: int
    client_id: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: ssl.SSLContext | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is published, with QoS 1.

    Attributes:
        topic: Where.
        payload: UTF-8.
        retain: Whether the broker keeps it for those who subscribe later.
        is_json: What its content type says.
    """

    topic: str
    payload: bytes
    retain: bool = False
    is_json: bool = True


class Connection:
    """A connection that stands.

    The client's own thread is not used: with one thread there is nothing to lock, and
    a message is acknowledged, or the connection has failed, when ``publish`` returns.

    Attributes:
        is_lost: Whether it has to be made anew.
    """

    def __init__(self, login: Login, *, will: Message, timeout_s: float) -> None:
        """Connect.

        Args:
            login: Whom to, and as whom.
            will: What the broker publishes when this process is gone.
            timeout_s: For connecting, and for acknowledgements, in seconds.

        Raises:
            OutletDownError: The broker does not answer, or refuses.
        """
        self.is_lost = False
        self._timeout_s = timeout_s
        self._answers: list[ReasonCode] = []
        self._acknowledged: dict[int, ReasonCode] = {}
        self._largest = _MOST_BYTES
        self._client = self._made(login, will)
        try:
            self._client.connect(login.host, login.port, keepalive=_KEEPALIVE_S)
        except (OSError, UnicodeError) as error:  # no host can have such a name
            raise OutletDownError(_reason(error)) from error
        self._pump(lambda: bool(self._answers))
        if not self._answers or self._answers[0].is_failure:
            self.drop()
            raise OutletDownError(
                f"it refuses the connection: {self._answers[0]}"
                if self._answers
                else "it does not answer as an MQTT 5 broker does"
            )

    def takes(self, message: Message) -> bool:
        """Return whether the message is small enough for the broker."""
        size = len(message.topic.encode()) + len(message.payload) + _OVERHEAD
        return size <= self._largest

    def publish(self, messages: Sequence[Message]) -> list[ReasonCode | None]:
        """Publish messages, and wait for their acknowledgements.

        Returns:
            For each, what the broker answered; ``None`` when it did not, and the
            connection is lost.
        """
        self._acknowledged.clear()
        numbers: list[int] = []
        for message in messages:
            info = self._client.publish(
                message.topic,
                message.payload,
                qos=1,
                retain=message.retain,
                properties=_properties(message),
            )
            numbers.append(info.mid)
        if not self._pump(lambda: len(self._acknowledged) == len(messages)):
            self.drop()
        return [self._acknowledged.get(number) for number in numbers]

    def tend(self) -> None:
        """Answer the broker, and notice when it has gone."""
        self._step(0.0)

    def drop(self) -> None:
        """Let the connection go, and the broker publish the will."""
        self.is_lost = True
        self._disconnect("Disconnect with will message")

    def close(self) -> None:
        """Say goodbye; the will is not published."""
        self._disconnect("Normal disconnection")

    def _made(self, login: Login, will: Message) -> Client:
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=login.client_id,
            protocol=MQTTv5,
            reconnect_on_failure=False,
        )
        client.connect_timeout = self._timeout_s
        client.max_inflight_messages_set(_IN_FLIGHT)
        if login.username is not None:
            client.username_pw_set(login.username, login.password)
        if login.tls is not None:
            client.tls_set_context(login.tls)
        client.will_set(will.topic, will.payload, qos=1, retain=will.retain)
        client.on_socket_open = _send_at_once
        client.on_connect = self._on_connect
        client.on_publish = self._on_publish
        return client

    def _on_connect(
        self,
        _client: Client,
        _data: Any,
        _flags: ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        self._answers.append(reason)
        self._largest = getattr(properties, "MaximumPacketSize", self._largest)

    def _on_publish(
        self,
        _client: Client,
        _data: Any,
        number: int,
        reason: ReasonCode,
        _properties: Properties,
    ) -> None:
        self._acknowledged[number] = reason

    def _pump(self, until: Callable[[], bool]) -> bool:
        """Let messages come and go until a claim is true, and return whether it is."""
        deadline_ns = time.monotonic_ns() + round(self._timeout_s * 1e9)
        while not until():
            if self.is_lost or time.monotonic_ns() >= deadline_ns:
                return False
            self._step(_STEP_S)
        return True

    def _step(self, timeout_s: float) -> None:
        if self._client.loop(timeout_s) != MQTTErrorCode.MQTT_ERR_SUCCESS:
            self.is_lost = True

    def _disconnect(self, reason: str) -> None:
        self._client.disconnect(ReasonCode(PacketTypes.DISCONNECT, reason))
        left = self._client.socket()
        if left is not None:  # the goodbye did not get through
            left.close()


def _send_at_once(_client: Client, _data: Any, connection: Any) -> None:
    """Have small packets not wait for the acknowledgement of the one before."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _properties(message: Message) -> Properties:
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call] # paho's
    properties.PayloadFormatIndicator = 1  # UTF-8
    if message.is_json:
        properties.ContentType = "application/json"
    return properties


def _reason(error: OSError | UnicodeError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not to be trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {error.reason or error}"
    return (getattr(error, "strerror", None) or str(error)).lower()
