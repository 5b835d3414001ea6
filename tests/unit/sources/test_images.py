import logging
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgeclf.errors import SourceError
from edgeclf.sources import open_source
from edgeclf.types import DecodeSpec
from tests.videos import moving_square


def save(path: Path, index: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(moving_square(index)).save(path)
    return path


def test_a_folder_is_read_in_the_order_of_its_names(tmp_path: Path) -> None:
    for index in (2, 0, 1):
        save(tmp_path / f"{index}.png", index)

    with open_source(f"images:{tmp_path}") as source:
        pictures = [frame.pixels for frame in source]

    for index, picture in enumerate(pictures):
        np.testing.assert_array_equal(picture, moving_square(index))


def test_an_unreadable_image_is_told_counted_and_no_frame(tmp_path: Path) -> None:
    save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"")
    save(tmp_path / "c.png")
    lines: list[str] = []

    with open_source(f"images:{tmp_path}", notify=lines.append) as source:
        numbers = [frame.sequence for frame in source]

    assert numbers == [0, 1]
    assert source.unreadable == 1
    assert len(lines) == 1
    assert "b.png" in lines[0]
    assert "\n" not in lines[0]


def test_an_unreadable_image_is_logged_when_nobody_listens(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"no image")

    with caplog.at_level(logging.WARNING), open_source(f"images:{tmp_path}") as source:
        list(source)

    assert "b.png" in caplog.text


def test_when_no_image_can_be_read_the_source_fails(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no image")

    with (
        open_source(f"images:{tmp_path}") as source,
        pytest.raises(SourceError, match="none of its 1 images can be read"),
    ):
        list(source)


def test_a_folder_without_images_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no image")

    with pytest.raises(SourceError, match="no images"):
        open_source(f"images:{tmp_path}")


def test_files_are_decoded_as_the_model_wants_them(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned
    Image.fromarray(moving_square(0)).save(tmp_path / "turned.jpg", exif=exif)
    uri = f"images:{tmp_path}"

    with open_source(uri, decode=DecodeSpec(orientation="apply")) as source:
        turned = next(iter(source)).pixels
    with open_source(uri, decode=DecodeSpec(orientation="ignore")) as source:
        stored = next(iter(source)).pixels

    assert turned.shape == (64, 48, 3)
    assert stored.shape == (48, 64, 3)
