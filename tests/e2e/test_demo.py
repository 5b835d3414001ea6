"""`make demo`, from the packaged weights to the last line."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.environments import ROOT

pytestmark = [pytest.mark.convert, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    pytest.importorskip("skimage", reason="scikit-image is not installed")
    folder = tmp_path_factory.mktemp("newcomer")
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "demo.py", folder],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder, done.stdout


def test_the_cat_comes_out_as_a_cat(said: tuple[Path, str]) -> None:
    assert "the cat is a cat: " in said[1]


def test_it_makes_one_bundle_for_each_engine(said: tuple[Path, str]) -> None:
    folder, _ = said

    assert {path.name for path in (folder / "demo").glob("*.edgeclf")} == {
        "efficientnet_lite0-int8-tflite.edgeclf",
        "efficientnet_lite0-int8-onnx.edgeclf",
    }


def test_both_bundles_verify(said: tuple[Path, str]) -> None:
    assert said[1].count("18/18 hold on this machine") == 2


def test_it_plays_a_video_and_gives_no_verdict_on_a_board(
    said: tuple[Path, str],
) -> None:
    _, text = said

    assert "demo/photos.mp4 --every-frame" in text
    assert "no verdict:" in text
    assert "says nothing about a Raspberry Pi" in text


def test_it_says_that_the_photos_are_few(said: tuple[Path, str]) -> None:
    assert "--allow-small-calibration" in said[1]
    assert "not decided: too few" in said[1]
    assert "accepted: --accept-undecided" in said[1]
