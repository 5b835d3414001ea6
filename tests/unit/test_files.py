"""Files are read with clear errors and written whole or not at all."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from edgeclf.errors import InputFileError, OutputFileError
from edgeclf.files import check_output, read_file, write_atomically


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


@pytest.mark.parametrize(
    "write", [check_output, lambda path: write_atomically(path, b"1")]
)
def test_a_device_or_a_pipe_is_never_replaced_by_a_file(
    tmp_path: Path, write: Callable[[Path], None]
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    with pytest.raises(OutputFileError, match="not a regular file; name one"):
        write(pipe)

    assert pipe.is_fifo()


def test_a_symbolic_link_stays_one_and_its_target_is_written(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    link = tmp_path / "latest"
    link.symlink_to(tmp_path / "disk" / "v1")

    write_atomically(link, b"1")

    assert link.is_symlink()
    assert (tmp_path / "disk" / "v1").read_bytes() == b"1"
    assert list((tmp_path / "disk").iterdir()) == [tmp_path / "disk" / "v1"]


def test_links_that_lead_in_a_circle_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")

    with pytest.raises(OutputFileError, match="too many levels of symbolic links"):
        write_atomically(tmp_path / "a", b"1")

    assert (tmp_path / "a").is_symlink()


@pytest.mark.parametrize("via", ["model", "./sub/../model", "link"])
def test_an_output_that_is_an_input_is_refused(tmp_path: Path, via: str) -> None:
    model = tmp_path / "model"
    model.write_bytes(b"1")
    (tmp_path / "sub").mkdir()
    (tmp_path / "link").symlink_to("model")

    with pytest.raises(
        OutputFileError, match="what the result is made from; name another"
    ):
        check_output(tmp_path / via, inputs=(None, tmp_path / "absent", model))


def test_an_output_folder_that_is_missing_is_named_before_any_work(
    tmp_path: Path,
) -> None:
    with pytest.raises(OutputFileError, match=r"no folder .*nowhere; make it first"):
        check_output(tmp_path / "nowhere" / "x")
