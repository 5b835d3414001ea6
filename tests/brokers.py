"""A real mosquitto on the loopback address, and who listens to it."""

import contextlib
import json
import secrets
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

__all__ = ["Broker", "Cuttable", "Listener", "free_port", "until"]

MOSQUITTO = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/bin")


def until(claim: Callable[[], bool], *, seconds: float = 60) -> None:
    """Wait for a claim to become true; fail when it does not."""
    deadline_ns = time.monotonic_ns() + round(seconds * 1e9)
    while not claim():
        assert time.monotonic_ns() < deadline_ns, "it never came true"
        time.sleep(0.005)


def free_port() -> int:
    """Return a port that nobody listens on.

    It is below those that the kernel hands out by itself (32768 and up), so
    that no connection of another test takes it in the meantime.
    """
    while True:
        # Not from `random`: each test starts that from the same seed, in every process.
        port = 20_000 + secrets.randbelow(12_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class Broker:
    """A broker that remembers its subscribers, started and stopped at will."""

    def __init__(
        self, folder: Path, settings: Sequence[str] = ("allow_anonymous true",)
    ) -> None:
        if MOSQUITTO is None:
            pytest.skip("system package: mosquitto")
        self.port = free_port()
        self._config = folder / "mosquitto.conf"
        self._log = folder / "mosquitto.log"
        lines = (
            "user root",  # else it gives up the right to read the folder
            "persistence true",
            f"persistence_location {folder}/",
            "autosave_on_changes true",
            "autosave_interval 1",
            f"listener {self.port} 127.0.0.1",
            *settings,
        )
        self._config.write_text("".join(f"{line}\n" for line in lines))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(MOSQUITTO), "-c", str(self._config)], stdout=log, stderr=log
            )
        until(self._answers)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(30)
            self._process = None

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self._log.read_text()
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", self.port), timeout=1),
        ):
            return True
        return False


class Listener:
    """Subscribes to everything, in a session that outlives its connections."""

    def __init__(self, port: int) -> None:
        from paho.mqtt.client import Client, MQTTMessage, MQTTv5
        from paho.mqtt.enums import CallbackAPIVersion
        from paho.mqtt.packettypes import PacketTypes
        from paho.mqtt.properties import Properties

        self.heard: list[tuple[str, bytes]] = []
        self.retained: dict[str, bytes] = {}
        subscribed = threading.Event()

        def hear(_client: Client, _data: Any, message: MQTTMessage) -> None:
            heard = (message.topic, bytes(message.payload))
            # A broker that was killed forgot that we had answered, and repeats itself.
            if not (message.dup and heard in self.heard):
                self.heard.append(heard)
            if message.retain:
                self.retained[message.topic] = heard[1]

        def subscribe(client: Client, *_: Any) -> None:
            client.subscribe("#", qos=1)

        self._client = Client(
            CallbackAPIVersion.VERSION2, client_id="listener", protocol=MQTTv5
        )
        self._client.on_message = hear
        self._client.on_connect = subscribe
        self._client.on_subscribe = lambda *_: subscribed.set()
        self._client.reconnect_delay_set(1, 1)
        session = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call] # paho's
        session.SessionExpiryInterval = 3600
        self._client.connect("127.0.0.1", port, clean_start=False, properties=session)
        self._client.loop_start()
        assert subscribed.wait(60)

    def on(self, topic: str) -> list[bytes]:
        return [payload for each, payload in list(self.heard) if each == topic]

    def sequences(self, topic: str) -> list[int]:
        return [json.loads(payload)["sequence"] for payload in self.on(topic)]

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


class Cuttable:
    """A way to a port on which every connection can be cut."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        for pair in self._pairs:
            for end in pair:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.cut()
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                here, _ = self._server.accept()
                there = socket.create_connection(("127.0.0.1", self._target))
                self._pairs.append((here, there))
                for pair in ((here, there), (there, here)):
                    threading.Thread(target=_copy, args=pair, daemon=True).start()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError), target:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_RDWR)
