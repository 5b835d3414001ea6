"""Moving pictures made up from a seed: a source that every machine has."""

import re
import threading
import time
from collections.abc import Callable, Generator, Iterator
from typing import Final

import numpy as np

from edgeclf.errors import SourceError
from edgeclf.sources import ClosedOnExit, SourceOptions
from edgeclf.types import Frame, TimestampOrigin, Uint8Image

__all__ = ["SyntheticSource"]

_FORM = re.compile(
    r"(?P<seed>\d{1,18})"
    r"(?:,(?P<width>\d{1,5})x(?P<height>\d{1,5}))?"
    r"(?:@(?P<fps>\d{1,4}(?:\.\d{1,6})?))?"
)
_LARGEST_SIDE = 4096
_CELLS = (16, 16)
_TRAVEL = 97  # pixels that the view moves along each axis


class SyntheticSource(ClosedOnExit):
    """A view that wanders over a seeded picture, without end.

    The same seed, size and sequence number give the same pixels on every machine.
    Without ``@FPS`` a frame is there whenever it is asked for. With it, frame n is
    taken n periods after the first, as a camera would, and is gone when the next one
    is due (``every_frame`` keeps it).

    Args:
        form: ``SEED[,WIDTHxHEIGHT][@FPS]``; 640x480 unless said otherwise.
        options: ``every_frame`` is read.
        clock: Nanoseconds on CLOCK_MONOTONIC.
        sleep: Waits for some seconds; by default until ``interrupt``, if that is sooner.

    Raises:
        SourceError: It is written otherwise, or a side is not in 1…4096.
    """

    unreadable: Final = 0

    def __init__(
        self,
        form: str,
        *,
        options: SourceOptions,
        clock: Callable[[], int] = time.monotonic_ns,
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        match = _FORM.fullmatch(form)
        if match is None:
            raise SourceError(
                f"'synthetic:{form}' cannot be read: write "
                "synthetic:SEED[,WIDTHxHEIGHT][@FPS], such as synthetic:7,640x480@30"
            )
        self.uri = f"synthetic:{form}"
        self._size = _size(match)
        self._period_ns = _period_ns(match)
        self._every_frame = options.every_frame
        self._clock = clock
        self._interrupted = threading.Event()
        self._sleep = sleep or self._interrupted.wait
        self._scene = _scene(int(match["seed"]), self._size)
        self._frames = self._read()

    @property
    def live(self) -> bool:
        """Whether it has a pace of its own."""
        return self._period_ns is not None

    @property
    def timestamp_origin(self) -> TimestampOrigin:
        """``sensor`` with a pace: it knows when each picture was due."""
        return "arrival" if self._period_ns is None else "sensor"

    def __iter__(self) -> Iterator[Frame]:
        return self._frames

    def close(self) -> None:
        """Give no more frames."""
        self._frames.close()

    def interrupt(self) -> None:
        """End the wait for the next frame, which comes early then: nobody wants it."""
        self._interrupted.set()

    def picture(self, sequence: int) -> Uint8Image:
        """Return the pixels of one frame, which belong to the caller."""
        height, width = self._size
        top = _to_and_fro(sequence)
        left = _to_and_fro(2 * sequence + _TRAVEL // 3)
        view = self._scene[top : top + height, left : left + width]
        pixels: Uint8Image = view.copy()
        return pixels

    def _read(self) -> Generator[Frame, None, None]:
        sequence = 0
        started_ns = self._clock()
        while True:
            if self._period_ns is not None:
                sequence = self._wait(started_ns, sequence, self._period_ns)
            ready_ns = self._clock()
            due_ns = started_ns + sequence * (self._period_ns or 0)
            yield Frame(
                pixels=self.picture(sequence),
                captured_ns=ready_ns if self._period_ns is None else due_ns,
                timestamp_origin=self.timestamp_origin,
                sequence=sequence,
                ready_ns=ready_ns,
            )
            sequence += 1

    def _wait(self, started_ns: int, earliest: int, period_ns: int) -> int:
        """Wait until a frame is due, and return which one it is."""
        elapsed_ns = self._clock() - started_ns
        newest = earliest if self._every_frame else elapsed_ns // period_ns
        sequence = max(earliest, newest)
        early_ns = sequence * period_ns - elapsed_ns
        if early_ns > 0:
            self._sleep(early_ns / 1e9)
        return sequence


def _size(match: "re.Match[str]") -> tuple[int, int]:
    height, width = int(match["height"] or 480), int(match["width"] or 640)
    if not (1 <= height <= _LARGEST_SIDE and 1 <= width <= _LARGEST_SIDE):
        raise SourceError(
            f"'synthetic:{match[0]}': sides must be 1 to {_LARGEST_SIDE} pixels"
        )
    return height, width


def _period_ns(match: "re.Match[str]") -> int | None:
    if match["fps"] is None:
        return None
    fps = float(match["fps"])
    if not 0.1 <= fps <= 1000:
        raise SourceError(
            f"'synthetic:{match[0]}': frames a second must be 0.1 to 1000"
        )
    return round(1e9 / fps)


def _to_and_fro(step: int) -> int:
    """Return a position in 0…_TRAVEL that goes up and down by one a step."""
    return _TRAVEL - abs(step % (2 * _TRAVEL) - _TRAVEL)


def _scene(seed: int, size: tuple[int, int]) -> Uint8Image:
    """Return a smooth picture, large enough for the view to wander in."""
    # Of numpy's generators, only the raw bits are promised never to change.
    raw = np.random.PCG64(seed).random_raw(_CELLS[0] * _CELLS[1] * 3)
    cells = (np.asarray(raw) >> np.uint64(56)).astype(np.uint8).reshape(*_CELLS, 3)
    height, width = size
    tall = _stretched(cells, height + _TRAVEL)
    wide = _stretched(tall.transpose(1, 0, 2), width + _TRAVEL)
    return np.ascontiguousarray(wide.transpose(1, 0, 2))


def _stretched(cells: Uint8Image, length: int) -> Uint8Image:
    """Return the cells, interpolated in whole numbers along the first axis."""
    steps = np.arange(length) * ((len(cells) - 1) << 8) // length
    index = steps >> 8
    share = (steps & 255).astype(np.uint16)[:, None, None]
    near, far = cells[index].astype(np.uint16), cells[index + 1].astype(np.uint16)
    stretched: Uint8Image = ((near * (256 - share) + far * share) >> 8).astype(np.uint8)
    return stretched
