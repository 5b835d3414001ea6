"""The files packed behind a ``.tflite`` model: a zip after the last byte of the model.

Readers find the zip by its end, the flatbuffer by its beginning, and both ignore the
other. What is written here depends on nothing but the members: fixed dates, stored.

Source:
    https://ai.google.dev/edge/litert/models/metadata (checked 2026-11-21).
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping

from edgeclf.modelfile.damage import DamagedError

__all__ = ["append_files", "read_associated_file", "without_files"]

_EARLIEST_DATE = (1980, 1, 1, 0, 0, 0)
_LARGEST_MEMBER = 4 << 20

# What zipfile lets out for bytes that are no zip, or a damaged one.
_ZIP_ERRORS = (
    EOFError,
    NotImplementedError,
    OSError,
    RuntimeError,
    ValueError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


def read_associated_file(data: bytes, name: str) -> bytes | None:
    """Return a packed file of at most 4 MiB, or ``None`` when it is not there.

    Raises:
        DamagedError: The zip or the member is damaged or too large.
    """
    archive = _archive(data)
    if archive is None or name not in archive.namelist():
        return None
    try:
        with archive.open(name) as member:
            content = member.read(_LARGEST_MEMBER + 1)
    except _ZIP_ERRORS as error:
        raise DamagedError(f"the packed file {name!r}: {error}") from error
    if len(content) > _LARGEST_MEMBER:
        raise DamagedError(f"the packed file {name!r} is over {_LARGEST_MEMBER} bytes")
    return content


def without_files(data: bytes) -> bytes:
    """Return the model alone.

    Raises:
        DamagedError: The zip says that it begins before the file.
    """
    archive = _archive(data)
    if archive is None or not archive.infolist():
        return data
    start = min(member.header_offset for member in archive.infolist())
    if not 0 < start < len(data):
        raise DamagedError(f"the packed files begin at byte {start} of {len(data)}")
    return data[:start]


def append_files(data: bytes, files: Mapping[str, bytes]) -> bytes:
    """Return the model with files packed behind it, in the order given."""
    buffer = io.BytesIO()
    buffer.write(data)  # a zip in mode "w" begins where the file stands
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            member = zipfile.ZipInfo(name, _EARLIEST_DATE)
            member.external_attr = 0o644 << 16
            member.create_system = 3
            archive.writestr(member, content)
    return buffer.getvalue()


def _archive(data: bytes) -> zipfile.ZipFile | None:
    # The cheap test first: weights seldom hold this mark, and a zip always does.
    if b"PK\x05\x06" not in data[-65_558:]:
        return None
    try:
        return zipfile.ZipFile(io.BytesIO(data))
    except _ZIP_ERRORS:
        return None
