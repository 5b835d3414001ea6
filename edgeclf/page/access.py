"""Where the page listens, and who may look at it."""

import hmac
import secrets
from dataclasses import dataclass
from typing import Final

__all__ = ["LOOPBACK", "MIN_TOKEN", "Access", "made_up_token"]

LOOPBACK: Final = "127.0.0.1"

MIN_TOKEN: Final = 16
"""Characters a token must have: it is all that stands between a camera and a network."""

_LOCAL_NAMES: Final = frozenset({"localhost", "127.0.0.1", "[::1]", "::1"})


def made_up_token() -> str:
    """Return a token that nobody can guess: 128 bits, fit for an address."""
    return secrets.token_urlsafe(16)


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Where the page listens, and who may look.

    Attributes:
        host: Address to listen on; other machines can reach all but the loopback.
        token: What a viewer must show; ``None``: only on the loopback address.

    Raises:
        ValueError: Anybody could look from elsewhere, or the token is easy to guess.
    """

    host: str = LOOPBACK
    token: str | None = None

    def __post_init__(self) -> None:
        if self.token is None:
            if self.host != LOOPBACK:
                raise ValueError(f"a page on {self.host!r} needs a token")
            return
        if len(self.token) < MIN_TOKEN or not self.token.isascii():
            raise ValueError(
                f"a token has {MIN_TOKEN} ASCII characters or more, got "
                f"{len(self.token)}"
            )
        if not self.token.isprintable() or set(self.token) & set(' ",;\\'):
            raise ValueError("a token has no space, comma, semicolon, quote, backslash")

    def admits(self, shown: str | None) -> bool:
        """Return whether a viewer who shows this may look; takes equally long."""
        if self.token is None:
            return True
        given = (shown or "").encode("utf-8", "replace")
        return hmac.compare_digest(given, self.token.encode())

    def knows(self, host_name: str) -> bool:
        """Return whether the page may be called by this name.

        Without a token, the browser's address must be this machine's own: a stranger's
        page can give its own name the address 127.0.0.1 and would then see the camera.

        Args:
            host_name: Of the request's ``Host`` header, without the port.
        """
        return self.token is not None or host_name.lower() in _LOCAL_NAMES
