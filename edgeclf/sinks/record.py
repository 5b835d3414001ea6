"""One thing to be delivered: a decision, an event or the report, ready for JSON."""

import json
import secrets
from collections.abc import Mapping
from datetime import datetime, timezone
from itertools import count
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from edgeclf.types import Uint8Image

__all__ = ["RECORD_HEADER", "Record", "RecordKind", "Recorder"]

RecordKind: TypeAlias = Literal["decision", "event", "report"]

RECORD_HEADER: Final[Mapping[str, Any]] = {"schema": "edgeclf.run", "version": 1}
"""What every record begins with, as the lines of ``edgeclf run --json`` do."""


class Record(NamedTuple):
    """What a sink delivers; a tuple, because one is made for every decision.

    Attributes:
        kind: What it tells of.
        id: No other record has it, in this run or another.
        body: JSON-ready: schema, version, kind, id, the time, and what is told.
        pixels: The frame's, for a sink that keeps pictures.
    """

    kind: RecordKind
    id: str
    body: Mapping[str, Any]
    pixels: Uint8Image | None = None

    def to_json(self) -> bytes:
        """Return the body as JSON on one line, in UTF-8, without a line feed."""
        text = json.dumps(self.body, ensure_ascii=False, allow_nan=False)
        # A file name may hold bytes that are no text; JSON has no place for them.
        return text.encode("utf-8", "replace")


class Recorder:
    """Makes the records of one sink, and numbers them.

    The times in decisions and events are on CLOCK_MONOTONIC, which means nothing on
    another machine or after a restart; ``utc`` is the system's clock when the record
    was made.
    """

    def __init__(self) -> None:
        self._run = secrets.token_hex(6)
        self._numbers = count()

    def make(
        self,
        kind: RecordKind,
        told: Mapping[str, Any],
        *,
        pixels: Uint8Image | None = None,
    ) -> Record:
        """Return the record of something that ``to_dict`` tells."""
        record_id = f"{self._run}-{next(self._numbers)}"
        body = {
            **RECORD_HEADER,
            "record": kind,
            "id": record_id,
            "utc": _utc(),
            **told,
        }
        return Record(kind, record_id, body, pixels)


def _utc() -> str:
    """Return what the wall clock shows: told, and nothing ever goes by it."""
    now = datetime.now(timezone.utc)  # noqa: TID251 - the one place in a running loop
    return now.isoformat(timespec="microseconds")
