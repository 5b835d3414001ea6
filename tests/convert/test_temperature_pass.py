"""A changed model gets a temperature, and its bundle says what that does."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.typing import NDArray

from converters.gate.comparison import Comparison
from converters.pass_options import TemperatureOptions
from converters.pictures import PictureSet
from converters.probabilities import softmax
from edgeclf.bundle import parse_bundle
from tests.convert import workshop

if TYPE_CHECKING:
    from converters.workpiece import Workpiece

passes: Any = pytest.importorskip("converters.temperature_pass")

pytestmark = pytest.mark.convert

CLASSES = workshop.CLASSES


def source_logits(photos: int) -> NDArray[np.float32]:
    random = np.random.default_rng(3)
    return random.normal(0, 2, (photos, CLASSES)).astype(np.float32)


def draws(logits: NDArray[np.float32]) -> NDArray[np.intp]:
    """Return classes that come as often as the softmax says."""
    chances = softmax(logits).cumsum(axis=1)
    random = np.random.default_rng(4).random((len(logits), 1))
    drawn: NDArray[np.intp] = (random > chances).sum(axis=1).astype(np.intp)
    return drawn.clip(max=CLASSES - 1)


def comparison(
    photos: int = 400,
    *,
    sharper: float = 2.0,
    labelled: bool = True,
    **about: Any,
) -> Comparison:
    """Return a source that is as sure as it is right, and an artefact that is not."""
    reference = source_logits(photos)
    fields = {
        "pixels": [np.zeros((32, 32, 3), np.uint8)] * photos,
        "origin": "evaluate",
        "truth": draws(reference) if labelled else None,
        **about,
    }
    return Comparison(
        reference=reference,
        scores=(reference * np.float32(sharper)),
        kind="logits",
        pictures=PictureSet(**fields),
        labels=workshop.LABELS,
    )


def verified(folder: Path, found: Comparison, precision: Any = "int8") -> "Workpiece":
    plan = workshop.recipe("tflite", precision)
    work = workshop.after(
        workshop.workpiece(folder, plan), "export", "quantize", "compile"
    )
    return replace(work, comparison=found, quality=found.quality(None))


@pytest.fixture(scope="module")
def artefact(tmp_path_factory: pytest.TempPathFactory) -> "Workpiece":
    return verified(tmp_path_factory.mktemp("work"), comparison())


def warmed(work: "Workpiece", found: Comparison) -> "Workpiece":
    one = passes.FitTemperature(TemperatureOptions())
    work = replace(work, comparison=found, quality=found.quality(None))
    one.requires(work)
    made: Workpiece = one.call(work)
    one.ensures(made)
    return made


def temperature(work: "Workpiece") -> float:
    assert work.artefact is not None
    return work.artefact.task.temperature


@pytest.mark.parametrize("labelled", [True, False])
def test_a_model_that_became_too_sure_is_cooled_down(
    artefact: "Workpiece", labelled: bool
) -> None:
    made = warmed(artefact, comparison(labelled=labelled))

    assert temperature(made) == pytest.approx(2.0, rel=0.15)
    assert made.quality is not None
    record = made.quality.probabilities
    assert record is not None
    assert record.measure == ("calibration-error" if labelled else "divergence")
    assert record.after < record.before / 2
    assert record.after <= record.source + 0.02
    assert record.photos == 400


def test_each_half_is_judged_with_the_temperature_of_the_other() -> None:
    # The two halves want opposite temperatures: neither helps the other.
    found = comparison(clusters=np.arange(400) % 2)
    factors = np.where(np.arange(400) % 2 == 0, 3.0, 1 / 3)[:, None]
    scores = (found.reference * factors).astype(np.float32)

    fitted, record = passes.fitted(replace(found, scores=scores))

    assert fitted == 1.0
    assert record.after == record.before


@pytest.mark.parametrize(
    ("found", "words"),
    [
        pytest.param(comparison(20), "20 photos are too few, 50", id="few"),
        pytest.param(
            comparison(origin="synthetic"), "there were no photos", id="synthetic"
        ),
        pytest.param(
            replace(comparison(), kind="probabilities"),
            "it gives probabilities itself",
            id="probabilities",
        ),
        pytest.param(
            comparison(clusters=np.zeros(400, np.intp)), "the same thing", id="alike"
        ),
    ],
)
def test_where_nothing_can_be_fitted_a_note_says_why(
    artefact: "Workpiece", found: Comparison, words: str
) -> None:
    made = warmed(artefact, found)

    assert temperature(made) == 1.0
    (note,) = made.notes
    assert words in note
    assert made.quality is not None
    assert made.quality.probabilities is None


def test_a_calibration_error_that_one_temperature_does_not_mend_is_told(
    artefact: "Workpiece",
) -> None:
    found = comparison(2000)
    # Sure where it should be unsure and the other way round.
    spread = np.ptp(found.reference, axis=1, keepdims=True)
    scores = (found.reference * 30 / spread**2).astype(np.float32)

    (note,) = warmed(artefact, replace(found, scores=scores)).notes

    assert "one temperature does not mend that" in note


def test_an_unchanged_model_keeps_its_sources_probabilities(tmp_path: Path) -> None:
    work = verified(tmp_path, comparison(), "fp32")

    assert temperature(warmed(work, comparison())) == 1.0


def test_the_bundle_names_the_temperature(tmp_path: Path) -> None:
    plan = workshop.recipe("tflite", "int8", temperature={"photos": 10})
    work = workshop.workpiece(tmp_path, plan)

    made = workshop.after(work, *(step.name for step in plan.passes))

    assert made.bundle is not None
    manifest = parse_bundle(made.bundle, path=Path("m.edgeclf")).manifest
    assert manifest.task.temperature == temperature(made)
    assert manifest.quality.probabilities is not None
    assert manifest.quality.probabilities.measure == "divergence"
