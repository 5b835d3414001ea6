"""Decisions and events for sinks to take."""

from collections.abc import Iterable
from typing import Final

import numpy as np

from edgeclf.sinks.record import Record, RecordKind
from edgeclf.stream import Decision, Event, EventKind, Phase
from edgeclf.types import Classification, Frame, Prediction, Uint8Image

KINDS: Final[tuple[RecordKind, ...]] = ("decision", "event", "report")
MS: Final = 1_000_000


def decision(
    sequence: int,
    *,
    label: str = "tabby",
    score: float = 0.75,
    at_ns: int = 1_000_000_000,
    pixels: Uint8Image | None = None,
) -> Decision:
    return Decision(
        frame=Frame(
            pixels=np.zeros((4, 6, 3), np.uint8) if pixels is None else pixels,
            captured_ns=at_ns,
            timestamp_origin="sensor",
            sequence=sequence,
        ),
        prediction=Prediction(
            top=(Classification(index=3, label=label, score=score),),
            stage_ns={"preprocess": 1 * MS, "invoke": 5 * MS, "head": 1 * MS},
            decided_ns=at_ns + 9 * MS,
        ),
        stage_ns={
            "capture": 1 * MS,
            "preprocess": 1 * MS,
            "invoke": 5 * MS,
            "head": 1 * MS,
            "total": 8 * MS,
        },
        age_ns=9 * MS,
    )


def event(
    kind: EventKind = "label",
    name: str = "tabby",
    phase: Phase = "start",
    *,
    sequence: int = 0,
) -> Event:
    return Event(
        kind=kind, name=name, phase=phase, at_ns=1, noticed_ns=2, sequence=sequence
    )


def sequences(records: Iterable[Record]) -> list[int]:
    return [record.body["sequence"] for record in records]
