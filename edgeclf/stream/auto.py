"""Measuring how many workers with how many threads decide the most frames."""

import statistics
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import cycle, islice
from time import monotonic_ns
from typing import Final, Protocol

from edgeclf.sources import Source
from edgeclf.stream.choice import Candidate, Measured, WorkerChoice
from edgeclf.stream.decision import FrameClassifier
from edgeclf.stream.loop import run_loop
from edgeclf.stream.stop import Stop
from edgeclf.types import EngineIdentity, Frame, Model, Prediction

__all__ = ["OpenClassifier", "chosen_workers", "sample_frames"]

_ROUNDS: Final = 5
_SLICE_S: Final = 0.15
_FRAMES_A_SLICE: Final = 4
_SAMPLES: Final = 8


class OpenClassifier(FrameClassifier, Protocol):
    """A classifier that can be closed."""

    def close(self) -> None:
        """Let go of the model; closing twice does nothing."""
        ...


@contextmanager
def chosen_workers(
    open_classifier: Callable[[int], OpenClassifier],
    frames: Sequence[Frame],
    candidates: Sequence[Candidate],
    *,
    stop: Stop,
    slice_s: float = _SLICE_S,
) -> Iterator[tuple[WorkerChoice, Sequence[FrameClassifier]]]:
    """Measure candidates in turns, and keep the best one's classifiers open.

    Every candidate classifies for a fraction of a second, then the next does; after
    five rounds the medians decide. Whatever else the machine does hits all alike.

    Args:
        open_classifier: Opens a classifier with so many threads.
        frames: Real ones, at least one.
        candidates: At least one.
        stop: Cuts it short, with what was measured by then.
        slice_s: The shortest turn; a slow model gets longer ones.

    Yields:
        The choice, and as many classifiers as it has workers.

    Raises:
        BackendError: The engine cannot run the model, or failed.
    """
    with ExitStack() as opened:
        pools: dict[int, list[OpenClassifier]] = {}
        for threads in sorted({each.threads for each in candidates}):
            pools[threads] = []
            for _ in range(_most_workers(candidates, threads)):
                pools[threads].append(open_classifier(threads))
                opened.callback(pools[threads][-1].close)
        choice = _measure(pools, frames, candidates, stop, slice_s)
        kept = pools[choice.picked.threads][: choice.picked.workers]
        for each in (other for pool in pools.values() for other in pool):
            if each not in kept:
                each.close()
        yield choice, kept


def sample_frames(
    source: Source,
    classifier: FrameClassifier,
    *,
    stop: Stop,
    at_most_s: float = 5.0,
) -> list[Frame]:
    """Return some frames of a source, as the loop takes them; none if none come soon.

    Args:
        source: Left open.
        classifier: Classifies them, too, which warms it up.
        stop: Cuts it short.
        at_most_s: Seconds to wait for them.

    Raises:
        SourceError: Frames cannot be had.
        BackendError: The engine failed.
    """
    keeper = _Keeper(classifier)
    run_loop(source, keeper, frames=_SAMPLES, duration_s=at_most_s, stop=stop)
    return keeper.frames


class _Keeper:
    """Keeps the frames that a classifier is asked about."""

    def __init__(self, classifier: FrameClassifier) -> None:
        self._classifier = classifier
        self.frames: list[Frame] = []

    @property
    def model(self) -> Model:
        return self._classifier.model

    @property
    def identity(self) -> EngineIdentity:
        return self._classifier.identity

    def classify(self, frame: Frame) -> Prediction:
        self.frames.append(frame)
        return self._classifier.classify(frame)


def _most_workers(candidates: Sequence[Candidate], threads: int) -> int:
    return max(each.workers for each in candidates if each.threads == threads)


def _measure(
    pools: dict[int, list[OpenClassifier]],
    frames: Sequence[Frame],
    candidates: Sequence[Candidate],
    stop: Stop,
    slice_s: float,
) -> WorkerChoice:
    turn_s = {
        threads: max(slice_s, _FRAMES_A_SLICE * _warm_up(pool, frames[0]))
        for threads, pool in pools.items()
    }
    rates: dict[Candidate, list[float]] = {each: [] for each in candidates}
    for candidate in (each for _ in range(_ROUNDS) for each in candidates):
        if stop.reason is not None and rates[candidates[0]]:
            break
        workers = pools[candidate.threads][: candidate.workers]
        rates[candidate].append(
            _frames_per_s(workers, frames, turn_s[candidate.threads])
        )
    return WorkerChoice(
        measured=tuple(
            Measured(candidate=each, frames_per_s=statistics.median(seen))
            for each, seen in rates.items()
            if seen
        )
    )


def _warm_up(pool: Sequence[FrameClassifier], frame: Frame) -> float:
    """Classify twice with each, and return the seconds that the last one took."""
    started_ns = monotonic_ns()
    for classifier in (each for each in pool for _ in range(2)):
        started_ns = monotonic_ns()
        classifier.classify(frame)
    return (monotonic_ns() - started_ns) / 1e9


def _frames_per_s(
    classifiers: Sequence[FrameClassifier], frames: Sequence[Frame], turn_s: float
) -> float:
    """Return how many frames a second they classify at the same time."""
    turns = [_Turn(each, frames, shift) for shift, each in enumerate(classifiers)]
    ends_ns = monotonic_ns() + round(turn_s * 1e9)
    threads = [threading.Thread(target=each.run, args=(ends_ns,)) for each in turns]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(each.frames_per_s() for each in turns)


class _Turn:
    """One worker's share of a turn."""

    def __init__(
        self, classifier: FrameClassifier, frames: Sequence[Frame], shift: int
    ) -> None:
        self._classifier = classifier
        self._frames = islice(cycle(frames), shift, None)
        self._decided = 0
        self._took_ns = 0
        self._error: BaseException | None = None

    def run(self, ends_ns: int) -> None:
        """Classify until some time, and then what is at hand."""
        started_ns = monotonic_ns()
        try:
            while self._decided == 0 or monotonic_ns() < ends_ns:
                self._classifier.classify(next(self._frames))
                self._decided += 1
        except BaseException as error:  # noqa: BLE001 - raised again by frames_per_s
            self._error = error
        self._took_ns = monotonic_ns() - started_ns

    def frames_per_s(self) -> float:
        """Return how many it classified a second.

        Raises:
            BackendError: The engine failed.
        """
        if self._error is not None:
            raise self._error
        return self._decided * 1e9 / max(1, self._took_ns)
