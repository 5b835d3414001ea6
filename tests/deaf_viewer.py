"""Somebody who opens the page's live view and reads nothing of it."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["deaf_viewer", "has_hung_up"]


@contextmanager
def deaf_viewer(port: int) -> Iterator[socket.socket]:
    """Ask for the live view, and read nothing of what comes."""
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(("127.0.0.1", port))
        deaf.sendall(
            b"GET /live HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        yield deaf


def has_hung_up(deaf: socket.socket) -> bool:
    """Return whether the other side is gone, without reading what it sent."""
    try:
        deaf.send(b"\x89\x80\0\0\0\0")  # a ping
    except ConnectionError:
        return True
    return False
