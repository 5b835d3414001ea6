"""One question to an HTTP server, and its answer; with a login where it asks for one."""

import http.client
import ssl
from collections.abc import Sequence
from contextlib import ExitStack, closing

from edgeclf.errors import SourceError
from edgeclf.sources.http_address import HttpAddress
from edgeclf.sources.http_login import Challenge, answer, challenges_of
from edgeclf.sources.live import STALL_S

__all__ = ["Exchange", "let_in", "reason_of"]

_MOST_QUESTIONS = 3
"""One without a login, one with it, one more where the server's number was too old."""


class Exchange:
    """A question to the server, and its answer.

    Args:
        address: What is asked, and where.
        authorization: Value of the header of that name, or ``None``.

    Attributes:
        socket: Under the answer.
        response: The answer, as far as its headers.
        close: Lets all of it go.

    Raises:
        SourceError: Nothing answers.
    """

    def __init__(self, address: HttpAddress, authorization: str | None) -> None:
        with ExitStack() as opened:
            connection = _connected(address)
            opened.callback(connection.close)
            # http.client forgets the socket of a server that keeps no connection.
            self.socket = connection.sock
            opened.callback(self.socket.close)
            self.response = _asked(connection, address, authorization)
            opened.callback(self.response.close)
            self.close = opened.pop_all().close

    @property
    def challenges(self) -> list[Challenge]:
        """What a login has to look like; Basic where the server does not say."""
        said = self.response.headers.get_all("WWW-Authenticate", ("Basic",))
        return challenges_of(said)


def let_in(address: HttpAddress) -> Exchange:
    """Ask, and log in as the server wants it: nothing is said before it says how.

    Raises:
        SourceError: Nothing answers, or it lets nobody in.
    """
    authorization: str | None = None
    for _ in range(_MOST_QUESTIONS):
        exchange = Exchange(address, authorization)
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
            f"{address.shown}: cannot connect ({reason_of(error)}); is the camera on, "
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
            f"{address.shown}: no answer ({reason_of(error)}); is this a camera's stream?"
        ) from None  # what http.client says may repeat the address


def reason_of(error: Exception) -> str:
    """Return what went wrong in a few words that repeat nothing of the address."""
    if isinstance(error, TimeoutError):
        return f"nothing for {STALL_S:g} s"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return type(error).__name__
