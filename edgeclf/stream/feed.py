"""Where the loop gets its frames, and the simple case: sources that wait."""

from collections.abc import Callable
from typing import Protocol

from edgeclf.sources import Source
from edgeclf.stream.capture import Arrival, Numbering
from edgeclf.stream.counts import Ledger
from edgeclf.stream.event import Event
from edgeclf.stream.stop import Stop
from edgeclf.types import Frame

__all__ = ["END", "End", "Feed", "PulledFeed"]


class End:
    """The source has no more."""


END = End()


class Feed(Protocol):
    """Gives frames to one thread at a time."""

    @property
    def source(self) -> Source:
        """What is read now, or was read last."""
        ...

    @property
    def outages(self) -> int:
        """How often the source was lost."""
        ...

    @property
    def unreadable(self) -> int:
        """How many pictures could not be read, over all openings of the source."""
        ...

    def take(self, wait_s: float) -> Arrival | Event | End | None:
        """Return the next frame, or what happened to the source.

        Args:
            wait_s: The longest to wait; then ``None``. A read in this thread may
                take longer.

        Raises:
            SourceError: There will be no frames any more, and that is an error.
            StopWaiting: The end was asked for while a read in this thread went on.
        """
        ...

    def close(self, now_ns: int) -> list[Event]:
        """Take no more frames, and return the ends of what is still going on."""
        ...

    def join(self, wait_s: float) -> None:
        """Wait until nothing reads the source any more, but not longer than that."""
        ...


class PulledFeed:
    """Reads a source where and when a frame is wanted.

    For sources that wait, such as files: none of their frames can be missed, and one
    that was read ahead would only grow old. With several workers, one reads while the
    others decide.

    Args:
        source: Left open.
        ledger: Told of every frame.
        stop: Ends a read in the main thread.
        clock: Nanoseconds.
    """

    def __init__(
        self, source: Source, ledger: Ledger, stop: Stop, clock: Callable[[], int]
    ) -> None:
        self.source = source
        self.outages = 0
        self._frames = iter(source)
        self._numbering = Numbering(ledger)
        self._stop = stop
        self._clock = clock

    @property
    def unreadable(self) -> int:
        """What the source says."""
        return self.source.unreadable

    def take(self, wait_s: float) -> Arrival | End | None:  # noqa: ARG002 - same for all
        """Read the next frame, however long that takes; ``None`` for a repeated one."""
        asked_ns = self._clock()
        frame = self._stop.wait_for(self._read)
        if frame is None:
            return END
        arrived_ns = self._clock()
        accepted = self._numbering.accept(frame, arrived_ns, uri=self.source.uri)
        if accepted is None:
            return None
        started_ns = asked_ns if frame.ready_ns is None else frame.ready_ns
        return Arrival(accepted, started_ns, arrived_ns)

    def close(self, now_ns: int) -> list[Event]:  # noqa: ARG002
        """Nothing goes on here."""
        return []

    def join(self, wait_s: float) -> None:
        """Nothing else reads."""

    def _read(self) -> Frame | None:
        return next(self._frames, None)
