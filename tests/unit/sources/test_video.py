import struct
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from edgeclf.errors import SourceError
from edgeclf.sources import open_source
from tests.videos import moving_square, write_video

READ = """
import sys
from edgeclf import EdgeclfError, open_source
try:
    with open_source(sys.argv[1]) as source:
        print(len(list(source)))
except EdgeclfError as error:
    print(error)
"""


def message(path: Path) -> str:
    with pytest.raises(SourceError) as caught, open_source(str(path)) as source:
        list(source)
    text = str(caught.value)
    assert "\n" not in text
    assert path.name in text
    return text


def cut(path: Path, share: float) -> Path:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


@pytest.mark.parametrize("suffix", [".avi", ".mkv"])
def test_a_file_cut_short_gives_its_frames_and_then_says_so(
    suffix: str, tmp_path: Path
) -> None:
    path = cut(write_video(tmp_path / f"cut{suffix}"), 0.6)
    numbers: list[int] = []

    with (
        open_source(str(path)) as source,
        pytest.raises(SourceError, match=r"cut short, \d+ bytes are missing"),
    ):
        numbers.extend(frame.sequence for frame in source)

    assert 0 < len(numbers) < 12
    assert numbers == list(range(len(numbers)))


def test_a_video_recorded_sideways_is_turned(tmp_path: Path) -> None:
    path = write_video(tmp_path / "sideways.mp4", frames=2)
    data = path.read_bytes()
    track = data.index(b"tkhd")
    upright = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    turned = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
    path.write_bytes(data[:track] + data[track:].replace(upright, turned, 1))

    with open_source(str(path)) as source:
        pixels = next(iter(source)).pixels

    assert pixels.shape == (64, 48, 3)
    assert pixels[4, 24, 0] > pixels[4, 24, 2] + 60  # what was left is on top now
    assert pixels[-4, 24, 2] > pixels[-4, 24, 0] + 60


def test_an_mp4_without_its_index_is_refused_at_once(tmp_path: Path) -> None:
    assert "cut short" in message(cut(write_video(tmp_path / "cut.mp4"), 0.6))


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.mp4"
    path.touch()

    assert "the file is empty" in message(path)


@pytest.mark.parametrize("name", ["notes.txt", "notes.mp4", "list.m3u8"])
def test_text_is_not_played_as_terminal_art(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text("#EXTM3U\nother.mp4\n" * 100)

    assert "is a text file" in message(path)


def test_other_data_are_not_a_video(tmp_path: Path) -> None:
    path = tmp_path / "model.edgeclf"
    path.write_bytes(b"PK\x03\x04" + bytes(5000))

    assert "not a video" in message(path)


def test_a_folder_is_answered_with_how_to_read_it(tmp_path: Path) -> None:
    assert f"images:{tmp_path}" in message(tmp_path)


def test_an_image_is_answered_with_how_to_read_it(tmp_path: Path) -> None:
    path = tmp_path / "cat.png"
    Image.fromarray(moving_square(0)).save(path)

    assert f"images:{path}" in message(path)


def test_a_device_is_not_a_file() -> None:
    assert "not a regular file" in message(Path("/dev/null"))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert "no such file" in message(tmp_path / "missing.mp4")


@pytest.mark.parametrize(("name", "share"), [("cut.avi", 0.6), ("cut.mp4", 0.6)])
def test_the_decoder_writes_nothing_to_the_terminal(
    name: str, share: float, tmp_path: Path
) -> None:
    path = cut(write_video(tmp_path / name), share)

    done = subprocess.run(
        [sys.executable, "-c", READ, str(path)],
        capture_output=True,
        text=True,
        check=True,
    )

    assert "cut short" in done.stdout
    assert done.stderr == ""


def test_a_video_without_a_picture_is_an_error(tmp_path: Path) -> None:
    data = write_video(tmp_path / "whole.avi").read_bytes()
    path = tmp_path / "hollow.avi"
    path.write_bytes(data[: data.index(b"movi") + 4])

    assert "not one frame" in message(path)


@pytest.mark.parametrize("suffix", [".avi", ".mkv", ".mp4"])
def test_frames_know_when_they_are_shown_however_fast_they_are_read(
    suffix: str, tmp_path: Path
) -> None:
    path = write_video(tmp_path / f"clip{suffix}", frames=4)

    with open_source(str(path)) as source:
        frames = list(source)

    assert [frame.media_ns for frame in frames] == [
        0,
        40_000_000,
        80_000_000,
        120_000_000,
    ]
