"""Addresses on a network, taken apart without ever showing what is secret in them."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from edgeclf.errors import SinkError

__all__ = ["Address", "split_address", "tls_context"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """The parts of ``SCHEME://[USER[:PASSWORD]@]HOST[:PORT]/PATH?QUERY``.

    Attributes:
        scheme: In small letters.
        host: A name, or an IP address without brackets.
        port: ``None`` when it is not given.
        username: Decoded; ``None`` when it is not given.
        password: Likewise.
        path: As written, with its slash.
        query: As written, without its question mark.
    """

    scheme: str
    host: str
    port: int | None
    username: str | None
    password: str | None = field(repr=False)
    path: str = field(repr=False)
    query: str = field(repr=False)

    def shown(self, default_port: int) -> str:
        """Return scheme, host and port, which are no secret."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = self.port or default_port
        return f"{self.scheme}://{host}" + ("" if port == default_port else f":{port}")


def split_address(scheme: str, rest: str, *, form: str) -> Address:
    """Take an address apart.

    Args:
        scheme: What is before the colon.
        rest: What follows it.
        form: How it is written, for the message.

    Raises:
        SinkError: It cannot be read. The message does not show it: where a password
            holds a special character, any part may be the password's.
    """
    try:
        parts = urlsplit(f"{scheme}:{rest}")
        port = parts.port
    except ValueError:
        parts, port = SplitResult("", "", "", "", ""), None
    if (
        not parts.hostname
        or parts.fragment
        or port == 0
        or "@" in parts.path + parts.query
        or not rest.isprintable()
    ):
        raise SinkError(
            f"the address behind '{scheme}:' cannot be read: write {form}, with "
            "special characters of a name or password as %40 for @, %23 for #, "
            "%2F for /"
        )
    return Address(
        scheme=scheme,
        host=parts.hostname,
        port=port,
        username=None if parts.username is None else unquote(parts.username),
        password=None if parts.password is None else unquote(parts.password),
        path=parts.path,
        query=parts.query,
    )


def tls_context(
    sink: str, *, ca: Path | None, cert: Path | None = None, key: Path | None = None
) -> ssl.SSLContext:
    """Return what checks the other side's certificate and host name.

    Args:
        sink: Whose it is, for messages.
        ca: Certificates to trust instead of the system's, PEM.
        cert: Our own certificate, PEM.
        key: Its key, when it is not in the same file; not encrypted.

    Raises:
        SinkError: A file is missing, or is not what it should be.
    """
    try:
        context = ssl.create_default_context(cafile=ca)
    except OSError as error:
        raise SinkError(f"{sink}: ca {ca}: {_reason(error)}") from error
    if cert is not None:
        try:
            # Without a password of ours, OpenSSL would ask on the terminal.
            context.load_cert_chain(cert, key, password=lambda: "")
        except OSError as error:
            raise SinkError(f"{sink}: cert {cert}: {_reason(error)}") from error
    elif key is not None:
        raise SinkError(f"{sink}: a key is of no use without cert=")
    return context


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return f"no certificate that OpenSSL can use ({error.reason or error})"
    return (error.strerror or str(error)).lower()
