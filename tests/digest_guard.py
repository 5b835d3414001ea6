"""A door that opens to those who prove that they know a password, and say none."""

import hashlib
import secrets
from collections.abc import Sequence
from urllib.parse import unquote
from urllib.request import parse_http_list, parse_keqv_list

__all__ = ["DigestGuard"]

_REALM = 'the, yard "1"'


class DigestGuard:
    """Asks for Digest, as RFC 7616 says, and checks every word of the answer.

    Args:
        user: Who may come in.
        password: What that one has to know.
        algorithms: Of the challenges, in their order; nothing is MD5 unsaid.
        qop: What the challenges offer; ``None``: they are of the kind before RFC 2617.
        beside: A further challenge, such as ``Basic realm="x"``.
        forgets: Call each number too old that was given so often before.
    """

    def __init__(
        self,
        user: str,
        password: str,
        *,
        algorithms: Sequence[str] = ("MD5",),
        qop: str | None = "auth",
        beside: Sequence[str] = (),
        forgets: int = 0,
    ) -> None:
        self._user = user
        self._password = password
        self._algorithms = algorithms
        self._qop = qop
        self._beside = beside
        self._forgets = forgets
        self._open: set[str] = set()
        self.came_in: list[str] = []
        """Algorithm of each answer that was right."""

    def __call__(self, path: str, shown: str | None) -> list[str]:
        """Return nothing for who may come in, else what is asked."""
        if shown is None:
            return self._challenges()
        scheme, _, rest = shown.partition(" ")
        if scheme != "Digest":
            return self._challenges()
        said = parse_keqv_list(parse_http_list(rest))
        if said.get("nonce") not in self._open:
            return self._challenges()
        self._open.discard(said["nonce"])  # each is good once
        if self._forgets:
            self._forgets -= 1
            return [f"{each}, stale=true" for each in self._challenges()]
        if not self._is_right(path, said):
            return self._challenges()
        self.came_in.append(said.get("algorithm", "MD5"))
        return []

    def _challenges(self) -> list[str]:
        asked = []
        for algorithm in self._algorithms:
            nonce = secrets.token_hex(8)
            self._open.add(nonce)
            challenge = f'Digest realm="the, yard \\"1\\"", nonce="{nonce}"'
            challenge += ', opaque="o p"'
            challenge += f", algorithm={algorithm}" if algorithm else ""
            asked.append(challenge + (f', qop="{self._qop}"' if self._qop else ""))
        return [*asked, *self._beside]

    def _is_right(self, path: str, said: dict[str, str]) -> bool:
        kind = {"MD5": "md5", "SHA-256": "sha256"}[said.get("algorithm", "MD5")]

        def digest(*parts: str) -> str:
            return hashlib.new(kind, ":".join(parts).encode()).hexdigest()

        user = (
            unquote(said["username*"].removeprefix("UTF-8''"))
            if "username*" in said
            else said["username"]
        )
        use = [said[name] for name in ("nc", "cnonce", "qop")] if self._qop else []
        who = digest(user, _REALM, self._password)
        right = digest(who, said["nonce"], *use, digest("GET", said["uri"]))
        return (
            user == self._user
            and said["uri"] == path
            and said["opaque"] == "o p"
            and said["realm"] == _REALM
            and (not use or (use[0] == "00000001" and len(use[1]) >= 16))
            and secrets.compare_digest(said["response"], right)
        )
