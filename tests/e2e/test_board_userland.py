"""What a Raspberry Pi 4 with Bookworm sees: arm64 wheels, its Python, its engines."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgeclf.profiles import load_profile
from tests.board.emulated import EmulatedBoard, bookworm_board
from tests.bundles import tiny_bundle_bytes
from tests.e2e.test_wheelhouse import make_wheel
from tests.environments import registry_or_skip
from tools.make_wheelhouse import build, choose_target

pytestmark = [pytest.mark.registry, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> EmulatedBoard:
    work = tmp_path_factory.mktemp("wheelhouse")
    with registry_or_skip("pip", "uv"):
        board = bookworm_board()
        make_wheel(work / "dist")
        wheels = build("raspberry-pi-4b", "bookworm", out=work, dist=work / "dist")
    target = choose_target(load_profile("raspberry-pi-4b"), "bookworm")
    board.install(wheels, python=target.python, platforms=target.platforms())
    return board


def put(board: EmulatedBoard, name: str, data: bytes) -> str:
    (board.root / "t" / name).write_bytes(data)
    return name


def test_the_board_has_both_engines(board: EmulatedBoard) -> None:
    done = board.run(
        "-c",
        "from edgeclf.backends import available_engines as e;"
        "print(sorted(n for n, s in e().items() if s.usable))",
    )

    assert done.out == "['litert', 'onnxruntime']\n", done.err


@pytest.mark.parametrize("kind", ["uint8", "qdq-uint8"])
def test_a_bundle_made_here_is_verified_there(board: EmulatedBoard, kind: str) -> None:
    name = put(board, f"{kind}.edgeclf", tiny_bundle_bytes(kind))

    done = board.run("-m", "edgeclf", "verify", name, "--json")

    assert done.code == 0, done.out + done.err
    assert json.loads(done.out)["ok"] is True


def test_a_photo_is_classified_there_as_here(
    board: EmulatedBoard, tmp_path: Path
) -> None:
    from edgeclf import Classifier

    photo = np.random.default_rng(5).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    Image.fromarray(photo).save(board.root / "t" / "photo.png")
    name = put(board, "photo.edgeclf", tiny_bundle_bytes("uint8"))
    (tmp_path / name).write_bytes(tiny_bundle_bytes("uint8"))
    with Classifier.open(tmp_path / name) as classifier:
        here = classifier.classify(photo).best

    done = board.run("-m", "edgeclf", "classify", name, "photo.png", "--json")

    there = json.loads(done.out)["images"][0]["top"][0]
    assert there["label"] == here.label
    assert there["score"] == pytest.approx(here.score, abs=0.02)


def test_an_engine_problem_never_ends_in_a_traceback(board: EmulatedBoard) -> None:
    name = put(board, "not.edgeclf", b"nothing of the kind")

    done = board.run("-m", "edgeclf", "verify", name)

    assert done.code == 1
    assert done.err.startswith("error: ")
    assert "Traceback" not in done.err
