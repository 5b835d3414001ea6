"""Files that are kept: made once for the same, and again for anything else."""

from pathlib import Path

import pytest

from converters.kept import kept_file


def kept(folder: Path, *parts: bytes, makes: bytes = b"made") -> bytes:
    return kept_file(folder, "numbers", parts, lambda: makes).read_bytes()


def test_what_is_kept_is_not_made_again(tmp_path: Path) -> None:
    kept(tmp_path, b"model", b"photo", makes=b"first")

    assert kept(tmp_path, b"model", b"photo", makes=b"second") == b"first"


@pytest.mark.parametrize(
    "others",
    [
        pytest.param((b"model", b"other"), id="another part"),
        pytest.param((b"photo", b"model"), id="another order"),
        pytest.param((b"modelp", b"hoto"), id="cut elsewhere"),
        pytest.param((b"modelphoto",), id="joined"),
        pytest.param((b"model", b"photo", b""), id="an empty part more"),
    ],
)
def test_of_anything_else_it_is_made(others: tuple[bytes, ...], tmp_path: Path) -> None:
    kept(tmp_path, b"model", b"photo", makes=b"first")

    assert kept(tmp_path, *others, makes=b"second") == b"second"


def test_what_failed_leaves_nothing(tmp_path: Path) -> None:
    def fails() -> bytes:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        kept_file(tmp_path, "numbers", [b"model"], fails)

    assert list(tmp_path.iterdir()) == []
