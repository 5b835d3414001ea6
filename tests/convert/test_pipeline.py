"""A whole conversion: what is written, when nothing is, and that it can be repeated."""

import shutil
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from converters import pipeline
from converters.child import ChildError, run_in_child
from converters.pipeline import ConversionRequest, ConversionResult, convert
from converters.recipe_document import recipe_to_dict
from edgeclf.errors import (
    CalibrationError,
    ConversionError,
    InputFileError,
    OutputFileError,
)
from edgeclf.verification import verify_bundle
from tests.convert.workshop import LABELS, tiny_keras, write_photos

if TYPE_CHECKING:
    from converters.recipe import Target

pytestmark = pytest.mark.convert


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model, its labels and photos."""
    folder = tmp_path_factory.mktemp("shop")
    tiny_keras().save(folder / "tiny.keras")
    (folder / "labels.txt").write_text("\n".join(LABELS) + "\n")
    write_photos(folder / "photos", 150)
    return folder


def wish(shop: Path, output: Path, **changes: Any) -> ConversionRequest:
    fields: dict[str, Any] = {
        "source": str(shop / "tiny.keras"),
        "output": output,
        "labels": shop / "labels.txt",
        "preset": "efficientnet-lite",
    }
    return ConversionRequest(**{**fields, **changes})


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A conversion with a search, and what was kept for its last process."""

    result: ConversionResult
    kept_by_the_search: frozenset[str]
    kept_at_the_end: frozenset[str]


