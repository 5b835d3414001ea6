"""`make wheelhouse`: a board installs from it without a network."""

import subprocess
import sys
from pathlib import Path

import pytest

from edgeclf.errors import EdgeclfError
from edgeclf.profiles import load_profile
from tests.environments import ROOT, registry_or_skip, run
from tools.make_wheelhouse import build, choose_target, find_wheel


def test_the_newest_system_of_the_board_is_meant() -> None:
    target = choose_target(load_profile("raspberry-pi-5"), None)

    assert target.python == "3.13"
    assert target.requirements() == ("edgeclf[litert,onnx,opencv,mqtt,metrics,page]",)
    assert target.platforms()[0] == "manylinux_2_41_aarch64"


def test_bookworm_keeps_the_numpy_that_its_camera_library_needs() -> None:
    target = choose_target(load_profile("raspberry-pi-4b"), "bookworm")

    assert target.python == "3.11"
    assert "numpy<2" in target.requirements()


def test_an_unknown_system_is_answered_with_the_known_ones() -> None:
    with pytest.raises(EdgeclfError, match=r"known: .*Bookworm.*Trixie"):
        choose_target(load_profile("raspberry-pi-5"), "windows")


def test_without_a_wheel_it_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(EdgeclfError, match="run make wheel first"):
        find_wheel(tmp_path)


@pytest.mark.registry
@pytest.mark.timeout(600)
def test_pip_installs_for_the_board_from_the_folder_alone(tmp_path: Path) -> None:
    with registry_or_skip("pip", "uv"):
        make_wheel(tmp_path / "dist")
        folder = build("raspberry-pi-5", None, out=tmp_path, dist=tmp_path / "dist")

    target = choose_target(load_profile("raspberry-pi-5"), None)
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--dry-run", "--no-index"]
        + ["--find-links", str(folder), "-r", str(folder / "requirements.txt")]
        + ["--target", str(tmp_path / "board"), "--only-binary=:all:"]
        + ["--python-version", target.python, "--implementation", "cp"]
        + [f"--platform={tag}" for tag in target.platforms()],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for package in (
        *("edgeclf", "ai-edge-litert", "onnxruntime", "opencv", "numpy"),
        *("paho-mqtt", "prometheus_client", "tornado"),
    ):
        assert package in done.stdout
    assert not any("x86_64" in wheel.name for wheel in folder.iterdir())


def make_wheel(folder: Path) -> None:
    run([sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(ROOT)])
