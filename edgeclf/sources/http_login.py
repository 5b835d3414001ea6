"""Logging in over HTTP: what a server asks for, and what is answered."""

import base64
import hashlib
import re
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Final
from urllib.parse import quote

__all__ = ["Challenge", "Login", "answer", "challenges_of"]

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - a word of the grammar
_PARAMETER = re.compile(rf'({_TOKEN})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))')
_SCHEME = re.compile(rf"({_TOKEN})(?=[\s,]|$)")
_BETWEEN = re.compile(r"[\s,]*")
_REST = re.compile(r"[^,]*")
_PLAIN = re.compile(rf"{_TOKEN}(?:, *{_TOKEN})*")
_FOLD = re.compile(r"\r?\n[ \t]+")
_ESCAPED = re.compile(r"\\(.)")

_HASHES: Final[Mapping[str, Callable[[bytes], "hashlib._Hash"]]] = MappingProxyType(
    {
        "SHA-256": hashlib.sha256,
        # What most cameras know; a hash of the password travels, and no other use is.
        "MD5": partial(hashlib.md5, usedforsecurity=False),
    }
)
"""Algorithms of Digest, the best first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Who asks.

    Attributes:
        user: UTF-8.
        password: UTF-8.
    """

    user: bytes = field(repr=False)
    password: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """One way in that a server offers.

    Attributes:
        scheme: In small letters: ``basic``, ``digest``, ….
        values: Of its parameters by their names in small letters, without quotes and
            what is escaped in them.
    """

    scheme: str
    values: Mapping[str, str]

    @property
    def algorithm(self) -> str:
        """Of a Digest, in capitals."""
        return self.values.get("algorithm", "MD5").upper()

    @property
    def is_stale(self) -> bool:
        """Whether only the number was too old that a Digest before was made with."""
        return (
            self.scheme == "digest" and self.values.get("stale", "").lower() == "true"
        )

    def __str__(self) -> str:
        """Return what the server asks for, fit to be shown."""
        if self.scheme != "digest":
            return self.scheme.capitalize()[:20]
        qop = self.values.get("qop", "auth")
        return f"Digest ({_plain(self.algorithm)}, {_plain(qop)})"

    @property
    def is_answerable(self) -> bool:
        """Whether it is known here how to answer."""
        if self.scheme != "digest":
            return self.scheme == "basic"
        return (
            self.algorithm in _HASHES
            and {"realm", "nonce"} <= self.values.keys()
            and ("qop" not in self.values or "auth" in _words(self.values["qop"]))
        )


def challenges_of(headers: Iterable[str]) -> list[Challenge]:
    """Read what a server asks for.

    Args:
        headers: Values of ``WWW-Authenticate``; each may hold several challenges. What
            cannot be read is passed over.

    Source:
        RFC 9110 section 11.6.1.
    """
    found: list[tuple[str, dict[str, str]]] = []
    for folded in headers:
        text = "," + _FOLD.sub(" ", folded)
        place = 0
        while between := _BETWEEN.match(text, place):
            if between.end() == len(text):
                break
            match = _PARAMETER.match(text, between.end())
            if match is not None:
                if found:
                    quoted = match[2]
                    value = match[3] if quoted is None else _ESCAPED.sub(r"\1", quoted)
                    found[-1][1].setdefault(match[1].lower(), value)
            elif (match := _SCHEME.match(text, between.end())) is not None:
                if "," in between[0]:  # else it is what a scheme says without a name
                    found.append((match[1].lower(), {}))
            else:
                match = _REST.match(text, between.end())
            place = match.end() if match else len(text)
    return [Challenge(scheme=scheme, values=values) for scheme, values in found]


def answer(
    challenges: Sequence[Challenge],
    login: Login,
    *,
    target: str,
    cnonce: str | None = None,
) -> str | None:
    """Return a value for ``Authorization`` with which a GET is let in.

    Where Digest is asked for, the password itself is never sent, whatever else the
    server would take.

    Args:
        challenges: What the server asks for.
        login: Who asks.
        target: Path and query as they are sent.
        cnonce: Ours of the numbers that are used once; made up unless it is given.

    Returns:
        ``None`` where no challenge can be answered.
    """
    digests = [each for each in challenges if each.scheme == "digest"]
    usable = [each for each in digests or challenges if each.is_answerable]
    if not usable:
        return None
    if not digests:
        return _basic(login)
    best = min(usable, key=lambda each: list(_HASHES).index(each.algorithm))
    return _digest(best, login, target, cnonce or secrets.token_hex(16))


def _basic(login: Login) -> str:
    """Return the answer of RFC 7617 section 2."""
    pair = base64.b64encode(login.user + b":" + login.password)
    return f"Basic {pair.decode('ascii')}"


def _digest(challenge: Challenge, login: Login, target: str, cnonce: str) -> str:
    """Return the answer of RFC 7616 section 3.4, or of RFC 2069 without a ``qop``."""
    values, hashed = challenge.values, _HASHES[challenge.algorithm]

    def digest(*parts: bytes) -> bytes:
        return hashed(b":".join(parts)).hexdigest().encode()

    realm, nonce = (values[name].encode("latin-1") for name in ("realm", "nonce"))
    who = digest(login.user, realm, login.password)
    what = digest(b"GET", target.encode("latin-1"))
    use = [] if "qop" not in values else [b"00000001", cnonce.encode(), b"auth"]
    response = digest(who, nonce, *use, what).decode()
    said = [
        _username(login.user),
        f"realm={_quoted(values['realm'])}",
        f"nonce={_quoted(values['nonce'])}",
        f"uri={_quoted(target)}",
        f'response="{response}"',
    ]
    if "algorithm" in values:
        said.append(f"algorithm={values['algorithm']}")
    if "opaque" in values:
        said.append(f"opaque={_quoted(values['opaque'])}")
    if use:
        said.append(f'qop=auth, nc=00000001, cnonce="{cnonce}"')
    return f"Digest {', '.join(said)}"


def _username(user: bytes) -> str:
    """Return the parameter that names who asks; RFC 7616 section 3.4.4."""
    if user.isascii() and user.decode().isprintable():
        return f"username={_quoted(user.decode())}"
    return f"username*=UTF-8''{quote(user, safe='')}"


def _quoted(value: str) -> str:
    """Return a value in quotes; RFC 9110 section 5.6.4."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _plain(text: str) -> str:
    """Return a server's word if it is one, and nothing that a terminal would obey."""
    return text[:20] if _PLAIN.fullmatch(text[:20]) else "?"


def _words(text: str) -> set[str]:
    return {each.strip().lower() for each in text.split(",")}
