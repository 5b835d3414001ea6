"""``edgeclf classify`` on real bundles and files."""

import csv
import json
import os
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from PIL import Image

from edgeclf import Classifier
from tests.models import labels_for, tiny_onnx
from tests.videos import moving_square

SCHEMA = json.loads(
    (Path(__file__).parents[2] / "docs" / "schemas" / "classify-1.json").read_text()
)

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(on_bundle: Callable[[str], Run]) -> Run:
    return on_bundle("classify")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Return a folder with a.png and deep/b.png."""
    folder = tmp_path / "photos"
    (folder / "deep").mkdir(parents=True)
    Image.fromarray(moving_square(0)).save(folder / "a.png")
    Image.fromarray(moving_square(9)).save(folder / "deep" / "b.png")
    return folder


def huge_png() -> bytes:
    """Return a whole PNG of 100 megapixels in 100 kB."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    header = struct.pack(">IIBBBBB", 10_000, 10_000, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes(10_001 * 10_000), 1)
    chunks = ((b"IHDR", header), (b"IDAT", rows), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*each) for each in chunks)


def test_an_image_gets_its_best_labels_first(run: Run, photos: Path) -> None:
    code, out, err = run(photos / "a.png", "--top-k", 3)

    assert (code, err) == (0, "")
    name, *rows = out.splitlines()
    assert name == str(photos / "a.png")
    assert [int(row.split()[0]) for row in rows] == [1, 2, 3]
    scores = [float(row.split()[1]) for row in rows]
    assert scores == sorted(scores, reverse=True)


def test_a_folder_is_searched_at_any_depth(run: Run, photos: Path) -> None:
    _, out, _ = run(photos, "--csv", "--top-k", 1)

    paths = [row["path"] for row in csv.DictReader(out.splitlines())]
    assert paths == [str(photos / "a.png"), str(photos / "deep" / "b.png")]


def test_csv_has_one_row_a_label(run: Run, photos: Path) -> None:
    _, out, _ = run(photos / "a.png", "--csv", "--top-k", 2)

    rows = list(csv.DictReader(out.splitlines()))
    assert list(rows[0]) == ["path", "rank", "label", "index", "score"]
    assert [row["rank"] for row in rows] == ["1", "2"]
    assert rows[0]["label"] == f"class {rows[0]['index']}"
    assert 0 <= float(rows[0]["score"]) <= 1


def test_a_path_with_a_comma_is_one_field(run: Run, photos: Path) -> None:
    odd = (photos / "a.png").rename(photos / 'one, "two".png')

    _, out, _ = run(odd, "--csv", "--top-k", 1)

    assert next(csv.DictReader(out.splitlines()))["path"] == str(odd)


def test_json_obeys_the_schema_and_says_what_the_classifier_says(
    run: Run, photos: Path, bundle: Path
) -> None:
    code, out, err = run(photos, photos / "missing.png", "--json")

    document: dict[str, Any] = json.loads(out)
    jsonschema.validate(document, SCHEMA)
    assert code == 1
    assert [Path(each["path"]).name for each in document["images"]] == [
        "a.png",
        "b.png",
    ]
    assert [Path(each["path"]).name for each in document["failed"]] == ["missing.png"]
    with Classifier.open(bundle) as classifier:
        assert document["model"]["digest"] == classifier.model.digest
        best = classifier.classify(moving_square(9)).best
    assert document["images"][1]["top"][0] == {
        "index": best.index,
        "label": best.label,
        "score": best.score,
    }
    assert "missing.png" in err


