"""Records as HTTP requests to somebody's server."""

import hashlib
import hmac
import http.client
import os
import ssl
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from edgeclf.errors import SinkError
from edgeclf.sinks import SINKS, SinkOptions
from edgeclf.sinks.address import Address, split_address, tls_context
from edgeclf.sinks.buffered import Backoff, BufferedSink
from edgeclf.sinks.outlet import OutletDownError, RecordRefusedError
from edgeclf.sinks.picking import PickKinds, parse_kinds
from edgeclf.sinks.query import Query, parse_count, parse_duration_ns
from edgeclf.sinks.record import Record

__all__ = ["Target", "WebhookOutlet", "open_webhook", "signature"]

SECRET_VARIABLE = "EDGECLF_WEBHOOK_SECRET"  # noqa: S105 - a name, not a secret
_PORTS: Final = {"http": 80, "https": 443}
_OURS: Final = ("what", "every", "timeout", "buffer", "ca")
_NEVER: Final = frozenset({400, 406, 409, 410, 413, 414, 415, 422})
"""Answers that speak of this one record: sending it again would change nothing."""
_MOST_ANSWER: Final = 65_536
_LONGEST_WAIT_S: Final = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where requests go, and what they carry.

    Attributes:
        host: Name or IP address.
        port: TCP port.
        path: With its query; may be secret.
        headers: With each request; may hold a password.
        secret: Signs each request; ``None`` for none.
        tls: ``None`` for plain HTTP.
    """

    host: str
    port: int
    path: str = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    secret: bytes | None = field(default=None, repr=False)
    tls: ssl.SSLContext | None = None


def signature(secret: bytes, body: bytes) -> str:
    """Return what proves that a body comes from one who knows the secret.

    Source:
        HMAC, RFC 2104, with SHA-256, in hex.
    """
    return f"sha256={hmac.new(secret, body, hashlib.sha256).hexdigest()}"


class WebhookOutlet:
    """Posts one record a request, over a connection that is kept.

    Redirects are not followed: a record goes where it was meant to go, or nowhere.

    Args:
        target: Where requests go.
        timeout_s: For connecting, and for each part of the answer, in seconds.
    """

    batch = 1

    def __init__(self, target: Target, *, timeout_s: float) -> None:
        self._target = target
        self._connection = (
            http.client.HTTPConnection(target.host, target.port, timeout=timeout_s)
            if target.tls is None
            else http.client.HTTPSConnection(
                target.host, target.port, timeout=timeout_s, context=target.tls
            )
        )

    def ready(self) -> None:
        """Do nothing: whether the server answers shows when there is something."""

    def deliver(self, records: Sequence[Record]) -> int:
        """Post the first record."""
        was_open = self._connection.sock is not None
        try:
            try:
                response = self._post(records[0])
            except ConnectionError:
                if not was_open:
                    raise
                # A server may close a connection that was kept, at any time.
                response = self._post(records[0])
        except (OSError, http.client.HTTPException, UnicodeError) as error:
            self._connection.close()
            raise OutletDownError(_reason(error)) from error
        _judge(response)
        return 1

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _post(self, record: Record) -> http.client.HTTPResponse:
        body = record.to_json()
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "edgeclf",
            "Idempotency-Key": record.id,
            **dict(self._target.headers),
        }
        if self._target.secret is not None:
            headers["X-Edgeclf-Signature"] = signature(self._target.secret, body)
        try:
            self._connection.request("POST", self._target.path, body, headers)
            response = self._connection.getresponse()
            if len(response.read(_MOST_ANSWER)) == _MOST_ANSWER:
                self._connection.close()  # the rest would cost more than a new one
        except (OSError, http.client.HTTPException):
            self._connection.close()
            raise
        return response


def _judge(response: http.client.HTTPResponse) -> None:
    """Raise unless the answer says that the record arrived."""
    status = response.status
    if 200 <= status < 300:
        return
    said = f"the server answers {status}"
    if status in _NEVER:
        raise RecordRefusedError(f"{said} to a record")
    if 300 <= status < 400:
        raise OutletDownError(
            f"{said}, a redirect, which is not followed: name its URL"
        )
    raise OutletDownError(said, retry_after_s=_retry_after_s(response))


def _retry_after_s(response: http.client.HTTPResponse) -> float | None:
    """Return the seconds that a server asked for, five minutes at most."""
    text = response.getheader("Retry-After", "")
    if not text.isascii() or not text.isdigit():  # a date needs a clock that is right
        return None
    return min(float(text), _LONGEST_WAIT_S)


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not to be trusted: {error.verify_message}"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, http.client.RemoteDisconnected | ConnectionError):
        return "the connection was closed, or refused"
    if isinstance(error, UnicodeError):
        return "no host can have such a name"
    if isinstance(error, OSError):
        return (error.strerror or type(error).__name__).lower()
    # The text of other errors may quote the address.
    return f"the answer is not HTTP ({type(error).__name__})"


def open_webhook(scheme: str, rest: str, *, options: SinkOptions) -> BufferedSink:
    """Open ``https://[USER:PASSWORD@]HOST[:PORT]/PATH?…``; other options are HOST's."""
    address = split_address(scheme, rest, form=SINKS[scheme].form)
    name = f"{address.shown(_PORTS[scheme])}/…"
    ours, theirs = _split_query(address.query)
    query = Query(ours, sink=name)
    kinds = query.take("what", parse_kinds, parse_kinds("events"))
    every_ns = query.take("every", parse_duration_ns, 0)
    timeout_ns = query.take("timeout", parse_duration_ns, 5_000_000_000)
    size = query.take("buffer", parse_count, 1000)
    tls = None
    if scheme == "https":
        tls = tls_context(name, ca=query.take("ca", Path, None))
    query.done()
    path = (address.path or "/") + (f"?{theirs}" if theirs else "")
    if not path.isascii() or " " in path:
        raise SinkError(
            f"{name}: the path holds a space or a letter that no URL can have: write "
            "it as %20 and the like"
        )
    secret = os.environ.get(SECRET_VARIABLE)
    target = Target(
        host=address.host,
        port=address.port or _PORTS[scheme],
        path=path,
        headers=_login(address),
        secret=secret.encode() if secret else None,
        tls=tls,
    )
    return BufferedSink(
        WebhookOutlet(target, timeout_s=timeout_ns / 1e9),
        PickKinds(kinds, every_ns=every_ns),
        name=name,
        notify=options.notify,
        size=size,
        backoff=Backoff(first_s=0.5, most_s=30.0),
    )


def _split_query(text: str) -> tuple[str, str]:
    """Return our options, and what is left for the server."""
    parts = text.split("&") if text else []
    ours = [part for part in parts if part.partition("=")[0] in _OURS]
    theirs = [part for part in parts if part not in ours]
    return "&".join(ours), "&".join(theirs)


def _login(address: Address) -> tuple[tuple[str, str], ...]:
    if address.username is None:
        return ()
    pair = f"{address.username}:{address.password or ''}".encode()
    return (("Authorization", f"Basic {b64encode(pair).decode()}"),)
