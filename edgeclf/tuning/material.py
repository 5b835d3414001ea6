"""What the model says of every frame of every clip, and what is true of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from edgeclf.classifier import Classifier
from edgeclf.errors import InputFileError, SpecError
from edgeclf.tuning.clips import Clip, ClipTable
from edgeclf.tuning.recorded import open_clip
from edgeclf.types import Frame
from edgeclf.watch import LabelScores, moment_of, unknown_label

__all__ = ["Booleans", "Floats", "Integers", "Material", "Span", "Truth", "record"]

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]
Booleans: TypeAlias = NDArray[np.bool_]

_APART_NS: Final = 86_400 * 10**9
"""What lies between two clips on the time line of all: more than any gap may be."""

_LATE_S: Final = 1.0
"""How much later than the last frame a label may end: clips are cut, and rounded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One clip on the time line.

    Attributes:
        path: As the table has it.
        first: Its first frame's number among all frames.
        start_ns: Of its own time 0, on the time line.
        end_ns: Of its last frame.
    """

    path: str
    first: int
    start_ns: int
    end_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """When one label is to be seen, on the time line.

    Attributes:
        starts_ns: Shape (events,), rising.
        ends_ns: Likewise.
    """

    starts_ns: Integers
    ends_ns: Integers


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """All frames of all clips, one after the other.

    Attributes:
        labels: Those that are looked for.
        moments_ns: Time of each frame on the time line, shape (frames,); never falls.
        scores: Probabilities, shape (frames, labels).
        best: Which of the model's labels had the highest, shape (frames,).
        places: Where ``labels`` are among the model's.
        clips: In their order.
        truths: One a label.
    """

    labels: tuple[str, ...]
    moments_ns: Integers
    scores: Floats
    best: Integers
    places: tuple[int, ...]
    clips: tuple[Span, ...]
    truths: tuple[Truth, ...]

    @property
    def total_ns(self) -> int:
        """How long the clips are together, from first to last frame."""
        return sum(
            clip.end_ns - int(self.moments_ns[clip.first]) for clip in self.clips
        )

    def firsts(self, max_gap_ms: int) -> Booleans:
        """Return at which frames everything starts anew: clips, and after gaps."""
        gaps_ns = np.diff(self.moments_ns, prepend=self.moments_ns[0])
        firsts: Booleans = gaps_ns > max_gap_ms * 1_000_000
        firsts[[clip.first for clip in self.clips]] = True
        return firsts


def record(
    table: ClipTable,
    classifier: Classifier,
    *,
    on_clip: Callable[[str], None] = lambda _: None,
) -> Material:
    """Run the model once over every frame of every clip.

    Args:
        table: The clips.
        classifier: Left open.
        on_clip: Told the name of each clip when it begins.

    Raises:
        SpecError: The table has a label that the model does not have, or none at all.
        SourceError: A clip cannot be read to its end.
        InputFileError: A label is beyond the end of its clip.
    """
    reader = LabelScores(classifier.model)
    labels = table.labels
    if not labels:
        raise SpecError(
            "no clip has a label: there is nothing to find; say what is to be seen when"
        )
    for label in labels:
        if label not in reader.labels:
            raise SpecError(unknown_label(label, reader.labels))
    recorder = _Recorder(reader, tuple(map(reader.labels.index, labels)))
    for clip in table.clips:
        on_clip(clip.path)
        _record_clip(clip, table, classifier, recorder)
    return Material(
        labels=labels,
        moments_ns=np.array(recorder.moments_ns, np.int64),
        scores=np.array(recorder.scores),
        best=np.array(recorder.best, np.int64),
        places=recorder.places,
        clips=tuple(recorder.clips),
        truths=tuple(_truth(label, table.clips, recorder.clips) for label in labels),
    )


class _Recorder:
    """Collects frames on one time line."""

    def __init__(self, reader: LabelScores, places: tuple[int, ...]) -> None:
        self.reader = reader
        self.places = places
        self.moments_ns: list[int] = []
        self.scores: list[Floats] = []
        self.best: list[int] = []
        self.clips: list[Span] = []
        self._columns = np.array(places)

    def take(self, frame: Frame, classifier: Classifier, start_ns: int) -> None:
        scores = self.reader.of(classifier.classify(frame))
        last_ns = self.moments_ns[-1] if self.moments_ns else 0
        self.moments_ns.append(max(last_ns, start_ns + moment_of(frame)))
        self.scores.append(scores[self._columns])
        self.best.append(int(scores.argmax()))


def _record_clip(
    clip: Clip, table: ClipTable, classifier: Classifier, recorder: _Recorder
) -> None:
    first = len(recorder.moments_ns)
    start_ns = recorder.moments_ns[-1] + _APART_NS if first else 0
    decode = classifier.model.spec.preprocess.decode
    with open_clip(clip, table.folder, decode=decode) as source:
        for frame in source:
            recorder.take(frame, classifier, start_ns)
    end_ns = recorder.moments_ns[-1]
    length_s = (end_ns - start_ns) / 1e9
    for event in clip.events:
        if event.end_s > length_s + _LATE_S or event.start_s > length_s:
            raise InputFileError(
                f"{clip.path}: {event.label!r} is there until {event.end_s} s, and the "
                f"clip ends at {length_s:.2f} s"
            )
    recorder.clips.append(
        Span(path=clip.path, first=first, start_ns=start_ns, end_ns=end_ns)
    )


def _truth(label: str, clips: Sequence[Clip], spans: Sequence[Span]) -> Truth:
    found = [
        (span.start_ns + round(event.start_s * 1e9), _end(event.end_s, span))
        for clip, span in zip(clips, spans, strict=True)
        for event in clip.events
        if event.label == label
    ]
    starts, ends = np.array(found, np.int64).T
    return Truth(starts_ns=starts, ends_ns=ends)


def _end(end_s: float, span: Span) -> int:
    return min(span.start_ns + round(end_s * 1e9), span.end_ns)
