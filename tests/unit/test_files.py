"""Files are read with clear errors and written whole or not at all."""

import errno
import os
from pathlib import Path

import pytest

from edgeclf.errors import InputFileError, OutputFileError
from edgeclf.files import read_file, write_atomically


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a", b"12")

    assert read_file(tmp_path / "a", what="a test", limit=2) == b"12"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(lambda _path: None, "no such file", id="missing"),
        pytest.param(lambda path: path.mkdir(), "is a directory", id="directory"),
        pytest.param(lambda path: path.touch(), "the file is empty", id="empty"),
        pytest.param(
            lambda path: path.write_bytes(b"123"), "3 bytes, over the limit", id="large"
        ),
        pytest.param(os.mkfifo, "not a regular file", id="pipe"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_the_reason(
    tmp_path: Path, make: object, message: str
) -> None:
    path = tmp_path / "x"
    assert callable(make)
    make(path)

    with pytest.raises(InputFileError, match=message) as caught:
        read_file(path, what="a bundle", limit=2)

    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_full_disk_leaves_the_old_file_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model"
    path.write_bytes(b"old")

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputFileError, match="the disk is full"):
        write_atomically(path, b"new")

    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputFileError, match="no such file or directory"):
        write_atomically(tmp_path / "nowhere" / "x", b"1")


def test_the_new_file_has_ordinary_permissions(tmp_path: Path) -> None:
    mask = os.umask(0o022)
    try:
        write_atomically(tmp_path / "x", b"1")
    finally:
        os.umask(mask)

    assert (tmp_path / "x").stat().st_mode & 0o777 == 0o644
