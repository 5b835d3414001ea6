"""Sources with a pace of their own: a thread reads, and the newest picture is had."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic_ns
from typing import TYPE_CHECKING, Final, Protocol

from edgeclf.errors import ImageError, SourceError
from edgeclf.sources import ClosedOnExit, SourceOptions
from edgeclf.sources.handover import Handover
from edgeclf.types import Frame, TimestampOrigin, Uint8Image

if TYPE_CHECKING:
    from typing_extensions import Self  # in typing from Python 3.11 on

__all__ = ["STALL_S", "Device", "LiveSource", "Shot"]

STALL_S = 2.0
"""Seconds without a picture after which a source counts as lost."""

_LETTING_GO_S = 1.8  # longer than a healthy camera takes; a service has 2 s to end


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """One picture as a device hands it over.

    Attributes:
        captured_ns: When it was taken, on CLOCK_MONOTONIC.
        rgb: Returns its pixels, which belong to the caller; raises ``ImageError``
            when it cannot be read. Called at most once, and only for a picture that
            somebody takes.
        busy_ns: Nanoseconds of work, waiting left out, that it cost so far.
    """

    captured_ns: int
    rgb: Callable[[], Uint8Image]
    busy_ns: int = 0


class Device(Protocol):
    """What a kind of camera has to give; all but ``interrupt`` in one thread."""

    @property
    def timestamp_origin(self) -> TimestampOrigin:
        """Who takes the time of its pictures; settled when the first one is there."""
        ...

    def read(self) -> Shot:
        """Wait for the next picture.

        Raises:
            SourceError: There will be none any more.
        """
        ...

    def interrupt(self) -> None:
        """Make ``read`` end soon; called by another thread, once."""
        ...

    def release(self) -> None:
        """Let go of the device, after the last ``read``."""
        ...


class LiveSource(ClosedOnExit):
    """The pictures of a device, each with the time when it was taken.

    A thread reads the device from the start, so that nothing grows old in a driver or
    a socket. Who asks gets the newest picture; those that nobody took in time are
    gaps in the sequence. With ``every_frame`` a few are kept, and then the device has
    to wait. The first frame is never older than the first question.

    Args:
        device: An open one.
        uri: What is shown of it.
        options: ``every_frame`` and ``notify`` are read.
        first_s: Seconds that the first picture may take.
    """

    live: Final = True

    def __init__(
        self,
        device: Device,
        *,
        uri: str,
        options: SourceOptions,
        first_s: float = 5.0,
    ) -> None:
        self.uri = uri
        self.unreadable = 0
        self._device = device
        self._notify = options.notify
        self._patience_s = first_s
        self._handover: Handover[Shot] = Handover(keeps_all=options.every_frame)
        self._asked_ns: int | None = None
        self._is_first_close = threading.Lock()  # acquired once, and never given back
        self._reader = threading.Thread(
            target=self._read, name=f"edgeclf reads {uri}", daemon=True
        )
        self._reader.start()

    @property
    def timestamp_origin(self) -> TimestampOrigin:
        """Who takes the time of its frames."""
        return self._device.timestamp_origin

    def __iter__(self) -> "Self":
        return self

    def __next__(self) -> Frame:
        """Wait for a picture that can be read.

        Raises:
            SourceError: The device is lost, or gave none for ``STALL_S``.
        """
        if self._asked_ns is None:
            self._asked_ns = monotonic_ns()
        last_ns = monotonic_ns() + round(self._patience_s * 1e9)
        while True:
            number, shot = self._take()
            ready_ns = max(shot.captured_ns, monotonic_ns() - shot.busy_ns)
            try:
                pixels = shot.rgb()
            except ImageError as error:
                self._count_unreadable(error, is_last=monotonic_ns() > last_ns)
                continue
            self._patience_s = STALL_S
            return Frame(
                pixels=pixels,
                captured_ns=shot.captured_ns,
                timestamp_origin=self.timestamp_origin,
                sequence=number - self.unreadable,
                ready_ns=ready_ns,
            )

    def close(self) -> None:
        """Let go of the device, and end a read that waits, from whatever thread.

        A driver that hangs is let go of when it comes back; only the first call waits
        for that, and not long.
        """
        self.interrupt()
        if self._is_first_close.acquire(blocking=False):
            self._reader.join(_LETTING_GO_S)

    def interrupt(self) -> None:
        """End a read that waits, and any after it; from whatever thread."""
        self._handover.close()
        self._device.interrupt()

    def _take(self) -> tuple[int, Shot]:
        try:
            return self._handover.take(self._patience_s)
        except TimeoutError:
            raise SourceError(
                f"{self.uri}: no picture for {self._patience_s:g} s: the stream stalled"
            ) from None

    def _count_unreadable(self, error: ImageError, *, is_last: bool) -> None:
        self.unreadable += 1
        self._notify(f"skipped {error}")
        if is_last:
            raise SourceError(
                f"{self.uri}: no picture for {self._patience_s:g} s that can be read; "
                f"of the last: {error}"
            ) from error

    def _read(self) -> None:
        failure = SourceError(f"{self.uri}: the thread that reads it broke")
        try:
            while not self._handover.is_closed:
                shot = self._device.read()
                if self._asked_ns is not None and shot.captured_ns >= self._asked_ns:
                    self._handover.put(shot)
        except SourceError as error:
            failure = error
        finally:
            self._handover.fail(failure)
            self._device.release()
