from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edgeclf.sources.containers import is_text, missing_bytes
from tests.videos import write_video


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("suffix", [".avi", ".mkv", ".mp4"])
def test_a_whole_file_lacks_nothing(suffix: str, tmp_path: Path) -> None:
    assert missing_bytes(write_video(tmp_path / f"whole{suffix}")) == 0


@pytest.mark.parametrize("suffix", [".avi", ".mkv", ".mp4"])
def test_the_missing_bytes_are_counted_exactly(suffix: str, tmp_path: Path) -> None:
    path = write_video(tmp_path / f"cut{suffix}")
    data = path.read_bytes()

    # The last box of an MP4 is its index, longer than this; the rest is one chunk.
    path.write_bytes(data[:-100])

    assert missing_bytes(path) == 100


def test_a_box_with_a_long_length_is_followed(tmp_path: Path) -> None:
    boxes = (
        b"\0\0\0\x10ftypisom\0\0\0\0"
        b"\0\0\0\1mdat" + (16 + 50).to_bytes(8, "big") + bytes(20)
    )

    assert missing_bytes(written(tmp_path / "long.mp4", boxes)) == 30


def test_a_box_that_reaches_to_the_end_lacks_nothing(tmp_path: Path) -> None:
    boxes = b"\0\0\0\x10ftypisom\0\0\0\0" + b"\0\0\0\0mdat" + bytes(20)

    assert missing_bytes(written(tmp_path / "open.mp4", boxes)) == 0


def test_a_recording_that_was_never_completed_announces_nothing(
    tmp_path: Path,
) -> None:
    riff = b"RIFF\0\0\0\0AVI LIST" + bytes(40)
    ebml = b"\x1a\x45\xdf\xa3\x81\0\x18\x53\x80\x67\x01" + b"\xff" * 7 + bytes(40)

    assert missing_bytes(written(tmp_path / "a.avi", riff)) == 0
    assert missing_bytes(written(tmp_path / "a.mkv", ebml)) == 0


def test_what_follows_the_last_chunk_of_an_avi_is_not_counted(tmp_path: Path) -> None:
    path = write_video(tmp_path / "tail.avi")
    path.write_bytes(path.read_bytes() + b"recorder's own notes")

    assert missing_bytes(path) == 0


@example(magic=b"\x1a\x45\xdf\xa3", rest=b"\0\x10\0\0\0\0\0")
@given(
    magic=st.sampled_from(
        [b"\0\0\0\x10ftyp", b"RIFF\x10\0\0\0AVI ", b"\x1a\x45\xdf\xa3", b""]
    ),
    rest=st.binary(max_size=64),
)
def test_no_bytes_whatsoever_break_it(
    magic: bytes, rest: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = written(tmp_path_factory.getbasetemp() / "any", magic + rest)

    assert missing_bytes(path) >= 0
    assert is_text(path) in {True, False}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"cat\ndog\n", True),
        ("Käuzchen\n".encode(), True),
        (b"\0\0\0\x10ftypisom", False),
        (b"YUV4MPEG2 W64 H48\nFRAME\n" + b"d" * 2000, False),
    ],
    ids=["ascii", "utf-8", "mp4", "raw video"],
)
def test_text_is_told_from_video(data: bytes, expected: bool, tmp_path: Path) -> None:
    assert is_text(written(tmp_path / "file", data)) is expected
