"""Decisions of a stream that nobody captured, to be watched."""

from collections.abc import Iterator, Sequence

import numpy as np
from hypothesis import HealthCheck, settings

from edgeclf.stream import Decision, Event
from edgeclf.types import Frame, Prediction, Uint8Image

__all__ = ["LAW", "MS", "S", "decision", "names_and_phases", "open_starts"]

MS = 1_000_000
S = 1_000_000_000
LAW = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
"""For laws that must hold on a machine that is busy with something else, too."""

_GREY = np.full((4, 4, 3), 128, np.uint8)


def decision(
    sequence: int,
    captured_ns: int,
    *,
    scores: Sequence[float] = (),
    pixels: Uint8Image = _GREY,
    decided_ns: int | None = None,
    media_ns: int | None = None,
) -> Decision:
    """Return what the loop would hand to a watcher, 5 ms after the picture."""
    frame = Frame(
        pixels=pixels,
        captured_ns=captured_ns,
        timestamp_origin="sensor",
        sequence=sequence,
        media_ns=media_ns,
    )
    decided_ns = captured_ns + 5 * MS if decided_ns is None else decided_ns
    prediction = Prediction(
        top=(),
        stage_ns={},
        decided_ns=decided_ns,
        frame=frame,
        raw_scores=np.array([scores], np.float32) if scores else None,
    )
    return Decision(
        frame=frame, prediction=prediction, stage_ns={}, age_ns=decided_ns - captured_ns
    )


def names_and_phases(events: Sequence[Event]) -> list[str]:
    """Return ``name phase`` of each event."""
    return [f"{event.name} {event.phase}" for event in events]


def open_starts(events: Sequence[Event]) -> Iterator[str]:
    """Check that starts and ends alternate for each name; yield what did not end.

    Raises:
        AssertionError: They do not, or time goes back.
    """
    since: dict[str, int] = {}
    for event in events:
        if event.phase == "start":
            assert event.name not in since, "two starts without an end"
            since[event.name] = event.at_ns
        else:
            assert event.at_ns >= since.pop(event.name), "ended before it began"
    yield from since
