"""How old a decision is: what the loop adds, and what a source that is too fast does."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from benchmarks.figures import Figure
from benchmarks.intervals import difference_over
from benchmarks.memory_sources import OnTime
from edgeclf.classifier import Classifier
from edgeclf.stream import Decision, Event, LoopReport, run_loop
from edgeclf.types import EngineIdentity, Frame, Model, Prediction, Uint8Image

__all__ = ["at_camera_pace", "far_too_fast"]

_FPS = 30.0


def at_camera_pace(
    model: Model, made: list[Uint8Image], *, frames: int
) -> list[Figure]:
    """Run one worker on a camera that it keeps up with."""
    with Classifier(model) as classifier:
        resizes = _timed_resizes(classifier)
        kept = _Kept()
        report = run_loop(
            OnTime(made, fps=_FPS), classifier, sinks=[kept], frames=frames
        )
    stages = [each.stage_ns for each in kept.decisions]
    total = [each["total"] for each in stages]
    invoke = [each["invoke"] for each in stages]
    bare = [a + b for a, b in zip(invoke, resizes, strict=True)]
    overhead = difference_over(total, bare, invoke)
    age, invoked = report.latency.stages["age"], report.latency.stages["invoke"]
    period_ms = 1e3 / _FPS
    allowed_ms = 1.5 * period_ms + invoked.p95_ns / 1e6
    return [
        Figure(
            name=f"one worker, {_FPS:.0f} frames a second: (total - invoke - resize) ÷ "
            f"invoke ({invoked.p50_ns / 1e6:.2f} ms)",
            measured=overhead.text(),
            bar="≤ 0.05",
            holds=overhead.value <= 0.05,
        ),
        Figure(
            name="same run: p95 of the age, ms",
            measured=f"{age.p95_ns / 1e6:.2f}",
            bar=f"≤ {allowed_ms:.1f} (1.5 periods + p95 of invoke)",
            holds=age.p95_ns / 1e6 <= allowed_ms,
        ),
    ]


def far_too_fast(
    model: Model, made: list[Uint8Image], *, minutes: float
) -> list[Figure]:
    """Run one worker on a source that gives ten frames in the time of a decision."""
    with Classifier(model) as classifier:
        took_s = _decision_s(classifier, made)
        source = OnTime(made, fps=10 / took_s)
        watched = _Watched(classifier, lambda: source.given)
        kept = _Kept(keeps_frames=False)
        report = run_loop(source, watched, sinks=[kept], duration_s=60 * minutes)
    at_min = np.array(kept.decided_ns, np.float64) / 60e9
    age_ms = np.array(kept.age_ns, np.float64) / 1e6
    slope = float(np.polyfit(at_min - at_min[0], age_ms, 1)[0])
    given = source.given / report.elapsed_ns * 1e9
    behind = float(np.percentile(watched.behind, 99))
    pace = f"{given:.0f} frames a second, {report.decisions_per_s:.0f} decided"
    return [
        Figure(
            name=f"{pace}, {minutes:g} min: slope of the age, ms a minute",
            measured=f"{slope:+.3f} (age p50 {np.median(age_ms):.1f} ms)",
            bar="≤ 1",
            holds=slope <= 1,
        ),
        Figure(
            # The most is not judged: who has taken a frame may have to wait for the
            # processor, and the source goes on meanwhile.
            name="same run: frames newer than the one whose turn comes, p99",
            measured=f"{behind:.0f} (at most {max(watched.behind)})",
            bar="≤ 1",
            holds=behind <= 1,
        ),
    ]


def _timed_resizes(classifier: Classifier) -> list[int]:
    """Let a classifier note how long each resize takes."""
    resizes: list[int] = []
    resize = classifier.preprocessor.resize_alone

    def timed(pixels: Uint8Image) -> None:
        started_ns = time.perf_counter_ns()
        resize(pixels)
        resizes.append(time.perf_counter_ns() - started_ns)

    classifier.preprocessor.resize_alone = timed  # type: ignore[method-assign] # to time it
    return resizes


def _decision_s(classifier: Classifier, made: list[Uint8Image]) -> float:
    took_ns = []
    for pixels in (*made, *made):
        started_ns = time.perf_counter_ns()
        classifier.classify(pixels)
        took_ns.append(time.perf_counter_ns() - started_ns)
    return float(np.median(took_ns)) / 1e9


@dataclass
class _Kept:
    """A sink that keeps decisions, or only their times and ages."""

    keeps_frames: bool = True
    decisions: list[Decision] = field(default_factory=list)
    decided_ns: list[int] = field(default_factory=list)
    age_ns: list[int] = field(default_factory=list)

    def decision(self, decision: Decision) -> None:
        if self.keeps_frames:
            self.decisions.append(decision)
        self.decided_ns.append(decision.prediction.decided_ns)
        self.age_ns.append(decision.age_ns)

    def event(self, _: Event) -> None:
        """Nothing is lost here."""

    def report(self, _: LoopReport) -> None:
        """The caller has it."""


class _Watched:
    """A classifier that notes how far behind the source each frame is."""

    def __init__(self, classifier: Classifier, given: Callable[[], int]) -> None:
        self._classifier = classifier
        self._given = given
        self.behind: list[int] = []

    @property
    def model(self) -> Model:
        return self._classifier.model

    @property
    def identity(self) -> EngineIdentity:
        return self._classifier.identity

    def classify(self, frame: Frame) -> Prediction:
        self.behind.append(self._given() - 1 - frame.sequence)
        return self._classifier.classify(frame)
