import io
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeclf.container import MAX_MEMBERS, read_container, write_container
from edgeclf.errors import BundleError

MEMBERS = {
    "manifest.json": b"{}",
    "labels.txt": b"cat\ndog\n",
    "empty": b"",
    "golden/00.png": b"\x89PNG" + bytes(range(64)),
}
GOOD = write_container(MEMBERS)

NAMES = st.from_regex(r"\A[a-z0-9][a-z0-9._-]{0,20}(/[a-z0-9]{1,5})?\Z")


def read(data: bytes) -> dict[str, bytes]:
    return {name: bytes(payload) for name, payload in read_container(data).items()}


@given(st.dictionaries(NAMES, st.binary(max_size=100), min_size=1, max_size=8))
def test_what_is_written_is_read_back_in_the_same_order(
    members: dict[str, bytes],
) -> None:
    found = read(write_container(members))

    assert found == members
    assert list(found) == list(members)


def test_every_single_bit_flip_anywhere_is_refused() -> None:
    accepted = []
    for position in range(8 * len(GOOD)):
        damaged = bytearray(GOOD)
        damaged[position // 8] ^= 1 << position % 8
        try:
            read_container(bytes(damaged))
        except BundleError:
            continue
        accepted.append(position)

    assert accepted == []


def test_every_truncation_is_refused() -> None:
    for length in range(len(GOOD)):
        with pytest.raises(BundleError):
            read_container(GOOD[:length])


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_refused_and_crash_nothing(data: bytes) -> None:
    with pytest.raises(BundleError):
        read_container(data)


@given(st.integers(0, len(GOOD)), st.binary(min_size=1, max_size=40))
def test_inserted_bytes_are_refused(position: int, extra: bytes) -> None:
    with pytest.raises(BundleError):
        read_container(GOOD[:position] + extra + GOOD[position:])


def test_python_zipfile_reads_it() -> None:
    archive = zipfile.ZipFile(io.BytesIO(GOOD))

    assert archive.testzip() is None
    assert {item.filename: archive.read(item) for item in archive.infolist()} == MEMBERS
    assert all(item.compress_type == zipfile.ZIP_STORED for item in archive.infolist())
    assert all(item.date_time == (1980, 1, 1, 0, 0, 0) for item in archive.infolist())


@pytest.mark.skipif(shutil.which("unzip") is None, reason="system package: unzip")
def test_plain_unzip_unpacks_it(tmp_path: Path) -> None:
    path = tmp_path / "model.edgeclf"
    path.write_bytes(GOOD)

    done = subprocess.run(
        ["unzip", "-q", path.name],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (tmp_path / "golden/00.png").read_bytes() == MEMBERS["golden/00.png"]
    assert (tmp_path / "labels.txt").stat().st_mode & 0o777 == 0o644


def zipped(*names: str, method: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name in names:
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.compress_type = method
            archive.writestr(info, b"x" * 1000)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(
            zipped("a", method=zipfile.ZIP_DEFLATED), "is compressed", id="deflate"
        ),
        pytest.param(zipped("../evil"), "is not allowed", id="parent folder"),
        pytest.param(zipped("/etc/passwd"), "is not allowed", id="absolute path"),
        pytest.param(zipped("a\\b"), "is not allowed", id="backslash"),
        pytest.param(zipped("a/../b"), "is not allowed", id="parent inside"),
        pytest.param(zipped("golden/"), "is not allowed", id="folder entry"),
        pytest.param(zipped("ä"), "is not allowed", id="not ASCII"),
        pytest.param(zipped("a" * 65), "is not allowed", id="long name"),
        pytest.param(GOOD[:-2] + b"\x05\0hello", "end record", id="comment"),
        pytest.param(zipped(), "without members", id="no members"),
        pytest.param(GOOD + b"\n", "1 bytes too many", id="trailing byte"),
        pytest.param(b"#!" + GOOD, "begins with 23 21 50 4b", id="leading bytes"),
        pytest.param(GOOD[:-1], "last 1 bytes are missing", id="last byte gone"),
        pytest.param(GOOD[:44], "manifest.json has 1 of 2 bytes", id="cut in a member"),
        pytest.param(GOOD[:20], "ends inside a header", id="cut in a header"),
        pytest.param(b"\x1c\0\0\0TFL3\0\0", "'edgeclf pack'", id="tflite"),
    ],
)
def test_what_is_wrong_is_named(data: bytes, message: str) -> None:
    with pytest.raises(BundleError, match=message) as caught:
        read_container(data)

    assert "\n" not in str(caught.value)


def test_two_members_of_one_name_are_refused() -> None:
    one, two = write_container({"a": b"1"}), write_container({"a": b"2"})
    header = 30 + len("a") + 1
    with pytest.raises(BundleError, match="two members are named a"):
        read_container(one[:header] + two)


def test_a_member_that_claims_four_gigabytes_is_refused_without_allocating() -> None:
    claimed = bytearray(GOOD)
    claimed[18:26] = b"\xff" * 8  # both sizes of the first member

    with pytest.raises(BundleError, match="of 4294967295 bytes"):
        read_container(bytes(claimed))


def test_more_members_than_allowed_are_neither_written_nor_read() -> None:
    names = [f"m{index}" for index in range(MAX_MEMBERS + 1)]

    with pytest.raises(ValueError, match="1 to 256 members"):
        write_container(dict.fromkeys(names, b""))
    with pytest.raises(BundleError):
        read_container(zipped(*names))


def test_a_name_that_the_format_does_not_allow_is_not_written() -> None:
    with pytest.raises(ValueError, match="not allowed"):
        write_container({"../a": b""})
