"""MobileNets trained on Fashion-MNIST: judged on its 10,000 labelled test pictures."""

import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.fashion_mnist import find_data, read_part, write_pictures
from benchmarks.fashion_models import FOLDER, NETS, trained
from benchmarks.figures import Figure
from benchmarks.intervals import Estimate, mean, median_ratio
from benchmarks.judged import Artefact, decisions, interleaved
from benchmarks.lite0 import sabotage_figures
from benchmarks.peers import float_tflite
from benchmarks.sabotage import sabotage
from benchmarks.sides import Side, measured, table
from benchmarks.subjects import Judging, Subject, converted, keras_subject
from converters.passes import run_pass
from converters.pipeline import ConversionRequest
from converters.plan import make_plan

__all__ = ["pruned", "quantized", "sabotaged"]

_PICTURES = Path(".cache/pictures")
_MOST_DROP = 0.005
_MOST_PRUNED_DROP = 0.01
_MOST_CALIBRATION = 0.01
"""Above the float model's."""

_LEAST_SPEEDUP, _LEAST_INT8_SPEEDUP = 1.5, 3.0
_PRUNED_SHARE = 0.5
_EPOCHS = 3
_ROUNDS = 400

_Found = tuple[list[Figure], str]


def quantized(name: str, data: Path | None) -> _Found:
    """Hold int8 files against the float model and the other tools."""
    subject = _subject(name, data)
    sides = measured(subject, subject.judging(), ["tflite", "onnx"])
    figures = []
    for tool in ("edgeclf tflite", "edgeclf onnx"):
        figures += _figures(f"{NETS[name].application}, {tool}", sides[tool])
    return figures, "\n".join(table(sides))


def sabotaged(name: str, data: Path | None) -> _Found:
    """Convert a trained model whose channels have wildly different scales."""
    original = _subject(name, data)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sabotaged.keras"
        sabotage(original.model).save(path)
        subject = _subject(name, data, source=path)
        application = NETS[name].application
        return sabotage_figures(original, subject, application, both=False)


def pruned(name: str, data: Path | None) -> _Found:
    """Remove channels, fine-tune on the training pictures, and measure what it gains."""
    subject = _subject(name, data)
    judging = subject.judging()
    smaller = _subject(name, data, source=_smaller(name, subject, data))
    small = float_tflite(smaller.trained())
    small_int8, result = converted(smaller, "tflite")
    full = float_tflite(subject.trained())
    times = interleaved([full, small, small_int8], judging.pixels[0], rounds=_ROUNDS)
    application = NETS[name].application
    figures = [
        _speedup(
            f"{application} pruned, {words}: speed-up",
            median_ratio(times[0], own),
            _drop(judging, artefact),
            least,
        )
        for words, own, artefact, least in (
            ("fp32 to fp32", times[1], small, _LEAST_SPEEDUP),
            ("fp32 to int8", times[2], small_int8, _LEAST_INT8_SPEEDUP),
        )
    ]
    return figures, "\n".join(f"* {note}" for note in result.notes)


def _smaller(name: str, subject: Subject, data: Path | None) -> Path:
    """Return the pruned and fine-tuned Keras model, after making it if need be."""
    path = FOLDER / f"{name}-pruned.keras"
    if not path.is_file():
        learn = write_pictures(read_part(find_data(data), "train"), _PICTURES / "train")
        _pruned_model(subject, learn).save(path)
    return path


def _pruned_model(subject: Subject, learn: Path) -> Any:
    """Return what the passes of ``--prune --finetune`` make of a model."""
    from converters.opening import open_work  # noqa: PLC0415 - heavy

    with tempfile.TemporaryDirectory() as folder:
        request = ConversionRequest(
            source=subject.source,
            output=Path(folder) / "model.edgeclf",
            calibrate=subject.calibrate,
            evaluate=subject.evaluate,
            precision="fp32",
            target="tflite",
            prune=_PRUNED_SHARE,
            finetune=learn,
            epochs=_EPOCHS,
            **subject.flags,
        )
        plan = make_plan(request)
        work = open_work(request, plan.first, folder=Path(folder), report=_say)
        for step in work.recipe.passes:
            if step.name in ("prune", "recover"):
                work = run_pass(work, step)
    print(*work.notes, sep="\n", file=sys.stderr, flush=True)
    return work.scoring_model


def _say(phase: str, done: float) -> None:
    """Print where a long job is."""
    print(f"{phase}: {done:.0%}", file=sys.stderr, flush=True)


def _subject(name: str, data: Path | None, *, source: Path | None = None) -> Subject:
    folder = find_data(data)
    path = trained(name, folder)
    parts = {
        part: write_pictures(read_part(folder, part), _PICTURES / part)
        for part in ("held-out", "test")
    }
    return keras_subject(
        name,
        str(source or path),
        calibrate=parts["held-out"],
        evaluate=parts["test"],
        preset=NETS[name].preset,
        labels=FOLDER / "labels.txt",
    )


def _figures(name: str, side: Side) -> list[Figure]:
    assert side.drop is not None  # noqa: S101 - the pictures have labels
    figures = [
        Figure(
            name=f"{name} int8: drop of top-1",
            measured=f"{100 * side.drop:+.2f} points",
            bar=f"≤ {100 * _MOST_DROP} points",
            holds=side.drop <= _MOST_DROP,
        )
    ]
    if side.calibration is not None:
        source, before, after = side.calibration
        figures.append(
            Figure(
                name=f"{name} int8: expected calibration error",
                measured=f"{after:.4f} ({before:.4f} before, float {source:.4f})",
                bar=f"≤ float + {_MOST_CALIBRATION}",
                holds=after <= source + _MOST_CALIBRATION,
            )
        )
    return figures


def _drop(judging: Judging, artefact: Artefact) -> Estimate:
    """Return the drop of top-1 accuracy, paired, with its interval."""
    assert judging.truth is not None  # noqa: S101 - the pictures have labels
    own = decisions(artefact, judging.pixels) == judging.truth
    source = judging.reference == judging.truth
    return mean(source.astype(np.float64) - own)


def _speedup(name: str, ratio: Estimate, drop: Estimate, least: float) -> Figure:
    return Figure(
        name=name,
        measured=f"{ratio.text(2)}, drop {100 * drop.value:+.2f} "
        f"[{100 * drop.low:+.2f}, {100 * drop.high:+.2f}] points",
        bar=f"≥ {least} at ≤ {100 * _MOST_PRUNED_DROP} points",
        holds=ratio.value >= least and drop.value <= _MOST_PRUNED_DROP,
    )
