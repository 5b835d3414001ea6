"""Ending a running loop from outside: signals, or the application's own wish."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Literal, TypeAlias, TypeVar

__all__ = ["Stop", "StopReason", "StopWaiting", "stop_on_signals"]

Result = TypeVar("Result")
StopReason: TypeAlias = Literal["interrupted", "terminated", "overheated"]

_REASONS: dict[signal.Signals, StopReason] = {
    signal.SIGINT: "interrupted",
    signal.SIGTERM: "terminated",
}


class StopWaiting(BaseException):
    """Ends a wait that nobody needs any more; never an error.

    Like ``KeyboardInterrupt`` it is no ``Exception``, so that a source which
    translates errors lets it pass.
    """


class Stop:
    """A request that a loop should end after the frame that it is at.

    Attributes:
        reason: Why, once it was requested.
    """

    def __init__(self) -> None:
        self.reason: StopReason | None = None
        self._waiting_thread: int | None = None

    def request(self, reason: StopReason = "terminated") -> None:
        """Ask for the end; from any thread, and more than once.

        Raises:
            StopWaiting: The calling thread is inside ``wait_for``: it is a signal
                handler, and the wait ends here.
        """
        self.reason = self.reason or reason
        if self._waiting_thread == threading.get_ident():
            raise StopWaiting

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
