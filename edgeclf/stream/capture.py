"""Reading one source in a thread of its own."""

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Final, NamedTuple

from edgeclf.errors import SourceError
from edgeclf.sources import Source
from edgeclf.sources.closing import ClosedFromAnywhere
from edgeclf.stream.counts import Ledger
from edgeclf.stream.mailbox import Mailbox
from edgeclf.types import Frame

__all__ = ["QUEUE_PLACES", "Arrival", "Capture", "Numbering"]

QUEUE_PLACES: Final = 4
"""Frames that may wait where none is to be missed; then the source has to wait."""


class Arrival(NamedTuple):
    """A frame that came from a source.

    Attributes:
        frame: It, numbered on from earlier sources.
        started_ns: When capturing it began: its data were ready, or it was asked for.
        arrived_ns: When it was there.
    """

    frame: Frame
    started_ns: int
    arrived_ns: int


class Numbering:
    """Looks at each frame of one source as it comes, and numbers it on.

    Args:
        ledger: Told of every frame, and of those that are missing.
        first: What the source's frame 0 becomes.
    """

    def __init__(self, ledger: Ledger, *, first: int = 0) -> None:
        self._ledger = ledger
        self._first = first
        self._next = 0
        self._taken_ns: int | None = None

    @property
    def following(self) -> int:
        """The number that comes after all that were given."""
        return self._first + self._next

    def accept(self, frame: Frame, now_ns: int, *, uri: str) -> Frame | None:
        """Count a frame, and return it with its number in the run.

        Returns:
            ``None`` for a frame that is the one before once more.

        Raises:
            SourceError: It is no frame that could come next; it is not counted.
        """
        if frame.captured_ns > now_ns:
            raise SourceError(
                f"{uri}: frame {frame.sequence} is from the future: its time is not on "
                "CLOCK_MONOTONIC"
            )
        if frame.sequence < self._next - 1:
            raise SourceError(
                f"{uri}: frame {frame.sequence} came after frame {self._next - 1}: "
                "the source repeats itself"
            )
        skipped = max(0, frame.sequence - self._next)
        self._ledger.captured(skipped=skipped)
        is_repeated = self._is_repeated(frame)
        self._next = frame.sequence + 1
        self._taken_ns = frame.captured_ns
        if is_repeated:
            self._ledger.settled("duplicated")
            return None
        if self._first:
            return replace(frame, sequence=self._first + frame.sequence)
        return frame

    def _is_repeated(self, frame: Frame) -> bool:
        if frame.sequence == self._next - 1:
            return True
        # The time of arrival is ours, and tells nothing of the picture.
        return (
            frame.timestamp_origin != "arrival" and frame.captured_ns == self._taken_ns
        )


class Capture:
    """A thread that reads a source into a mailbox until it ends, fails or is let go.

    Nothing waits for the thread: one that is blocked in a read for ever is let go, and
    as a daemon keeps no process alive. When its read does end, it closes its source.

    Args:
        open_source: Opens the source, in the thread.
        ledger: Told of every frame.
        clock: Nanoseconds on CLOCK_MONOTONIC.
        first: What the source's frame 0 becomes.
        every_frame: Wait for a place rather than put the newest in place of others.
        is_owner: Close the source in the end.

    Attributes:
        mailbox: Where frames come; closed by ``let_go``.
        source: ``None`` until it is open.
        opened_ns: When it was open; ``None`` until then.
        waiting_since_ns: Since when the source has been asked for something; ``None``
            while it is not.
        first_ns: When its first frame came; ``None`` until then.
    """

    def __init__(
        self,
        open_source: Callable[[], Source],
        *,
        ledger: Ledger,
        clock: Callable[[], int],
        first: int = 0,
        every_frame: bool = False,
        is_owner: bool = True,
    ) -> None:
        self.mailbox: Mailbox[Arrival] = Mailbox(QUEUE_PLACES)
        self.source: Source | None = None
        self.opened_ns: int | None = None
        self.waiting_since_ns: int | None = clock()
        self.first_ns: int | None = None
        self._open_source = open_source
        self._ledger = ledger
        self._clock = clock
        self._numbering = Numbering(ledger, first=first)
        self._every_frame = every_frame
        self._is_owner = is_owner
        self._is_let_go = False
        self._error: BaseException | None = None
        self._has_ended = False
        self._thread = threading.Thread(
            target=self._run, name="edgeclf-capture", daemon=True
        )
        self._thread.start()

    @property
    def has_ended(self) -> bool:
        """Whether nothing follows what is in the mailbox."""
        return self._has_ended

    @property
    def error(self) -> BaseException | None:
        """Why it ended; ``None`` where the source just had no more."""
        return self._error

    @property
    def following(self) -> int:
        """The number that comes after all that were given."""
        return self._numbering.following

    @property
    def is_running(self) -> bool:
        """Whether the thread is still there."""
        return self._thread.is_alive()

    def let_go(self) -> None:
        """Take no further frame; never waits."""
        self._is_let_go = True
        self.mailbox.close()
        source = self.source
        if self._is_owner and isinstance(source, ClosedFromAnywhere):
            source.interrupt()  # closing may take time: the thread does that

    def join(self, wait_s: float) -> None:
        """Wait for the thread, but not longer than that."""
        self._thread.join(wait_s)

    def _run(self) -> None:
        try:
            self._read()
        except BaseException as error:  # noqa: BLE001 - raised again by who takes
            self._error = error
        self._has_ended = True
        self.mailbox.wake()

    def _read(self) -> None:
        source = self._open_source()
        if self._is_owner and not isinstance(source, ClosedFromAnywhere):
            source = ClosedFromAnywhere(source)
        self.source = source
        self.opened_ns = self.waiting_since_ns = self._clock()
        try:
            self._pass_on(source)
        finally:
            if self._is_owner:
                source.close()

    def _pass_on(self, source: Source) -> None:
        frames = iter(source)
        deliver = (
            self.mailbox.replace
            if source.live and not self._every_frame
            else self.mailbox.put
        )
        while not self._is_let_go:
            asked_ns = self.waiting_since_ns = self._clock()
            frame = next(frames, None)
            if frame is None:
                return
            arrived_ns = self._clock()
            accepted = self._numbering.accept(frame, arrived_ns, uri=source.uri)
            self.waiting_since_ns = None
            if self.first_ns is None:
                self.first_ns = arrived_ns
            if accepted is None:
                continue
            started_ns = asked_ns if frame.ready_ns is None else frame.ready_ns
            thrown_out = deliver(Arrival(accepted, started_ns, arrived_ns))
            if thrown_out is None:
                return
            if thrown_out:
                self._ledger.settled("dropped", thrown_out)
