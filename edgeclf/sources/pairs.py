"""From the thread that reads a camera to the one that asks for two pictures at once."""

from collections.abc import Callable
from typing import TypeAlias

from edgeclf.errors import SourceError
from edgeclf.sources import FramePair
from edgeclf.sources.handover import Handover

__all__ = ["MakePair", "PairRequests"]

MakePair: TypeAlias = Callable[[int], FramePair]
"""Makes the frames of a pair, which get this number."""


class PairRequests:
    """Lets a camera's thread know when a pair is wanted, and hands it over.

    Each question gets one pair, so that nothing has to be switched off after the last.
    """

    def __init__(self) -> None:
        self._is_asked = False
        self._made: Handover[MakePair] = Handover(keeps_all=False)

    @property
    def is_asked(self) -> bool:
        """Whether the next picture is wanted with the one beside it."""
        return self._is_asked

    def put(self, make: MakePair) -> None:
        """Answer the question."""
        self._is_asked = False  # before the next one can come
        self._made.put(make)

    def take(self, wait_s: float) -> FramePair | None:
        """Ask, and return the answer; ``None`` when none came in time.

        Raises:
            SourceError: What ``end`` was told.
        """
        self._is_asked = True
        try:
            number, make = self._made.take(wait_s)
        except TimeoutError:
            return None
        return make(number)

    def end(self, why: SourceError) -> None:
        """Answer no question any more."""
        self._made.fail(why)
