"""Reading the small text files in which Linux shows itself."""

from collections.abc import Mapping
from pathlib import Path

__all__ = ["read_int", "read_pairs", "read_text"]


def read_text(root: Path, name: str) -> str | None:
    """Return a file's text without blanks and NULs around it.

    Args:
        root: ``/``, or a made-up tree.
        name: Path below the root, without a slash in front.

    Returns:
        ``None`` when this kernel does not show it: there, a value is not known.
    """
    try:
        text = (root / name).read_bytes().decode("utf-8", "replace")
    except OSError:
        return None
    return text.strip("\0 \n\t") or None


def read_int(root: Path, name: str, *, base: int = 10) -> int | None:
    """Return a file's one whole number, or ``None``."""
    text = read_text(root, name)
    try:
        return None if text is None else int(text, base)
    except ValueError:
        return None


def read_pairs(root: Path, name: str, separator: str | None) -> Mapping[str, str]:
    """Return a file of ``key separator value`` lines; the first of a key counts.

    Args:
        root: ``/``, or a made-up tree.
        name: Path below the root.
        separator: Between key and value; ``None`` for blanks.
    """
    pairs: dict[str, str] = {}
    for line in (read_text(root, name) or "").splitlines():
        parts = line.split(separator, 1)
        if len(parts) == 2:
            pairs.setdefault(parts[0].strip(), parts[1].strip())
    return pairs
