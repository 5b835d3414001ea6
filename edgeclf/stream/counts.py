"""What became of the frames, counted so that it adds up."""

import threading
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

__all__ = ["Counts", "Fate", "Ledger"]

Fate: TypeAlias = Literal["decided", "dropped", "duplicated", "unchanged", "late"]
"""What a captured frame came to; one that came to nothing yet is in flight."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What became of the frames.

    ``captured`` is the sum of ``decided``, ``dropped``, ``duplicated``, ``unchanged``,
    ``late`` and ``left``, always; ``captured + skipped`` is all that there were.

    Attributes:
        captured: Frames that the loop got from the source.
        decided: Frames whose decision was told.
        skipped: Frames that the source numbered and never gave, as gaps in the
            sequence numbers show.
        unreadable: Pictures that the source met and could not read; they are no
            frames.
        dropped: Frames whose place a newer one took before their turn came.
        duplicated: Frames that were the one before once more, by their number or by
            the camera's time.
        unchanged: Frames that showed what the last decided one showed.
        late: Frames that were too old when their turn came.
        left: Frames that were under way when the loop ended, or when their source was
            given up.

    Raises:
        ValueError: They do not add up.
    """

    captured: int
    decided: int
    skipped: int
    unreadable: int
    dropped: int = 0
    duplicated: int = 0
    unchanged: int = 0
    late: int = 0
    left: int = 0

    def __post_init__(self) -> None:
        settled = (
            *(self.decided, self.dropped, self.duplicated),
            *(self.unchanged, self.late, self.left),
        )
        if self.captured != sum(settled) or min(settled) < 0:
            raise ValueError(f"the counts do not add up: {self}")


class Ledger:
    """Counts while the loop runs; every method may be called from any thread.

    A frame is counted as captured before it can come to anything, so what is in flight
    is never below 0, whenever the ledger is closed. After that nothing counts.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._captured = 0
        self._skipped = 0
        self._settled: dict[str, int] = dict.fromkeys(get_args(Fate), 0)
        self._counts: Counts | None = None

    def captured(self, *, skipped: int = 0) -> None:
        """Count a frame that came, and those that passed before it."""
        with self._lock:
            self._captured += 1
            self._skipped += skipped

    def settled(self, fate: Fate, frames: int = 1) -> None:
        """Count what captured frames came to."""
        with self._lock:
            self._settled[fate] += frames

    def so_far(self) -> dict[str, int]:
        """Return what became of the frames until now, named as in ``Counts``.

        The frames under way are ``left`` if the loop ends now. Pictures that could not
        be read are not here: only their source knows of them.
        """
        with self._lock:
            return {
                "captured": self._captured,
                "skipped": self._skipped,
                **self._settled,
                "left": self._captured - sum(self._settled.values()),
            }

    def close(self, *, unreadable: int) -> Counts:
        """Return what there is, with what is in flight as left; the first call counts.

        Args:
            unreadable: What the source says.
        """
        with self._lock:
            if self._counts is None:
                self._counts = Counts(
                    captured=self._captured,
                    skipped=self._skipped,
                    unreadable=unreadable,
                    left=self._captured - sum(self._settled.values()),
                    **self._settled,
                )
            return self._counts
