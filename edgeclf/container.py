"""The file around a bundle's members: a zip that can be written in one way only.

Any unzip program opens it. The reader here goes forward from the first byte, rebuilds
every byte that is not a member's own, and refuses a file that differs in one of them:
Python's ``zipfile`` accepts about half of all single-bit flips in a zip's headers.

Source:
    PKWARE APPNOTE.TXT 6.3.10, sections 4.3.7 (local header), 4.3.12 (central
    directory), 4.3.16 (end record). docs/bundle-format.md holds the byte layout.
"""

import io
import re
import struct
import zlib
from collections.abc import Mapping
from typing import BinaryIO, NoReturn

from edgeclf.errors import BundleError

__all__ = [
    "MAX_MEMBERS",
    "read_container",
    "read_container_file",
    "write_container",
]

MAX_MEMBERS = 256

_LOCAL = struct.Struct("<4s5H3I2H")
_LOCAL_FIELDS = (
    "signature",
    "version needed",
    "flags",
    "compression method",
    "time",
    "date",
    "CRC-32",
    "compressed size",
    "size",
    "name length",
    "extra field length",
)
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")

_LOCAL_SIGNATURE = b"PK\x03\x04"
_CENTRAL_SIGNATURE = b"PK\x01\x02"
_END_SIGNATURE = b"PK\x05\x06"
_VERSION_NEEDED = 10  # 1.0: stored, no folders
_MADE_BY = (3 << 8) | 10  # Unix, 1.0, so that the mode below is applied
_FLAGS = 0
_STORED = 0
_TIME = 0
_DATE = (1 << 5) | 1  # 1980-01-01, the first day that a zip can tell
_MODE = 0o100644 << 16  # a regular file, rw-r--r--

_NAME = re.compile(rb"[a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*)*")
_MAX_NAME = 64
_AGAIN = "the file is damaged: copy it again, or build it again"


def write_container(members: Mapping[str, bytes]) -> bytes:
    """Return the one container that holds these members in this order.

    Raises:
        ValueError: A name that the format does not allow, or too many members.
    """
    if not 1 <= len(members) <= MAX_MEMBERS:
        raise ValueError(f"1 to {MAX_MEMBERS} members, got {len(members)}")
    parts: list[bytes] = []
    for name, payload in members.items():
        if not _is_name(name.encode()):
            raise ValueError(f"member name {name!r} is not allowed")
        header = _local_header(name, len(payload), zlib.crc32(payload))
        parts += [header, name.encode(), payload]
    sizes = {name: len(payload) for name, payload in members.items()}
    crcs = {name: zlib.crc32(payload) for name, payload in members.items()}
    return b"".join([*parts, _directory(sizes, crcs)])


def read_container(data: bytes) -> dict[str, bytes]:
    """Return the members of a container in memory; see ``read_container_file``."""
    return read_container_file(io.BytesIO(data))


def read_container_file(file: BinaryIO) -> dict[str, bytes]:
    """Return the members, in order, each read once.

    Nothing is decompressed and nothing is allocated for a size that a header claims
    and the file has not.

    Args:
        file: Can seek; read from its first byte to its last.

    Raises:
        BundleError: It is not what ``write_container`` makes of these members.
    """
    file_size = file.seek(0, io.SEEK_END)
    file.seek(0)
    members: dict[str, bytes] = {}
    crcs: dict[str, int] = {}
    offset = 0
    while (header := file.read(_LOCAL.size)).startswith(_LOCAL_SIGNATURE):
        name, payload = _read_member(file, header, offset, file_size)
        if name in members:
            raise BundleError(f"two members are named {name}: {_AGAIN}")
        if len(members) == MAX_MEMBERS:
            raise BundleError(f"more than {MAX_MEMBERS} members: {_AGAIN}")
        members[name] = payload
        crcs[name] = zlib.crc32(payload)
        _check_local_header(header, name, payload, crcs[name])
        offset += _LOCAL.size + len(name) + len(payload)
    if not members:
        _refuse_start(header)
    sizes = {name: len(payload) for name, payload in members.items()}
    _check_tail(header + file.read(), _directory(sizes, crcs), offset)
    return members


