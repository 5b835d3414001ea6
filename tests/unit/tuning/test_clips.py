"""Tables of clips: both forms, and one line for what is wrong with one."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgeclf.errors import InputFileError, SourceError
from edgeclf.tuning import Clip, LabelledEvent, open_clip, read_clips
from edgeclf.types import DecodeSpec
from tests.videos import write_video

CSV = """clip,start_s,end_s,label,fps
yard.mp4,5,6.5,dog,
yard.mp4,1.5,3,cat,
night,,,,10
"""
TOML = """
[[clips]]
path = "yard.mp4"
events = [
    { label = "cat", start_s = 1.5, end_s = 3 },
    { label = "dog", start_s = 5, end_s = 6.5 },
]
[[clips]]
path = "night"
fps = 10
"""
CLIPS = (
    Clip(
        path="yard.mp4",
        events=(
            LabelledEvent(label="cat", start_s=1.5, end_s=3),
            LabelledEvent(label="dog", start_s=5, end_s=6.5),
        ),
    ),
    Clip(path="night", fps=10),
)


@pytest.mark.parametrize(("name", "text"), [("c.csv", CSV), ("c.toml", TOML)])
def test_a_table_says_what_is_to_be_seen_when(
    tmp_path: Path, name: str, text: str
) -> None:
    path = tmp_path / name
    path.write_text(text)

    table = read_clips(path)

    assert (table.clips, table.folder) == (CLIPS, tmp_path)
    assert table.labels == ("cat", "dog")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("\n", "must name the columns clip,start_s", id="empty"),
        pytest.param("clip,start,end,label\n", "got clip,start,end", id="columns"),
        pytest.param("clip,start_s,end_s,label\n", "no clip in it", id="no clip"),
        pytest.param(
            "clip,start_s,end_s,label\na,1,2\n",
            "line 2: it has another number of cells",
            id="short line",
        ),
        pytest.param(
            "clip,start_s,end_s,label\na,1,2,cat\na,x,2,cat\n",
            "line 3: start_s must be a number, got 'x'",
            id="no number",
        ),
        pytest.param(
            "clip,start_s,end_s,label\na,2,2,cat\n", "end after that", id="no time"
        ),
        pytest.param(
            "clip,start_s,end_s,label\na,nan,2,cat\n", "start at 0 s or", id="nan"
        ),
        pytest.param(
            "clip,start_s,end_s,label\na,1,2,\n", "label is empty", id="no label"
        ),
        pytest.param(
            "clip,start_s,end_s,label\na,1,3,cat\na,2,4,cat\n",
            "from 2.0 s is there twice: it ends at 3.0 s only",
            id="overlap",
        ),
        pytest.param(
            "clip,start_s,end_s,label,fps\na,,,,5\na,,,,6\n",
            "line 3: fps was 5.0 before",
            id="two rates",
        ),
        pytest.param(
            "clip,start_s,end_s,label,fps\na,,,,0\n", "fps must be above 0", id="rate"
        ),
        pytest.param(
            'clip,start_s,end_s,label\n"a,1,2,cat\n', "not a CSV table", id="quote"
        ),
    ],
)
def test_a_wrong_table_is_one_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "clips.csv"
    path.write_text(text)

    with pytest.raises(InputFileError, match=message) as caught:
        read_clips(path)

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("clips = 3", "expected a list", id="type"),
        pytest.param("x = [", "not a TOML document", id="no TOML"),
        pytest.param('[[clips]]\nname = "a"', "unknown key 'name'", id="key"),
        pytest.param(
            '[[clips]]\npath = "a"\n[[clips]]\npath = "a"', "'a' is there twice", id="2"
        ),
    ],
)
def test_a_wrong_toml_table_is_one_line(
    tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "clips.toml"
    path.write_text(text)

    with pytest.raises(InputFileError, match=message):
        read_clips(path)


def folder_of_images(folder: Path, names: list[str]) -> Path:
    folder.mkdir()
    for name in names:
        Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(folder / name)
    return folder


def moments_ms(clip: Clip, folder: Path) -> list[float]:
    with open_clip(clip, folder, decode=DecodeSpec()) as source:
        return [(frame.media_ns or 0) / 1e6 for frame in source]


@pytest.mark.parametrize("suffix", [".mp4", ".avi", ".mkv"])
def test_the_frames_of_a_video_have_its_times(tmp_path: Path, suffix: str) -> None:
    write_video(tmp_path / f"a{suffix}", frames=4)

    assert moments_ms(Clip(path=f"a{suffix}"), tmp_path) == [0, 40, 80, 120]


def test_images_have_the_times_that_a_file_beside_them_says(tmp_path: Path) -> None:
    folder = folder_of_images(tmp_path / "a", ["1.png", "2.png", "3.png"])
    times = "image,time_s\n3.png,7.25\n1.png,0.5\n2.png,0.75\n"
    (folder / "times.csv").write_text(times)

    assert moments_ms(Clip(path="a"), tmp_path) == [500, 750, 7250]
    assert moments_ms(Clip(path="a", fps=4), tmp_path) == [0, 250, 500]


@pytest.mark.parametrize(
    ("times", "message"),
    [
        pytest.param(None, "no such file; expected a table 'image,time_s'", id="none"),
        pytest.param("image,time_s\n1.png,0\n", "no time for 1 of 2 images", id="few"),
        pytest.param("image,time_s\n1.png,2\n2.png,1\n", "times go back", id="back"),
        pytest.param("image,time_s\n1.png,x\n", "cannot be read as", id="no number"),
        pytest.param("name,time_s\n1.png,1\n", "cannot be read as", id="column"),
        pytest.param("image,time_s\n1.png,nan\n", "nan s is no time", id="nan"),
    ],
)
def test_images_without_times_are_refused(
    tmp_path: Path, times: str | None, message: str
) -> None:
    folder = folder_of_images(tmp_path / "a", ["1.png", "2.png"])
    if times is not None:
        (folder / "times.csv").write_text(times)

    with pytest.raises(InputFileError, match=message):
        open_clip(Clip(path="a"), tmp_path, decode=DecodeSpec())


def test_an_unreadable_image_is_not_passed_over_in_a_clip(tmp_path: Path) -> None:
    folder = folder_of_images(tmp_path / "a", ["1.png", "3.png"])
    (folder / "2.png").write_bytes(b"no image")

    with pytest.raises(SourceError, match="an image of this clip cannot be read"):
        moments_ms(Clip(path="a", fps=5), tmp_path)


def test_a_video_has_no_fps_of_ours(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", frames=2)

    with pytest.raises(InputFileError, match="a video has its own times"):
        open_clip(Clip(path="a.mp4", fps=5), tmp_path, decode=DecodeSpec())
