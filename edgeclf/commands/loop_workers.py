"""Opening as many classifiers as the command line asks for, or as measuring picks."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TypeAlias

from edgeclf.classifier import Classifier
from edgeclf.commands.console import say
from edgeclf.commands.loop_options import WorkerCount
from edgeclf.errors import SourceError
from edgeclf.sources import Source, open_source
from edgeclf.stream import (
    FrameClassifier,
    Stop,
    WorkerChoice,
    candidates_for,
    chosen_workers,
    sample_frames,
)
from edgeclf.stream.choice import cores_at_hand
from edgeclf.types import Frame

__all__ = ["opened_workers"]

Opened: TypeAlias = tuple[WorkerChoice | None, Sequence[FrameClassifier]]

_STAND_IN = "synthetic:0,640x480"


@contextmanager
def opened_workers(
    open_classifier: Callable[[int], Classifier],
    *,
    workers: WorkerCount,
    threads: int | None,
    source: Callable[[], Source],
    wait_for_source: bool,
    stop: Stop,
) -> Iterator[Opened]:
    """Open the classifiers, and close them in the end.

    Args:
        open_classifier: Opens one with so many threads.
        workers: How many; ``auto`` measures.
        threads: For each; ``None`` when the command line does not say.
        source: Opens the source, for ``auto``: it is closed before anything is
            measured, as measuring would make its frames old.
        wait_for_source: Whether a source that cannot be opened is no error.
        stop: Cuts measuring short.

    Yields:
        The choice, where one was measured, and the classifiers.
    """
    if workers != "auto":
        with ExitStack() as opened:
            yield (
                None,
                [
                    opened.enter_context(open_classifier(threads or 1))
                    for _ in range(workers)
                ],
            )
        return
    with open_classifier(threads or 1) as classifier:
        frames = _frames(source, classifier, stop, wait_for_source=wait_for_source)
    candidates = candidates_for(cores_at_hand(), threads=threads)
    with chosen_workers(open_classifier, frames, candidates, stop=stop) as chosen:
        say(f"workers: {chosen[0]}")
        yield chosen


def _frames(
    source: Callable[[], Source],
    classifier: FrameClassifier,
    stop: Stop,
    *,
    wait_for_source: bool,
) -> list[Frame]:
    """Return frames to measure with: the source's, or made-up ones while it is away."""
    try:
        with source() as opened:
            frames = sample_frames(opened, classifier, stop=stop)
    except SourceError:
        if not wait_for_source:
            raise
        frames = []
    if not frames:
        say(f"workers: no frame came from the source yet, measuring with {_STAND_IN}")
        with open_source(_STAND_IN) as made_up:
            frames = [next(iter(made_up))]
    return frames
