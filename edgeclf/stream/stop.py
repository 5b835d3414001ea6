"""Ending a running loop from outside: signals, or the application's own wish."""

import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType, MappingProxyType
from typing import Final, Literal, NamedTuple, TypeAlias, TypeVar

__all__ = ["Stop", "StopReason", "StopWaiting", "Wait", "stop_on_signals"]

Result = TypeVar("Result")
StopReason: TypeAlias = Literal["interrupted", "terminated", "overheated"]

_REASONS: dict[signal.Signals, StopReason] = {
    signal.SIGINT: "interrupted",
    signal.SIGTERM: "terminated",
}

Wait: TypeAlias = Literal["frames", "records", "threads", "closing"]
"""What is waited for on the way out, in this order: frames at hand, records that sinks
still hold, threads of the loop, and what delivers the report and says goodbye."""


class _Limits(NamedTuple):
    """How long a wait may take, in seconds.

    Attributes:
        longest_s: At most.
        until_s: At the latest so long after the end was asked for.
        least_s: So long all the same: what is in order gets its moment, even where a
            frame alone took all of the time.
    """

    longest_s: float
    until_s: float
    least_s: float = 0.0


_WAITS: Final[Mapping[Wait, _Limits]] = MappingProxyType(
    {
        "frames": _Limits(longest_s=1.0, until_s=0.7),
        "records": _Limits(longest_s=1.0, until_s=0.9, least_s=0.1),
        "threads": _Limits(longest_s=0.3, until_s=1.0),
        "closing": _Limits(longest_s=0.3, until_s=1.2, least_s=0.1),
    }
)
"""A service has 2 s to end, whatever hangs. The waits share one deadline, so that what
one of them does not need is there for the next; the rest is for a machine that is busy
with something else."""


class StopWaiting(BaseException):
    """Ends a wait that nobody needs any more; never an error.

    Like ``KeyboardInterrupt`` it is no ``Exception``, so that a source which
    translates errors lets it pass.
    """


class Stop:
    """A request that a loop should end after the frame that it is at.

    Args:
        clock: Nanoseconds that never run backwards.

    Attributes:
        reason: Why, once it was requested.
    """

    def __init__(self, *, clock: Callable[[], int] = time.monotonic_ns) -> None:
        self.reason: StopReason | None = None
        self._clock = clock
        self._asked_ns: int | None = None
        self._waiting_thread: int | None = None

    def request(self, reason: StopReason = "terminated") -> None:
        """Ask for the end; from any thread, and more than once.

        Raises:
            StopWaiting: The calling thread is inside ``wait_for``: it is a signal
                handler, and the wait ends here.
        """
        if self._asked_ns is None:
            self._asked_ns = self._clock()
        self.reason = self.reason or reason
        if self._waiting_thread == threading.get_ident():
            raise StopWaiting

    def patience_s(self, wait: Wait) -> float:
        """Return how long to wait for something on the way out, in seconds, from 0.

        Args:
            wait: What for.
        """
        limits = _WAITS[wait]
        if self._asked_ns is None:
            return limits.longest_s
        left_s = limits.until_s - (self._clock() - self._asked_ns) / 1e9
        return max(limits.least_s, min(limits.longest_s, left_s))

    def wait_for(self, wait: Callable[[], Result]) -> Result:
        """Return what a call that may take long returns.

        Raises:
            StopWaiting: The end was asked for before, or by a signal meanwhile.
        """
        self._waiting_thread = threading.get_ident()
        try:
            # Asked here, and not before, as a signal may come in between.
            if self.reason is not None:
                raise StopWaiting
            return wait()
        finally:
            self._waiting_thread = None


@contextmanager
def stop_on_signals(stop: Stop) -> Iterator[None]:
    """Make Ctrl-C and SIGTERM ask for the end; a second one ends the process at once.

    Only the main thread may use it. A signal that the process was started to ignore,
    as a shell's background job ignores Ctrl-C, stays ignored.
    """

    def ask(number: int, _: FrameType | None) -> None:
        for handled in previous:
            signal.signal(handled, signal.SIG_DFL)
        stop.request(_REASONS[signal.Signals(number)])

    previous = {
        number: signal.getsignal(number)
        for number in _REASONS
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        for number in previous:
            signal.signal(number, ask)
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
