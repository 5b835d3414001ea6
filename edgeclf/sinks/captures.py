"""Pictures that the model was not sure of, kept to be labelled and learnt from."""

import io
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from PIL import Image

from edgeclf.errors import OutputFileError, SinkError
from edgeclf.sinks import SinkOptions
from edgeclf.sinks.buffered import BufferedSink
from edgeclf.sinks.capture_folder import CaptureFolder
from edgeclf.sinks.outlet import OutletDownError, RecordRefusedError
from edgeclf.sinks.query import (
    Query,
    parse_count,
    parse_rate_ns,
    parse_share,
    parse_size,
)
from edgeclf.sinks.record import Record, Recorder
from edgeclf.stream import Decision, Event, LoopReport
from edgeclf.types import Uint8Image

__all__ = ["CapturesOutlet", "PickDoubtful", "open_captures"]

_BUFFER: Final = 4
"""Pictures that wait to be written: a megabyte each at 640x480."""


class PickDoubtful:
    """Takes decisions with a low score, and not too many of them.

    Args:
        below: Scores that are taken.
        every_ns: Least time between two.
    """

    def __init__(self, *, below: float, every_ns: int) -> None:
        self._below = below
        self._every_ns = every_ns
        self._next_ns: int | None = None
        self._recorder = Recorder()

    def decision(self, decision: Decision) -> Record | None:
        """Return the record of a doubtful decision, its picture included."""
        now_ns = decision.prediction.decided_ns
        if decision.prediction.best.score >= self._below or (
            self._next_ns is not None and now_ns < self._next_ns
        ):
            return None
        self._next_ns = now_ns + self._every_ns
        return self._recorder.make(
            "decision", decision.to_dict(), pixels=decision.frame.pixels
        )

    def event(self, _: Event) -> None:
        """Leave it out: it has no picture."""

    def report(self, _: LoopReport) -> None:
        """Likewise."""


class CapturesOutlet:
    """Encodes and writes one picture at a time.

    Args:
        folder: Closed with the outlet.
        suffix: ``jpg`` or ``png``.
    """

    batch = 1

    def __init__(self, folder: CaptureFolder, *, suffix: str) -> None:
        self._folder = folder
        self._suffix = suffix

    def ready(self) -> None:
        """Do nothing: whether the disk takes it shows when there is something."""

    def deliver(self, records: Sequence[Record]) -> int:
        """Write the first record and its picture."""
        record = records[0]
        if record.pixels is None:
            raise RecordRefusedError("a record without a picture")
        picture, told = _encoded(record.pixels, self._suffix), record.to_json() + b"\n"
        if not self._folder.fits(len(picture) + len(told)):
            raise RecordRefusedError(
                f"a picture of {len(picture)} bytes is over max_size"
            )
        taken = datetime.fromisoformat(record.body["utc"])
        try:
            self._folder.add(picture, told, taken=taken, suffix=self._suffix)
        except OutputFileError as error:
            raise OutletDownError(str(error)) from error
        except OSError as error:  # an old one cannot be removed
            raise OutletDownError(
                f"cannot make room: {(error.strerror or str(error)).lower()}"
            ) from error
        return 1

    def close(self) -> None:
        """Let others have the folder."""
        self._folder.close()


def open_captures(_: str, rest: str, *, options: SinkOptions) -> BufferedSink:
    """Open ``captures:FOLDER?below=0.5&max_size=200MB&max_rate=1/min&format=jpg``."""
    path_text, _, query_text = rest.partition("?")
    name = f"captures:{path_text}"
    if not path_text or "\0" in path_text:
        raise SinkError("'captures:' needs the path of a folder")
    query = Query(query_text, sink=name)
    below = query.take("below", parse_share, 0.5)
    max_size = query.take("max_size", parse_size, 200_000_000)
    every_ns = query.take("max_rate", parse_rate_ns, 60_000_000_000)
    suffix = query.take("format", _suffix, "jpg")
    size = query.take("buffer", parse_count, _BUFFER)
    query.done()
    folder = CaptureFolder(Path(path_text), max_size=max_size)
    return BufferedSink(
        CapturesOutlet(folder, suffix=suffix),
        PickDoubtful(below=below, every_ns=every_ns),
        name=name,
        notify=options.notify,
        size=size,
    )


def _suffix(text: str) -> str:
    if text not in {"jpg", "png"}:
        raise ValueError("must be jpg or png")
    return text


def _encoded(pixels: Uint8Image, suffix: str) -> bytes:
    file = io.BytesIO()
    image = Image.fromarray(pixels)
    if suffix == "png":
        image.save(file, "PNG")
    else:
        image.save(file, "JPEG", quality=95, subsampling=0)
    return file.getvalue()
