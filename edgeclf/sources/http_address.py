"""An ``http`` address taken apart: where to connect, what to ask for, who asks."""

from dataclasses import dataclass, field
from urllib.parse import quote, unquote_to_bytes, urlsplit

from edgeclf.errors import SourceError
from edgeclf.sources.credentials import without_credentials
from edgeclf.sources.http_login import Login

__all__ = ["HttpAddress", "checked_address"]

_KEPT = "/?&=%:@!$'()*+,;~-._[]"


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpAddress:
    """Where a stream is.

    Attributes:
        shown: The address without its credentials.
        host: Name or number of the server.
        port: Of it; ``None`` for the scheme's own.
        is_encrypted: ``https``.
        target: Path and query, as they are sent.
        login: Who asks, or ``None``.
    """

    shown: str
    host: str
    port: int | None
    is_encrypted: bool
    target: str = field(repr=False)
    login: Login | None = field(repr=False)

    @classmethod
    def of(cls, address: str) -> "HttpAddress":
        """Take an address apart.

        Raises:
            SourceError: It is none that can be connected to.
        """
        shown = checked_address(address)
        parts = urlsplit(address)
        query = f"?{parts.query}" if parts.query else ""
        return cls(
            shown=shown,
            host=parts.hostname or "",
            port=parts.port,
            is_encrypted=parts.scheme.lower() == "https",
            target=quote((parts.path or "/") + query, safe=_KEPT),
            login=_login(parts.username, parts.password),
        )


def checked_address(address: str) -> str:
    """Return an address without its credentials, if it can be connected to.

    Raises:
        SourceError: It has no host, or signs that belong percent-encoded.
    """
    shown = without_credentials(address)
    if any(each.isspace() or not each.isprintable() for each in address):
        # Where it ends is not sure, so nothing of it is shown.
        scheme = address.partition("://")[0]
        raise SourceError(f"{scheme}://…: an address cannot hold spaces: write %20")
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
        (host or "").encode("idna")
    except ValueError:  # its message repeats the address
        host = None
    if not host:
        raise SourceError(
            f"{shown}: no such address can be; write SCHEME://HOST[:PORT]/PATH, and "
            "in a password %40 for @, %2F for /, %3A for :, %23 for #, %3F for ?"
        )
    return shown


def _login(user: str | None, password: str | None) -> Login | None:
    if user is None:
        return None
    return Login(user=unquote_to_bytes(user), password=unquote_to_bytes(password or ""))
