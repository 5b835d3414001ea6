"""Files that are kept by all that they depend on, for whoever needs the same again.

The processes of a conversion share a folder of them: what one has measured, the next
reads. A name holds a digest of everything that went in, so that a file is found by who
would make the very same, and by nobody else.
"""

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path

from edgeclf.files import write_atomically

__all__ = ["kept_file"]


def kept_file(
    folder: Path,
    name: str,
    made_of: Iterable[bytes | memoryview],
    make: Callable[[], bytes],
) -> Path:
    """Return the file that holds what ``make`` returns, made only if it is not there.

    Args:
        folder: Where files are kept.
        name: What it is; the beginning of its name.
        made_of: All that ``make`` depends on, in parts; read one after the other.
        make: Returns the same bytes for the same parts.

    Raises:
        OutputFileError: The disk is full.
    """
    path = folder / f"{name}-{_digest(made_of)}"
    if not path.exists():
        write_atomically(path, make())
    return path


def _digest(parts: Iterable[bytes | memoryview]) -> str:
    """Return a SHA-256 in hex that tells apart where one part ends and the next begins."""
    whole = hashlib.sha256()
    for part in parts:
        whole.update(hashlib.sha256(part).digest())
    return whole.hexdigest()