@pytest.mark.parametrize(
    ("name", "make", "message"),
    [
        ("missing.png", lambda _: None, "no such file"),
        ("empty.png", lambda path: path.touch(), "the file is empty"),
        ("text.png", lambda path: path.write_text("no image"), "not an image"),
        ("hollow", lambda path: path.mkdir(), "no images in this folder"),
        ("huge.png", lambda path: path.write_bytes(huge_png()), "over the limit"),
        (
            "cut.png",
            lambda path: path.write_bytes((path.parent / "a.png").read_bytes()[:90]),
            "damaged",
        ),
        ("clip.mp4", lambda path: path.write_bytes(bytes(999)), "not an image"),
    ],
    ids=["missing", "empty", "text", "hollow", "huge", "cut", "video"],
)
def test_what_cannot_be_read_is_one_line_and_the_others_go_on(
    name: str,
    make: Callable[[Path], object],
    message: str,
    run: Run,
    photos: Path,
) -> None:
    bad = photos / name
    make(bad)

    code, out, err = run(bad, photos / "deep", "--csv", "--top-k", 1)

    assert code == 1
    assert len(out.splitlines()) == 2
    assert len(err.splitlines()) == 1
    assert err.startswith(f"error: {bad}")
    assert message in err


def test_a_bundle_given_as_image_is_one_line(run: Run, bundle: Path) -> None:
    code, out, err = run(bundle)

    assert (code, out) == (1, "")
    assert len(err.splitlines()) == 1


def test_an_image_given_as_model_is_one_line(run: Run, photos: Path) -> None:
    code, out, err = run(photos, model=photos / "a.png")

    assert (code, out) == (1, "")
    assert len(err.splitlines()) == 1
    assert err.startswith(f"error: {photos / 'a.png'}")


def test_a_file_name_that_is_no_text_is_still_told(photos: Path, bundle: Path) -> None:
    odd = photos / os.fsdecode(b"odd\xff.png")
    odd.write_text("no image")

    done = subprocess.run(
        [sys.executable, "-m", "edgeclf", "classify", bundle, photos, "--json"],
        env={**os.environ, "PYTHONIOENCODING": "utf-8:strict"},
        capture_output=True,
        check=False,
    )

    assert done.returncode == 1
    assert "odd" in json.loads(done.stdout)["failed"][0]["path"]


def test_a_file_name_with_control_characters_cannot_move_the_cursor(
    run: Run, photos: Path
) -> None:
    (photos / "a.png").rename(photos / "a\x1b[2J\n.png")

    code, out, err = run(photos, photos / "none\n.png")

    assert code == 1
    assert "a\\x1b[2J\\n.png" in out
    assert (
        err == f"error: {photos}/none\\n.png: no such file or folder; expected images\n"
    )


def test_a_missing_model_fails_in_json_too(run: Run, photos: Path) -> None:
    code, out, _ = run(photos, "--json", model=photos / "no.edgeclf")

    assert code == 1
    assert json.loads(out)["schema"] == "edgeclf.error"


def test_a_bare_onnx_file_classifies_with_flags(
    run: Run, photos: Path, tmp_path: Path
) -> None:
    model = tmp_path / "tiny.onnx"
    model.write_bytes(tiny_onnx())
    labels = tmp_path / "labels.txt"
    labels.write_text("\n".join(labels_for()))
    flags = ("--labels", labels, "--preset", "torchvision", "--scores", "probabilities")

    code, out, _ = run(photos, *flags, "--json", model=model)

    assert code == 0
    document = json.loads(out)
    assert document["engine"]["engine"] == "onnxruntime"
    assert len(document["images"]) == 2


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["x.png", "--top-k", "0"],
        ["x.png", "--threads", "0"],
        ["x.png", "--threads", "99999999999"],
        [""],
    ],
    ids=["no images", "no labels", "no threads", "many threads", "empty path"],
)
def test_a_wrong_command_line_is_exit_2(arguments: list[str], run: Run) -> None:
    code, out, err = run(*arguments)

    assert (code, out) == (2, "")
    assert "Usage: edgeclf classify" in err


def test_a_wrong_command_line_with_json_is_an_object_too(run: Run) -> None:
    code, out, err = run("x.png", "--csv", "--json")

    assert code == 2
    assert "exclude each other" in json.loads(out)["message"]
    assert "Usage: edgeclf classify" in err
