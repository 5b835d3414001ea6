"""Cameras that send JPEG after JPEG over HTTP (``multipart/x-mixed-replace``)."""

import http.client
import socket
from collections import deque
from contextlib import ExitStack
from functools import partial
from time import monotonic_ns
from typing import Final

from edgeclf.decode import decode_image
from edgeclf.errors import SourceError
from edgeclf.sources import Source, SourceOptions
from edgeclf.sources.http_address import HttpAddress
from edgeclf.sources.http_exchange import let_in, reason_of
from edgeclf.sources.live import STALL_S, LiveSource, Shot
from edgeclf.sources.multipart import MultipartReader, Part, boundary_of
from edgeclf.types import DecodeSpec

__all__ = ["open_http", "open_https"]

_PIECE_BYTES = 64 * 1024


def open_http(rest: str, *, options: SourceOptions) -> Source:
    """Open ``http:`` + rest.

    Args:
        rest: ``//[USER:PASSWORD@]HOST[:PORT]/PATH``, percent-encoded.
        options: ``decode`` says how the JPEGs become pixels.

    Raises:
        SourceError: Nothing answers there, or what answers is no such stream.
    """
    return _open(HttpAddress.of(f"http:{rest}"), options)


def open_https(rest: str, *, options: SourceOptions) -> Source:
    """Open ``https:`` + rest, as ``open_http`` does; the certificate has to be valid."""
    return _open(HttpAddress.of(f"https:{rest}"), options)


def _open(address: HttpAddress, options: SourceOptions) -> Source:
    return LiveSource(
        _MjpegStream(address, options.decode),
        uri=address.shown,
        options=options,
    )


class _MjpegStream:
    """One answer of the server, which goes on as long as both live."""

    timestamp_origin: Final = "arrival"

    def __init__(self, address: HttpAddress, decode: DecodeSpec) -> None:
        self._shown = address.shown
        self._decode = decode
        self._parts: deque[Part] = deque()
        with ExitStack() as opened:
            exchange = let_in(address)
            opened.callback(exchange.close)
            self._socket, self._response = exchange.socket, exchange.response
            self._parser = MultipartReader(_boundary(self._response, address))
            self._opened = opened.pop_all()

    def read(self) -> Shot:
        while not self._parts:
            data = self._receive()
            try:
                self._parts.extend(self._parser.feed(data, monotonic_ns()))
            except SourceError as error:
                raise SourceError(f"{self._shown}: {error}") from error
        part = self._parts.popleft()
        return Shot(
            captured_ns=part.arrived_ns,
            rgb=partial(
                decode_image,
                part.data,
                self._decode,
                name=f"{self._shown}: a picture of {len(part.data)} bytes",
            ),
        )

    def interrupt(self) -> None:
        try:
            # Below a TLS socket's own shutdown, which a read beside it would break.
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
        except OSError:
            return  # the other side was faster

    def release(self) -> None:
        self._opened.close()

    def _receive(self) -> bytes:
        try:
            data = self._response.read1(_PIECE_BYTES)
        except TimeoutError as error:
            raise SourceError(
                f"{self._shown}: nothing came for {STALL_S:g} s: the stream stalled"
            ) from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise SourceError(
                f"{self._shown}: the stream broke ({reason_of(error)})"
            ) from error
        if not data:
            raise SourceError(f"{self._shown}: the server closed the stream")
        return data


def _boundary(response: http.client.HTTPResponse, address: HttpAddress) -> str:
    """Return what separates the parts of an answer.

    Raises:
        SourceError: The answer is no stream of parts.
    """
    if response.status != http.client.OK:
        place = ", it sends you elsewhere" if response.getheader("Location") else ""
        raise SourceError(
            f"{address.shown}: the server answers {response.status}{place}; open the "
            "address in a browser to see what it says"
        )
    content_type = response.getheader("Content-Type", "")
    boundary = boundary_of(content_type)
    if not content_type.lower().startswith("multipart/") or boundary is None:
        seen = content_type.partition(";")[0][:60] or "no type at all"
        raise SourceError(
            f"{address.shown}: no stream of pictures but {seen!r}; expected "
            "multipart/x-mixed-replace with a boundary"
        )
    return boundary
