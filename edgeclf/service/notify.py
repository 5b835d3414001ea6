"""Telling systemd that the loop is ready, that it lives, and what it is at.

Source: sd_notify(3): a datagram of ``NAME=value`` lines to the socket that the
environment names.
"""

import contextlib
import os
import socket
import time
from collections.abc import Callable, Mapping

from edgeclf.stream import Decision, Event, LoopReport

__all__ = ["ServiceManager", "ServiceSink"]

_PARTS_OF_WATCHDOG = 4
"""How often the watchdog hears of us before it would bite."""


class ServiceManager:
    """The other end of systemd's socket; silent where there is none.

    Args:
        environ: Read for ``NOTIFY_SOCKET``, ``WATCHDOG_USEC`` and ``WATCHDOG_PID``.
        clock: Nanoseconds on CLOCK_MONOTONIC.
    """

    def __init__(
        self,
        environ: Mapping[str, str] = os.environ,
        *,
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._address = _address(environ.get("NOTIFY_SOCKET", ""))
        self._clock = clock
        self._every_ns = _watchdog_ns(environ) // _PARTS_OF_WATCHDOG
        self._told_ns: int | None = None
        self._socket: socket.socket | None = None
        if self._address is not None:
            kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC
            self._socket = socket.socket(socket.AF_UNIX, kind)
            self._socket.setblocking(False)

    @property
    def listens(self) -> bool:
        """Whether systemd started this process and wants to hear of it."""
        return self._socket is not None

    def ready(self, status: str) -> None:
        """Say that the service does its work from now on."""
        self._send("READY=1", f"STATUS={status}")

    def alive(self) -> None:
        """Say that the loop lives; call it often, it is told when that is due.

        Called by who takes the frames, never by a thread of its own: what hangs must
        fall silent.
        """
        if not self._every_ns:
            return
        now_ns = self._clock()
        if self._told_ns is None or now_ns - self._told_ns >= self._every_ns:
            self._told_ns = now_ns
            self._send("WATCHDOG=1")

    def status(self, status: str) -> None:
        """Say what the loop is at, for ``systemctl status``."""
        self._send(f"STATUS={status}")

    def stopping(self) -> None:
        """Say that the service ends."""
        self._send("STOPPING=1")

    def close(self) -> None:
        """Let go of the socket."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _send(self, *lines: str) -> None:
        if self._socket is None or self._address is None:
            return
        text = "\n".join(line.replace("\n", " ") for line in lines)
        # A service manager that is away or busy is no reason to end the loop; one
        # that hears nothing will say so itself.
        with contextlib.suppress(OSError):
            self._socket.sendto(text.encode(), self._address)


class ServiceSink:
    """Makes systemd's state of what the loop tells: ready with the first decision.

    Args:
        manager: Left open.
    """

    def __init__(self, manager: ServiceManager) -> None:
        self._manager = manager
        self._is_ready = False

    def decision(self, _: Decision) -> None:
        """Be ready: a picture came, and the model said what it is."""
        if not self._is_ready:
            self._is_ready = True
            self._manager.ready("deciding")

    def event(self, event: Event) -> None:
        """Show where the source is."""
        if event.kind == "source":
            is_lost = event.phase == "start"
            self._manager.status(event.detail if is_lost else "deciding")

    def report(self, _: LoopReport) -> None:
        """Say that the loop has ended."""
        self._manager.stopping()


def _address(name: str) -> str | None:
    """Return the socket's address; ``@`` stands for the abstract name space."""
    if not name.startswith(("/", "@")):
        return None
    return f"\0{name[1:]}" if name.startswith("@") else name


def _watchdog_ns(environ: Mapping[str, str]) -> int:
    """Return how long systemd waits to hear of us; 0 where it does not."""
    for_whom = environ.get("WATCHDOG_PID", "")
    if for_whom and for_whom != str(os.getpid()):
        return 0
    text = environ.get("WATCHDOG_USEC", "")
    return int(text) * 1000 if text.isdecimal() else 0
