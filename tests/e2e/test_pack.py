"""``edgeclf pack`` as a user runs it."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from PIL import Image

from edgeclf.bundle import read_bundle
from edgeclf.cli import main
from tests.bundles import tiny_bundle_bytes
from tests.environments import ROOT
from tests.models import labels_for, tiny_onnx, tiny_tflite

SCHEMA = json.loads((ROOT / "docs/schemas/pack-1.json").read_text())


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return int(ended.value.code or 0)


@pytest.fixture
def found(tmp_path: Path) -> Path:
    """A folder with a model file and its labels, as found somewhere."""
    (tmp_path / "labels.txt").write_text("\n".join(labels_for(10)) + "\n")
    (tmp_path / "found.tflite").write_bytes(tiny_tflite("int8"))
    (tmp_path / "behind.tflite").write_bytes(tiny_tflite("int8", outside=True))
    (tmp_path / "found.onnx").write_bytes(tiny_onnx("float32-nchw"))
    return tmp_path


def pack(folder: Path, model: str, *more: object) -> int:
    labels = folder / "labels.txt"
    flags = ("--labels", labels, "--preset", "efficientnet-lite")
    return run("pack", folder / model, *flags, *more)


@pytest.mark.parametrize("model", ["found.tflite", "behind.tflite", "found.onnx"])
def test_a_packed_model_verifies_and_classifies(
    found: Path, model: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert pack(found, model) == 0
    bundle = (found / model).with_suffix(".edgeclf")

    assert run("verify", bundle) == 0
    assert "next: edgeclf verify" in capfd.readouterr().out


@pytest.mark.parametrize("taken", ["found.tflite", "labels.txt"])
def test_a_bundle_never_takes_the_place_of_what_it_is_made_from(
    found: Path, taken: str, capfd: pytest.CaptureFixture[str]
) -> None:
    before = (found / taken).read_bytes()

    assert pack(found, "found.tflite", "-o", found / taken) == 1

    assert "what the result is made from; name another file" in capfd.readouterr().err
    assert (found / taken).read_bytes() == before


def test_a_preset_that_does_not_exist_is_a_wrong_command_line(
    found: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    labels = found / "labels.txt"

    code = run("pack", found / "found.tflite", "--labels", labels, "--preset", "kears")

    assert code == 2
    assert "did you mean 'keras'" in capfd.readouterr().err


def test_json_obeys_its_schema(found: Path, capfd: pytest.CaptureFixture[str]) -> None:
    output = found / "out.edgeclf"

    assert pack(found, "found.tflite", "-o", output, "--name", "Ten", "--json") == 0

    document: dict[str, Any] = json.loads(capfd.readouterr().out)
    jsonschema.validate(document, SCHEMA)
    assert document["name"] == "Ten"
    assert document["digest"] == read_bundle(output).digest


def test_golden_pictures_of_ones_own_are_named_in_the_bundle(found: Path) -> None:
    photos = found / "photos"
    photos.mkdir()
    random = np.random.default_rng(0)
    for index in range(17):
        pixels = random.integers(0, 256, (40, 60, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(photos / f"{index:02}.png")

    assert pack(found, "found.tflite", "--golden", photos) == 0

    golden = read_bundle(found / "found.edgeclf").manifest.golden
    assert golden.origin == "folder:photos"
    assert len(golden.vectors) == 16


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(None, "no such file", id="missing"),
        pytest.param(b"", "empty", id="0-bytes"),
        pytest.param(b"just words\n", "a text file", id="text"),
        pytest.param(b"PK\x03\x04" + bytes(60), "edgeclf convert", id="keras"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + bytes(60), "PNG", id="png"),
        pytest.param(tiny_tflite("int8")[:900], "cut short", id="truncated"),
        pytest.param(tiny_bundle_bytes("int8"), "a bundle already", id="bundle"),
    ],
)
def test_a_wrong_file_is_one_line_and_leaves_nothing(
    found: Path,
    content: bytes | None,
    message: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    if content is not None:
        (found / "odd.tflite").write_bytes(content)
    before = sorted(found.iterdir())

    assert pack(found, "odd.tflite") == 1

    stderr = capfd.readouterr().err
    assert stderr.startswith("error: ")
    assert stderr.count("\n") == 1
    assert message in stderr
    assert sorted(found.iterdir()) == before


def test_a_directory_is_no_model(
    found: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run("pack", found) == 1

    assert "is a directory" in capfd.readouterr().err


def test_missing_labels_leave_an_older_bundle_as_it_was(found: Path) -> None:
    older = found / "found.edgeclf"
    older.write_bytes(b"older")
    flags = ("--labels", found / "nowhere.txt", "--preset", "efficientnet-lite")

    assert run("pack", found / "found.tflite", *flags) == 1

    assert older.read_bytes() == b"older"


def test_a_missing_folder_for_the_bundle_is_named(
    found: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert pack(found, "found.tflite", "-o", found / "no" / "b.edgeclf") == 1

    assert "cannot write" in capfd.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [("--mean", "a"), ("--std", "0"), ("--crop-fraction", "2"), ("--scores", "odds")],
)
def test_a_wrong_command_line_exits_with_2(
    found: Path, arguments: tuple[str, str]
) -> None:
    assert pack(found, "found.tflite", *arguments) == 2


def test_presets_complete_on_tab() -> None:
    from click.shell_completion import ShellComplete

    from edgeclf.cli import cli

    completion = ShellComplete(cli, {}, "edgeclf", "_EDGECLF_COMPLETE")

    items = completion.get_completions(["pack", "m.tflite", "--preset"], "torch")
    files = completion.get_completions(["pack"], "")

    assert [item.value for item in items] == ["torchvision", "torchvision-v2"]
    assert [item.type for item in files] == ["file"]
