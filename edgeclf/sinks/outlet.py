"""Where a sink's records go, and how it says that they cannot."""

from collections.abc import Sequence
from typing import Protocol

from edgeclf.errors import SinkError
from edgeclf.sinks.record import Record

__all__ = ["Outlet", "OutletDownError", "RecordRefusedError"]


class OutletDownError(SinkError):
    """Nothing can be delivered now; the same records are tried again later.

    Attributes:
        retry_after_s: How long the other side asked to be left alone, in seconds;
            ``None`` when it did not.
    """

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class RecordRefusedError(SinkError):
    """The first of the records will never be taken; the next ones may be."""


class Outlet(Protocol):
    """A file, a broker, a server: used by one thread, which may wait in it.

    Messages of its errors hold no password, and no secret part of an address.

    Attributes:
        batch: Most records that it takes at once.
    """

    batch: int

    def ready(self) -> None:
        """Be ready to deliver; called before, and about once a second between.

        Raises:
            OutletDownError: It cannot be, now.
        """
        ...

    def deliver(self, records: Sequence[Record]) -> int:
        """Deliver from the first on, in order.

        Returns:
            How many of them are delivered for certain, at least 1.

        Raises:
            OutletDownError: Not even the first is.
            RecordRefusedError: The first never will be.
        """
        ...

    def close(self) -> None:
        """Let go; called once, by the same thread, after the last delivery."""
        ...
