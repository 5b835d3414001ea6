"""What a text, a count and a digest in a bundle may be."""

import re

from edgeclf.json_values import MAX_INTEGER

__all__ = [
    "CONTROL_CHARACTERS",
    "plain_text",
    "require_count",
    "require_sha256",
    "require_text",
]

CONTROL_CHARACTERS = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]"
)
"""Characters that move a terminal's cursor, break lines or turn text around."""

_SHA256 = re.compile(r"[0-9a-f]{64}")
_MAX_TEXT = 200


def require_text(name: str, text: str) -> None:
    """Refuse text that is empty, long, or would not print on one line.

    Raises:
        ValueError: With the name and the text.
    """
    if not text.strip() or len(text) > _MAX_TEXT or CONTROL_CHARACTERS.search(text):
        raise ValueError(
            f"{name} must be 1 to {_MAX_TEXT} characters on one line, got {text[:80]!r}"
        )


def plain_text(text: str) -> str:
    """Return a file's or folder's name as text that ``require_text`` accepts."""
    plain = CONTROL_CHARACTERS.sub("?", text.encode("utf-8", "replace").decode())
    return plain[:_MAX_TEXT] if plain.strip() else "unnamed"


def require_sha256(name: str, text: str) -> None:
    """Refuse what is not a SHA-256 in lower-case hex.

    Raises:
        ValueError: With the name and the text.
    """
    if not _SHA256.fullmatch(text):
        raise ValueError(f"{name} must be 64 hex digits, got {text[:80]!r}")


def require_count(name: str, number: int) -> None:
    """Refuse a negative number, or one that JSON would not keep.

    Raises:
        ValueError: With the name and the number.
    """
    if not 0 <= number <= MAX_INTEGER:
        raise ValueError(f"{name} must be 0 to {MAX_INTEGER}, got {number}")
