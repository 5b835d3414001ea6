"""Closing a source while another thread is inside a read of it."""

import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeVar, runtime_checkable

from edgeclf.errors import SourceError
from edgeclf.types import Frame, TimestampOrigin

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self  # in typing from Python 3.11 on

    from edgeclf.sources import FramePair, PairedSource, Source

__all__ = ["ClosedFromAnywhere", "Interruptible", "PairsFromAnywhere"]

Result = TypeVar("Result")


@runtime_checkable
class Interruptible(Protocol):
    """A source that knows how to end a read which is under way."""

    def interrupt(self) -> None:
        """Make the read end soon, however; from any thread, and more than once."""
        ...


class ClosedFromAnywhere:
    """A source that any thread may close at any time, made of one that may not.

    Libraries do not expect that a device is closed while they read from it. So when a
    read is under way, ``close`` only asks it to end where the source is
    ``Interruptible``, and the thread that reads closes the source as soon as the read
    is over. The frame that such a read still brings is not given.

    Args:
        source: What is read; nobody else closes it.
    """

    def __init__(self, source: "Source") -> None:
        self._source = source
        self._frames = iter(source)
        self._lock = threading.Lock()
        self._is_reading = False
        self._closed = threading.Event()

    @property
    def uri(self) -> str:
        """What was opened."""
        return self._source.uri

    @property
    def timestamp_origin(self) -> TimestampOrigin:
        """Who takes the time of its frames."""
        return self._source.timestamp_origin

    @property
    def live(self) -> bool:
        """Whether frames come at their own pace."""
        return self._source.live

    @property
    def unreadable(self) -> int:
        """How many pictures could not be read."""
        return self._source.unreadable

    def __iter__(self) -> Iterator[Frame]:
        return self

    def __next__(self) -> Frame:
        return self._read(lambda: next(self._frames))

    def interrupt(self) -> None:
        """Give no more frames, and end a read that is under way; never waits.

        Whoever reads has to close.
        """
        with self._lock:
            self._closed.set()
        if isinstance(self._source, Interruptible):
            self._source.interrupt()

    def close(self) -> None:
        """Close the source, or see to it that the read which is under way does."""
        with self._lock:
            self._closed.set()
            is_reading = self._is_reading
        if not is_reading:
            self._source.close()
        elif isinstance(self._source, Interruptible):
            self._source.interrupt()

    def __enter__(self) -> "Self":
        return self

    def __exit__(
        self,
        kind: "type[BaseException] | None",
        error: "BaseException | None",
        trace: "TracebackType | None",
    ) -> None:
        self.close()

    def _read(self, read: Callable[[], Result]) -> Result:
        """Return what a read of the source brings.

        Raises:
            StopIteration: It was closed, before or meanwhile.
        """
        with self._lock:
            if self._closed.is_set():
                raise StopIteration
            self._is_reading = True
        try:
            result = read()
        except Exception:
            if self._closed.is_set():  # what it says of being interrupted is no news
                raise StopIteration from None
            raise
        finally:
            with self._lock:
                self._is_reading = False
                was_closed = self._closed.is_set()
            if was_closed:
                self._source.close()
        if was_closed:
            raise StopIteration
        return result


class PairsFromAnywhere(ClosedFromAnywhere):
    """The same for a source that gives pairs, too.

    Args:
        source: What is read; nobody else closes it.
    """

    def __init__(self, source: "PairedSource") -> None:
        super().__init__(source)
        self._pairs = source

    def take_pair(self, wait_s: float) -> "FramePair | None":
        """Return the next moment's two pictures; see ``PairedSource``."""
        try:
            return self._read(partial(self._pairs.take_pair, wait_s))
        except StopIteration:
            raise SourceError(f"{self.uri}: closed") from None
