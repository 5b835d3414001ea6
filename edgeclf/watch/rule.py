"""Everything that says when a label's event starts and ends."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from edgeclf.errors import SpecError
from edgeclf.texts import CONTROL_CHARACTERS
from edgeclf.watch.hysteresis import Thresholds
from edgeclf.watch.smoothing import Smoothing

__all__ = ["EventRule", "Measured", "unknown_label"]

_LONGEST_GAP_MS = 86_400_000
_LONGEST_LABEL = 500
_MAY_BE_LEFT_OUT = {"json": "left out if default"}
_SMOOTHING = Smoothing(kind="ewma", time_constant_ms=200)
_THRESHOLDS = Thresholds()


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What ``edgeclf tune-stream`` saw this rule do, and on what.

    Attributes:
        model_name: For people.
        model_digest: Of the model that gave the scores.
        clips_sha256: Of the table that names the clips and what is in them.
        clips: How many clips.
        hours: How long they are together.
        events: Labelled events in them.
        missed: Of these, how many were not noticed.
        false_alarms: Events that were none.
        false_alarms_per_hour: The sum over the labels, each over the time in which it
            was not there.
        false_alarms_per_hour_low: Lower end of its 95 % interval.
        false_alarms_per_hour_high: Upper end.
        median_delay_ms: From the labelled start to the frame that started the event,
            over the events that were noticed; ``None`` when none was.
    """

    model_name: str
    model_digest: str
    clips_sha256: str
    clips: int
    hours: float
    events: int
    missed: int
    false_alarms: int
    false_alarms_per_hour: float
    false_alarms_per_hour_low: float
    false_alarms_per_hour_high: float
    median_delay_ms: float | None = field(default=None, metadata=_MAY_BE_LEFT_OUT)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRule:
    """When events of labels start and end.

    Attributes:
        smoothing: Of the probabilities, before anything is compared.
        thresholds: For every label that has none of its own.
        labels: Thresholds of single labels.
        watched: The labels that make events; ``None`` for all of the model's.
        max_gap_ms: When no frame came for longer, what went on ends with the last
            frame before, and everything starts anew. 1 to a day.
        measured: What is known of it; changes nothing.
    """

    smoothing: Smoothing = field(default=_SMOOTHING, metadata=_MAY_BE_LEFT_OUT)
    thresholds: Thresholds = field(default=_THRESHOLDS, metadata=_MAY_BE_LEFT_OUT)
    labels: Mapping[str, Thresholds] = field(default_factory=dict)
    watched: tuple[str, ...] | None = field(default=None, metadata=_MAY_BE_LEFT_OUT)
    max_gap_ms: int = field(default=10_000, metadata=_MAY_BE_LEFT_OUT)
    measured: Measured | None = field(default=None, metadata=_MAY_BE_LEFT_OUT)

    def __post_init__(self) -> None:
        if not 1 <= self.max_gap_ms <= _LONGEST_GAP_MS:
            raise ValueError(
                f"max_gap_ms must be 1 to {_LONGEST_GAP_MS}, got {self.max_gap_ms}"
            )
        for label in (*self.labels, *(self.watched or ())):
            _check_label(label)
        if self.watched is not None:
            self._check_watched(self.watched)

    def _check_watched(self, watched: tuple[str, ...]) -> None:
        if not watched:
            raise ValueError("watched must name a label, or be left out for all")
        if len(set(watched)) < len(watched):
            raise ValueError(f"watched names a label twice: {', '.join(watched)}")
        for label in self.labels:
            if label not in watched:
                raise ValueError(
                    f"{label!r} has thresholds and is not among those watched"
                )

    def of(self, label: str) -> Thresholds:
        """Return the thresholds of one label."""
        return self.labels.get(label, self.thresholds)

    def watched_of(self, labels: Sequence[str]) -> tuple[str, ...]:
        """Return which of a model's labels make events, each once.

        Raises:
            SpecError: The rule names a label that the model does not have.
        """
        known = dict.fromkeys(labels)
        for label in (*(self.watched or ()), *self.labels):
            if label not in known:
                raise SpecError(unknown_label(label, tuple(known)))
        return self.watched if self.watched is not None else tuple(known)


def _check_label(label: str) -> None:
    too_long = len(label) > _LONGEST_LABEL
    if not label or too_long or CONTROL_CHARACTERS.search(label):
        raise ValueError(f"no label can be {label[:80]!r}")


def unknown_label(label: str, known: Sequence[str]) -> str:
    """Return what is wrong with a label that a model does not have."""
    import difflib  # noqa: PLC0415 - only for a misspelt label

    close = difflib.get_close_matches(label, known, n=3, cutoff=0.5)
    if close:
        hint = f"did you mean {' or '.join(map(repr, close))}?"
    else:
        hint = f"it has {len(known)}, such as {', '.join(map(repr, known[:3]))}"
    return f"the model has no label {label!r}; {hint}"
