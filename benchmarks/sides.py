"""One model through every tool: what it loses, how large and how fast it becomes."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.int8_share import int8_share
from benchmarks.intervals import Estimate, mean, median_ratio
from benchmarks.judged import Artefact, decisions, interleaved
from benchmarks.peers import (
    Trained,
    float_onnx,
    float_tflite,
    litert_quantizer,
    onnx_runtime,
    tensorflow_converter,
)
from benchmarks.subjects import Judging, Subject, converted

__all__ = ["PLAIN", "Side", "joined", "measured", "table", "time_ratio"]

PEERS: Mapping[str, Sequence[Callable[[Trained], Artefact]]] = {
    "tflite": (float_tflite, tensorflow_converter, litert_quantizer),
    "onnx": (float_onnx, onnx_runtime),
}
PLAIN = {"tflite": "TensorFlow converter", "onnx": "ONNX Runtime"}
"""What each of ours is held against."""

_ROUNDS = 200


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Side:
    """One tool's file and what it was found to do.

    Attributes:
        artefact: The file.
        flips: For each photo, how many of its pictures changed their top-1.
        pictures: How many there were of each photo.
        drop: Of top-1 accuracy, a share; ``None`` without labels.
        int8: Share of the multiply-accumulates that is done in eight bits.
        times_ns: Of one invoke, one thread, interleaved with the others'.
        calibration: Expected calibration error of the source, of the file, and with its
            temperature; only ours say it.
    """

    artefact: Artefact
    flips: NDArray[np.float64]
    pictures: int
    drop: float | None
    int8: float
    times_ns: Sequence[int]
    calibration: tuple[float, float, float] | None = None

    @property
    def agreement(self) -> Estimate:
        """Share of pictures decided as by the float model, clustered by photo."""
        return mean(1 - self.flips / self.pictures)


def measured(
    subject: Subject, judging: Judging, targets: Sequence[str]
) -> dict[str, Side]:
    """Return every tool's file for a subject, by the tool's name.

    Args:
        subject: Calibrates every tool with the same photos.
        judging: What no tool has seen.
        targets: ``tflite``, ``onnx`` or both.
    """
    made = [(a, c) for target in targets for a, c in _artefacts(subject, target)]
    artefacts = [artefact for artefact, _ in made]
    times = interleaved(artefacts, judging.pixels[0], rounds=_ROUNDS)
    pictures = len(judging.pixels) // (int(judging.photos[-1]) + 1)
    sides = {}
    for (artefact, calibration), own in zip(made, times, strict=True):
        decided = decisions(artefact, judging.pixels)
        sides[artefact.tool] = Side(
            artefact=artefact,
            flips=judging.flips(decided),
            pictures=pictures,
            drop=judging.drop(decided),
            int8=int8_share(artefact.data, artefact.format),
            times_ns=own,
            calibration=calibration,
        )
    return sides


def joined(first: Mapping[str, Side], second: Mapping[str, Side]) -> dict[str, Side]:
    """Return the sides of two halves as one: flips side by side, drops averaged."""
    return {tool: _joined(side, second[tool]) for tool, side in first.items()}


def _joined(first: Side, second: Side) -> Side:
    drops = [d for d in (first.drop, second.drop) if d is not None]
    return replace(
        first,
        flips=np.concatenate([first.flips, second.flips]),
        drop=float(np.mean(drops)) if drops else None,
        int8=min(first.int8, second.int8),
        times_ns=[*first.times_ns, *second.times_ns],
    )


def time_ratio(ours: Side, theirs: Side) -> Estimate:
    """Return our median time ÷ theirs."""
    return median_ratio(ours.times_ns, theirs.times_ns)


def table(sides: Mapping[str, Side]) -> list[str]:
    """Return the sides as a table in Markdown."""
    lines = [
        "| tool | drop, points | agreement | 95 % interval | int8 | ms | MB | s |",
        "|---|--:|--:|---|--:|--:|--:|--:|",
    ]
    for tool, side in sides.items():
        agreement = side.agreement
        drop = "" if side.drop is None else f"{100 * side.drop:+.2f}"
        lines.append(
            f"| {tool} | {drop} | {agreement.value:.2%} | {agreement.low:.2%} to "
            f"{agreement.high:.2%} | {side.int8:.0%} | "
            f"{np.median(side.times_ns) / 1e6:.3f} | "
            f"{len(side.artefact.data) / 1e6:.2f} | {side.artefact.seconds:.0f} |"
        )
    return lines


_Calibration = tuple[float, float, float] | None


def _artefacts(
    subject: Subject, target: str
) -> Iterator[tuple[Artefact, _Calibration]]:
    trained = subject.trained()
    for make in PEERS[target]:
        yield _told(make(trained)), None
    artefact, result = converted(subject, "onnx" if target == "onnx" else "tflite")
    found = result.bundle.manifest.quality.probabilities
    is_share = found is not None and found.measure == "calibration-error"
    figures = (found.source, found.before, found.after) if found and is_share else None
    yield _told(artefact), figures


def _told(artefact: Artefact) -> Artefact:
    print(f"{artefact.tool}: {artefact.seconds:.0f} s", file=sys.stderr, flush=True)
    return artefact
