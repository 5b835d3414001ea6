"""EfficientNet-Lite0 on real photos: calibrate on one half, judge on the other, swap."""

import tempfile
from pathlib import Path

import numpy as np

from benchmarks.figures import Figure
from benchmarks.int8_share import int8_share
from benchmarks.intervals import mean, ratio_of_sums
from benchmarks.judged import decisions
from benchmarks.sabotage import sabotage
from benchmarks.sides import PLAIN, joined, measured, table, time_ratio
from benchmarks.subjects import Subject, converted, halves, keras_subject

__all__ = ["against_plain", "pruned", "sabotaged"]

_NAME = "efficientnet-lite0"
_MOST_FLIPS = {"tflite": 0.5, "onnx": 0.6}
"""Ours ÷ the plain tool's; issue 3."""

_LEAST_INT8 = 0.95
_MOST_TIME = 1.10
_LEAST_AGREEMENT = 0.96

_Found = tuple[list[Figure], str]


def against_plain(photos: Path, target: str) -> _Found:
    """Hold int8 files against those that the plain tool makes."""
    with halves(photos) as (first, second):
        subject = _subject(_NAME, first, second)
        sides = [
            measured(half, half.judging(mirrored=True), [target])
            for half in (subject, subject.swapped())
        ]
    both = joined(*sides)
    ours, plain = both[f"edgeclf {target}"], both[PLAIN[target]]
    flips, time = ratio_of_sums(ours.flips, plain.flips), time_ratio(ours, plain)
    name = f"EfficientNet-Lite0 int8, {target}"
    bar = _MOST_FLIPS[target]
    figures = [
        Figure(
            name=f"{name}: flips ÷ {PLAIN[target]}'s",
            measured=f"{flips.text(2)}; {ours.flips.sum():.0f} and "
            f"{plain.flips.sum():.0f} of {len(ours.flips) * ours.pictures}",
            bar=f"≤ {bar}",
            holds=flips.value <= bar,
        ),
        Figure(
            name=f"{name}: agreement",
            measured=f"{ours.agreement.text(4)}; {PLAIN[target]} "
            f"{plain.agreement.text(4)}",
            bar="aim 0.99",
            holds=True,
        ),
        Figure(
            name=f"{name}: multiply-accumulates in int8",
            measured=f"{ours.int8:.1%}",
            bar=f"≥ {_LEAST_INT8:.0%}",
            holds=ours.int8 >= _LEAST_INT8,
        ),
        Figure(
            name=f"{name}: time ÷ {PLAIN[target]}'s",
            measured=time.text(2),
            bar=f"≤ {_MOST_TIME:.2f}",
            holds=time.value <= _MOST_TIME,
        ),
    ]
    note = "Each photo is shown as it is and mirrored; both halves, added up."
    return figures, "\n".join([note, "", *table(both)])


def sabotaged(photos: Path) -> _Found:
    """Convert a model whose channels have wildly different scales."""
    with halves(photos) as (first, second), tempfile.TemporaryDirectory() as folder:
        original = _subject(_NAME, first, second)
        path = Path(folder) / "sabotaged.keras"
        sabotage(original.model).save(path)
        subject = keras_subject(
            "sabotaged",
            str(path),
            calibrate=first,
            evaluate=second,
            preset="efficientnet-lite",
            labels=Path("imagenet"),
        )
        return sabotage_figures(original, subject, "EfficientNet-Lite0", both=True)


def sabotage_figures(
    original: Subject, subject: Subject, name: str, *, both: bool
) -> _Found:
    """Return how a sabotaged model survives, judged by the whole one's decisions.

    Args:
        original: Before the sabotage.
        subject: After it.
        name: For people.
        both: Swap the folders and do it again.
    """
    flips, share, tables = [], 1.0, []
    for half in (subject, subject.swapped()) if both else (subject,):
        judging = half.judging(of=original.model)
        artefact, result = converted(half, "tflite")
        flips.append(judging.flips(decisions(artefact, judging.pixels)))
        share = min(share, int8_share(artefact.data, artefact.format))
        tables += [f"* {result.recipe.name}: {note}" for note in result.notes]
    agreement = mean(1 - np.concatenate(flips))
    figure = Figure(
        name=f"{name} sabotaged, int8 after the ladder: agreement",
        measured=f"{agreement.text(4)}, {share:.1%} of multiply-accumulates in int8",
        bar=f"≥ {_LEAST_AGREEMENT:.0%} and ≥ {_LEAST_INT8:.0%}",
        holds=agreement.value >= _LEAST_AGREEMENT and share >= _LEAST_INT8,
    )
    return [figure], "\n".join(tables)


def pruned(photos: Path) -> _Found:
    """Remove 30 % of the multiply-accumulates; recover on unlabelled photos only."""
    with halves(photos) as (first, second):
        for half in (first, second):
            (half / "labels.csv").unlink(missing_ok=True)
        subject = _subject(_NAME, first, second)
        judging = subject.judging()
        artefact, result = converted(
            subject,
            "tflite",
            precision="fp32",
            prune=0.3,
            finetune=first,
            min_agreement=0.0,
        )
        agreement = mean(1 - judging.flips(decisions(artefact, judging.pixels)))
    figure = Figure(
        name="EfficientNet-Lite0 pruned 30 %, recovered on 250 unlabelled photos: "
        "agreement",
        measured=agreement.text(3),
    )
    return [figure], "\n".join(f"* {note}" for note in result.notes)


def _subject(source: str, calibrate: Path, evaluate: Path) -> Subject:
    return keras_subject(
        "EfficientNet-Lite0", source, calibrate=calibrate, evaluate=evaluate
    )
