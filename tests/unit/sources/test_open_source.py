import subprocess
import sys
from pathlib import Path

import pytest

from edgeclf.errors import MissingDependencyError, SourceError
from edgeclf.sources import SOURCES, open_source
from tests.videos import write_video


def message(uri: str) -> str:
    with pytest.raises(SourceError) as caught:
        open_source(uri)
    return str(caught.value)


@pytest.mark.parametrize(
    ("uri", "close"), [("image:photos", "images:"), ("synth:7", "synthetic:")]
)
def test_a_misspelt_scheme_is_answered_with_the_closest(uri: str, close: str) -> None:
    assert f"did you mean '{close}'" in message(uri)


def test_an_unknown_scheme_names_every_source_there_is() -> None:
    for entry in SOURCES.values():
        assert entry.form in message("carrier-pigeon:3")


def test_a_password_in_an_address_is_not_repeated() -> None:
    assert "secret" not in message("rstp://admin:secret@box/live")


@pytest.mark.parametrize("uri", ["", "images:", "synthetic:", "video:", "a\0b"])
def test_an_empty_source_is_refused(uri: str) -> None:
    assert "\n" not in message(uri)


def test_a_recording_with_a_time_in_its_name_is_a_file(tmp_path: Path) -> None:
    path = write_video(tmp_path / "2026.avi", frames=2)
    path = path.rename(tmp_path / "cam-2026-11-21T10:11:12.avi")

    with open_source(str(path)) as source:
        assert len(list(source)) == 2


def test_a_name_that_looks_like_a_scheme_is_a_file_if_it_exists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_video(tmp_path / "x.avi", frames=2).rename(tmp_path / "cam:1.avi")
    monkeypatch.chdir(tmp_path)

    with open_source("cam:1.avi") as source:
        assert len(list(source)) == 2


@pytest.mark.parametrize("uri", ["a" * 5000, "images:" + "a" * 5000])
def test_a_name_longer_than_any_file_has_is_one_line(uri: str) -> None:
    assert "name too long" in message(uri)


def test_without_opencv_a_video_names_the_install_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    monkeypatch.delitem(sys.modules, "edgeclf.sources.video", raising=False)

    with pytest.raises(MissingDependencyError, match=r"pip install .*opencv"):
        open_source("clip.mp4")


def test_an_opencv_that_cannot_be_loaded_is_told_with_its_reason(
    tmp_path: Path,
) -> None:
    (tmp_path / "cv2.py").write_text("raise ImportError('libGL.so.1: not found')")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from edgeclf.errors import MissingDependencyError\n"
        "from edgeclf import open_source\n"
        "try: open_source('clip.mp4')\n"
        "except MissingDependencyError as error: print(error)"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert "libGL.so.1: not found" in done.stdout


def test_without_opencv_images_and_synthetic_pictures_still_come() -> None:
    code = (
        "import sys; sys.modules['cv2'] = None\n"
        "from edgeclf import open_source\n"
        "print(next(iter(open_source('synthetic:7,8x6'))).pixels.shape)"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert done.stdout == "(6, 8, 3)\n"


def test_a_path_object_opens_as_its_text_does(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is a directory; write images:"):
        open_source(tmp_path)
