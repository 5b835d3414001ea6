"""Records as lines of JSON in a file that never grows beyond its limit."""

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from edgeclf.errors import SinkError
from edgeclf.sinks import SinkOptions
from edgeclf.sinks.buffered import BufferedSink
from edgeclf.sinks.outlet import OutletDownError, RecordRefusedError
from edgeclf.sinks.picking import PickKinds, parse_kinds
from edgeclf.sinks.query import Query, parse_count, parse_duration_ns, parse_size
from edgeclf.sinks.record import RECORD_HEADER, Record
from edgeclf.sinks.rotation import RotatingFile

__all__ = ["JsonlOutlet", "open_jsonl"]

_SMALLEST: Final = 64_000
"""Bytes; a decision with a thousand labels has about as many."""

_BEGINS_WITH: Final = json.dumps(RECORD_HEADER).encode()[:-1]


class JsonlOutlet:
    """Appends lines; each batch is written at once.

    What is written survives the end of the process at once, however it ends, and a
    loss of power after at most ``sync_ns``.

    Args:
        file: Closed with the outlet.
        sync_ns: Longest time between a write and its way to the disk.
        clock: Nanoseconds that never run backwards.
    """

    batch = 256

    def __init__(
        self,
        file: RotatingFile,
        *,
        sync_ns: int,
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._file = file
        self._sync_ns = sync_ns
        self._clock = clock
        self._dirty_since_ns: int | None = None

    def ready(self) -> None:
        """Send to the disk what was written long enough ago."""
        dirty_ns = self._dirty_since_ns
        if dirty_ns is None or self._clock() - dirty_ns < self._sync_ns:
            return
        try:
            self._file.sync()
        except OSError as error:
            raise _down(error) from error
        self._dirty_since_ns = None

    def deliver(self, records: Sequence[Record]) -> int:
        """Write as many lines as fit into one file, and return how many."""
        lines = [record.to_json() + b"\n" for record in records]
        if len(lines[0]) > self._file.max_size:
            raise RecordRefusedError(
                f"a record of {len(lines[0])} bytes is over max_size"
            )
        count = _fitting(lines, self._file.room) or _fitting(lines, self._file.max_size)
        try:
            self._file.write(b"".join(lines[:count]))
        except OSError as error:
            raise _down(error) from error
        except SinkError as error:  # somebody took the name of the next file
            raise OutletDownError(str(error)) from error
        if self._dirty_since_ns is None:
            self._dirty_since_ns = self._clock()
        return count

    def close(self) -> None:
        """Send everything to the disk, and close the file."""
        self._file.close()


def open_jsonl(_: str, rest: str, *, options: SinkOptions) -> BufferedSink:
    """Open ``jsonl:PATH?max_size=10MB&keep=5&sync=5s&what=…&buffer=1000``."""
    path_text, _, query_text = rest.partition("?")
    name = f"jsonl:{path_text}"
    if not path_text or "\0" in path_text:
        raise SinkError("'jsonl:' needs the path of a file")
    query = Query(query_text, sink=name)
    max_size = query.take("max_size", _file_size, 10_000_000)
    keep = query.take("keep", parse_count, 5)
    sync_ns = query.take("sync", parse_duration_ns, 5_000_000_000)
    kinds = query.take("what", parse_kinds, parse_kinds("decisions,events,report"))
    every_ns = query.take("every", parse_duration_ns, 0)
    size = query.take("buffer", parse_count, 1000)
    query.done()
    file = RotatingFile(
        Path(path_text), max_size=max_size, keep=keep, begins_with=_BEGINS_WITH
    )
    if file.cut:
        options.notify(
            f"{name}: cut off an unfinished last line of {file.cut} bytes: a run "
            "before this one was killed"
        )
    return BufferedSink(
        JsonlOutlet(file, sync_ns=sync_ns),
        PickKinds(kinds, every_ns=every_ns),
        name=name,
        notify=options.notify,
        size=size,
    )


def _file_size(text: str) -> int:
    size = parse_size(text)
    if size < _SMALLEST:
        raise ValueError(f"must be at least {_SMALLEST} bytes")
    return size


def _fitting(lines: Sequence[bytes], room: int) -> int:
    """Return how many of the lines fit into so many bytes."""
    total = 0
    for count, line in enumerate(lines):
        total += len(line)
        if total > room:
            return count
    return len(lines)


def _down(error: OSError) -> OutletDownError:
    return OutletDownError(f"cannot write: {(error.strerror or str(error)).lower()}")
