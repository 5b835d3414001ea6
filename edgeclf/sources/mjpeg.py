"""Cameras that send JPEG after JPEG over HTTP (``multipart/x-mixed-replace``)."""

import http.client
import socket
import ssl
from collections import deque
from collections.abc import Sequence
from contextlib import ExitStack, closing
from functools import partial
from time import monotonic_ns
from typing import Final

from edgeclf.decode import decode_image
from edgeclf.errors import SourceError
from edgeclf.sources import Source, SourceOptions
from edgeclf.sources.http_address import HttpAddress
from edgeclf.sources.http_login import Challenge, answer, challenges_of
from edgeclf.sources.live import STALL_S, LiveSource, Shot
from edgeclf.sources.multipart import MultipartReader, Part, boundary_of
from edgeclf.types import DecodeSpec

__all__ = ["open_http", "open_https"]

_PIECE_BYTES = 64 * 1024
_MOST_QUESTIONS = 3
"""One without a login, one with it, one more where the server's number was too old."""


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
            exchange = _let_in(address)
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
                f"{self._shown}: the stream broke ({_reason(error)})"
            ) from error
        if not data:
            raise SourceError(f"{self._shown}: the server closed the stream")
        return data


class _Exchange:
    """A question to the server, and its answer."""

    def __init__(self, address: HttpAddress, authorization: str | None) -> None:
        with ExitStack() as opened:
            connection = _connected(address)
            opened.callback(connection.close)
            # http.client forgets the socket of a server that keeps no connection.
            self.socket: socket.socket = connection.sock
            opened.callback(self.socket.close)
            self.response = _asked(connection, address, authorization)
            opened.callback(self.response.close)
            self.close = opened.pop_all().close

    @property
    def challenges(self) -> list[Challenge]:
        """What a login has to look like; Basic where the server does not say."""
        said = self.response.headers.get_all("WWW-Authenticate", ("Basic",))
        return challenges_of(said)


def _let_in(address: HttpAddress) -> _Exchange:
    """Ask, and log in as the server wants it: nothing is said before it says how.

    Raises:
        SourceError: Nothing answers, or it lets nobody in.
    """
    authorization: str | None = None
    for _ in range(_MOST_QUESTIONS):
        exchange = _Exchange(address, authorization)
        if exchange.response.status != http.client.UNAUTHORIZED:
            return exchange
        with closing(exchange):
            challenges = exchange.challenges
        if authorization is not None and not _was_stale(authorization, challenges):
            break
        authorization = _authorization(address, challenges)
    raise SourceError(f"{address.shown}: the server refuses this user and password")


def _was_stale(authorization: str, challenges: Sequence[Challenge]) -> bool:
    """Return whether an answer was right, and only made with too old a number."""
    is_digest = authorization.startswith("Digest ")
    return is_digest and any(each.is_stale for each in challenges)


def _authorization(address: HttpAddress, challenges: Sequence[Challenge]) -> str:
    if address.login is None:
        raise SourceError(
            f"{address.shown}: the server asks for a login: write USER:PASSWORD@ "
            "before the host"
        )
    answered = answer(challenges, address.login, target=address.target)
    if answered is None:
        asked = " or ".join(str(each) for each in challenges) or "an unreadable"
        raise SourceError(
            f"{address.shown}: the server asks for {asked} login; known here are Basic "
            "and Digest (MD5 or SHA-256, auth)"
        )
    return answered


def _connected(address: HttpAddress) -> http.client.HTTPConnection:
    kind = (
        http.client.HTTPSConnection
        if address.is_encrypted
        else http.client.HTTPConnection
    )
    connection = kind(address.host, address.port, timeout=STALL_S)
    try:
        connection.connect()
    except ssl.SSLCertVerificationError as error:
        raise SourceError(
            f"{address.shown}: its certificate is not trusted ({error.verify_message}); "
            "for one that you made, set SSL_CERT_FILE to it"
        ) from error
    except OSError as error:
        raise SourceError(
            f"{address.shown}: cannot connect ({_reason(error)}); is the camera on, "
            "and is this its address?"
        ) from error
    return connection


def _asked(
    connection: http.client.HTTPConnection,
    address: HttpAddress,
    authorization: str | None,
) -> http.client.HTTPResponse:
    headers = {"User-Agent": "edgeclf"}
    if authorization is not None:
        headers["Authorization"] = authorization
    try:
        connection.request("GET", address.target, headers=headers)
        return connection.getresponse()
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise SourceError(
            f"{address.shown}: no answer ({_reason(error)}); is this a camera's stream?"
        ) from None  # what http.client says may repeat the address


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


def _reason(error: Exception) -> str:
    """Return what went wrong in a few words that repeat nothing of the address."""
    if isinstance(error, TimeoutError):
        return f"nothing for {STALL_S:g} s"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return type(error).__name__