def _refuse_start(start: bytes) -> NoReturn:
    """Say what a file is that does not begin with a member, where that is known."""
    if start[4:8] == b"TFL3":
        raise BundleError(
            "this is a .tflite model, not a bundle: make one with 'edgeclf pack'"
        )
    if start.startswith((_CENTRAL_SIGNATURE, _END_SIGNATURE)):
        raise BundleError(f"a zip without members is no bundle: {_AGAIN}")
    raise BundleError(
        f"not a bundle: it begins with {start[:4].hex(' ')}, not with a member; give a "
        ".edgeclf file, or make one with 'edgeclf pack' or 'edgeclf convert'"
    )


def _is_name(name: bytes) -> bool:
    return len(name) <= _MAX_NAME and _NAME.fullmatch(name) is not None


def _local_header(name: str, size: int, crc: int) -> bytes:
    """Return a local header up to the name."""
    return _LOCAL.pack(
        _LOCAL_SIGNATURE,
        _VERSION_NEEDED,
        _FLAGS,
        _STORED,
        _TIME,
        _DATE,
        crc,
        size,
        size,
        len(name),
        0,
    )


def _directory(sizes: Mapping[str, int], crcs: Mapping[str, int]) -> bytes:
    """Return the central directory and the end record."""
    entries = []
    offset = 0
    for name, size in sizes.items():
        entries.append(
            _CENTRAL.pack(
                _CENTRAL_SIGNATURE,
                _MADE_BY,
                _VERSION_NEEDED,
                _FLAGS,
                _STORED,
                _TIME,
                _DATE,
                crcs[name],
                size,
                size,
                len(name),
                0,  # extra field
                0,  # comment
                0,  # disk
                0,  # internal attributes
                _MODE,
                offset,
            )
            + name.encode("ascii")
        )
        offset += _LOCAL.size + len(name) + size
    directory = b"".join(entries)
    count = len(sizes)
    end = _END.pack(_END_SIGNATURE, 0, 0, count, count, len(directory), offset, 0)
    return directory + end


def _read_member(
    file: BinaryIO, header: bytes, offset: int, file_size: int
) -> tuple[str, bytes]:
    """Return the name and bytes of the member whose header started at ``offset``."""
    if len(header) < _LOCAL.size:
        raise BundleError(f"the file ends inside a header at byte {offset}: {_AGAIN}")
    fields = _LOCAL.unpack(header)
    flags, method, stored, size, name_length, extra = (
        fields[index] for index in (2, 3, 7, 8, 9, 10)
    )
    raw_name = file.read(min(name_length, _MAX_NAME + 1))
    if not _is_name(raw_name):
        raise BundleError(f"member name {raw_name[:80]!r} is not allowed: {_AGAIN}")
    name = raw_name.decode("ascii")
    if method != _STORED or stored != size:
        raise BundleError(
            f"member {name} is compressed (method {method}, {stored} bytes for {size}); "
            "bundles store every member as it is: build it again with edgeclf"
        )
    if flags != _FLAGS or extra != 0:
        raise BundleError(
            f"member {name} has flags {flags:#06x} and {extra} bytes of extra fields, "
            "a bundle has neither: build it again with edgeclf"
        )
    left = file_size - offset - _LOCAL.size - len(raw_name)
    payload = file.read(min(size, left))
    if len(payload) != size:
        raise BundleError(
            f"the file is cut short: member {name} has {len(payload)} of {size} bytes; "
            "copy it again"
        )
    return name, payload


def _check_local_header(header: bytes, name: str, payload: bytes, crc: int) -> None:
    expected = _local_header(name, len(payload), crc)
    if header == expected:
        return
    seen, wanted = _LOCAL.unpack(header), _LOCAL.unpack(expected)
    wrong = next(
        f"{field} is {have!r}, must be {want!r}"
        for field, have, want in zip(_LOCAL_FIELDS, seen, wanted, strict=True)
        if have != want
    )
    raise BundleError(f"member {name}: {wrong}; {_AGAIN}")


def _check_tail(tail: bytes, expected: bytes, offset: int) -> None:
    if tail == expected:
        return
    if tail.startswith(expected):
        extra = len(tail) - len(expected)
        raise BundleError(f"{extra} bytes too many at the end of the file: {_AGAIN}")
    if expected.startswith(tail):
        missing = len(expected) - len(tail)
        raise BundleError(
            f"the file is cut short: the last {missing} bytes are missing; copy it again"
        )
    at = next(i for i, (a, b) in enumerate(zip(tail, expected, strict=False)) if a != b)
    where = "end record" if at >= len(expected) - _END.size else "central directory"
    raise BundleError(
        f"the {where} does not follow from the members (byte {offset + at}): {_AGAIN}"
    )