@pytest.fixture(scope="module")
def made(shop: Path) -> Made:
    temporary = shop / "tmp"
    temporary.mkdir()
    phases: list[str] = []
    kept: dict[str, frozenset[str]] = {}

    def report(phase: str, _: float) -> None:
        phases.append(phase)
        files = temporary.glob("*/common/*")
        kept[phase] = frozenset(file.name for file in files)

    request = wish(
        shop,
        shop / "int8.edgeclf",
        calibrate=shop / "photos",
        target="tflite",
        min_agreement=0.9,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tempfile.tempdir", str(temporary))
        result = convert(request, report=report)
    names = [phase.partition(":")[0] for phase in phases]
    planned = set(pipeline.planned_phases(request))
    assert planned <= set(names) <= planned | {"equalizing"}
    return Made(
        result=result,
        kept_by_the_search=kept["exporting"],
        kept_at_the_end=kept["packing"],
    )


@pytest.fixture
def int8(made: Made) -> ConversionResult:
    return made.result


def test_an_int8_bundle_says_how_it_was_made_and_how_good_it_is(
    int8: ConversionResult,
) -> None:
    manifest = int8.bundle.manifest

    assert manifest.provenance.calibration_images == 75
    assert manifest.provenance.recipe["precision"] == "int8"
    assert manifest.provenance.tools["tensorflow"]
    assert manifest.quality.measured_on == "calibration-holdout"
    assert manifest.quality.agreement is not None
    assert manifest.quality.agreement.n == 75
    assert manifest.quality.agreement.judged
    gate = manifest.quality.gate
    assert gate is not None
    assert (gate.measure, gate.verdict, gate.bar) == ("agreement", "pass", 0.9)
    assert int8.bundle.labels == LABELS


def test_what_was_tried_is_told_and_the_best_of_it_is_in_the_bundle(
    int8: ConversionResult,
) -> None:
    (chosen,) = (trial for trial in int8.tried if trial.is_chosen)

    assert [trial.name for trial in int8.tried][:2] == [
        "int8, plain",
        "int8, mse ranges, rounded by output, bias correction, float scores",
    ]
    divergences = [trial.divergence for trial in int8.tried if trial.divergence]
    assert chosen.divergence == min(divergences)
    assert chosen.gate == int8.bundle.manifest.quality.gate
    assert chosen.model_bytes == len(int8.bundle.model_bytes)
    assert int8.bundle.manifest.provenance.recipe == recipe_to_dict(int8.recipe)


def test_the_bundle_verifies(int8: ConversionResult) -> None:
    assert verify_bundle(int8.bundle).ok


def test_a_bundles_own_recipe_makes_the_same_bytes_again(
    int8: ConversionResult, shop: Path, tmp_path: Path
) -> None:
    """What the first read of its search's numbers, the second measures itself."""
    first = int8.bundle.path

    again = convert(
        wish(
            shop,
            tmp_path / "again.edgeclf",
            calibrate=shop / "photos",
            recipe=first,
        )
    )

    assert again.bundle.path.read_bytes() == first.read_bytes()
    assert again.tried == ()


def test_what_the_search_has_measured_is_not_measured_again(made: Made) -> None:
    kept = sorted(name.rpartition("-")[0] for name in made.kept_by_the_search)

    assert kept[-1] == "statistics"
    assert kept[:-1] == ["source-scores"] * 2  # of the photos of either kind
    assert made.kept_at_the_end == made.kept_by_the_search


def test_onnx_gives_the_same_bytes_from_two_processes(
    shop: Path, tmp_path: Path
) -> None:
    recipe = resources.files("converters") / "recipes" / "onnx-int8.toml"
    written = []
    for name in ("one", "two"):
        output = tmp_path / f"{name}.edgeclf"
        convert(
            wish(
                shop,
                output,
                calibrate=shop / "photos",
                recipe=Path(str(recipe)),
                accept_undecided=True,
            )
        )
        written.append(output.read_bytes())

    assert written[0] == written[1]


def test_a_crash_leaves_no_file_behind(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary, output = tmp_path / "tmp", tmp_path / "out" / "net.edgeclf"
    temporary.mkdir()
    output.parent.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    monkeypatch.syspath_prepend(str(tmp_path))
    source = "import os\n\ndef job(arguments, report):\n    os.abort()\n"
    (tmp_path / "crashing.py").write_text(source)

    def crashing(target: str, *args: Any, **fields: Any) -> dict[str, Any]:
        assert target == "converters.job:run_job"
        return run_in_child("crashing:job", *args, **fields)

    monkeypatch.setattr(pipeline, "run_in_child", crashing)

    with pytest.raises(ChildError, match="SIGABRT"):
        convert(wish(shop, output))

    assert not list(temporary.iterdir())
    assert not list(output.parent.iterdir())


@pytest.mark.parametrize("target", ["tflite", "onnx"])
def test_int8_without_photos_is_refused_at_once(
    target: "Target", shop: Path, tmp_path: Path
) -> None:
    with pytest.raises(CalibrationError, match="give --calibrate DIR"):
        convert(wish(shop, tmp_path / "x.edgeclf", precision="int8", target=target))


def test_a_missing_output_folder_is_found_before_the_work(
    shop: Path, tmp_path: Path
) -> None:
    with pytest.raises(OutputFileError, match=r"no folder .*nowhere; make it first"):
        convert(wish(shop, tmp_path / "nowhere" / "x.edgeclf"))


def test_a_folder_as_output_is_found_before_the_work(
    shop: Path, tmp_path: Path
) -> None:
    with pytest.raises(OutputFileError, match="it is a directory"):
        convert(wish(shop, tmp_path))


def test_a_full_disk_is_found_before_the_work(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from converters import opening

    usage = type(shutil.disk_usage(tmp_path))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9, 1000))

    with pytest.raises(OutputFileError, match=r"0 MB are free .* free some space"):
        opening._require_space(tmp_path / "x.edgeclf", _source(shop))


def _source(shop: Path) -> Any:
    from converters.source_model import KerasFileOptions
    from converters.zoo import load_source

    options = KerasFileOptions(preset="efficientnet-lite", labels=shop / "labels.txt")
    return load_source(str(shop / "tiny.keras"), options=options)


@pytest.mark.parametrize("role", ["calibrate", "evaluate", "golden"])
def test_a_missing_photo_folder_is_found_before_the_work(
    role: str, shop: Path, tmp_path: Path
) -> None:
    nowhere = tmp_path / "nowhere"

    with pytest.raises(InputFileError, match="no such folder"):
        convert(wish(shop, tmp_path / "x.edgeclf", **{role: nowhere}))


@pytest.mark.parametrize("source", ["no.keras", "efficientnet-lite9"])
def test_a_missing_source_is_found_before_the_work(
    source: str, shop: Path, tmp_path: Path
) -> None:
    with pytest.raises((InputFileError, ConversionError), match=source):
        convert(wish(shop, tmp_path / "x.edgeclf", source=source))
