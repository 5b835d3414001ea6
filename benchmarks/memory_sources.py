"""Sources whose frames are in memory: what is measured is the loop, not a decoder."""

import time
from collections.abc import Iterator

import numpy as np

from edgeclf.errors import SourceError
from edgeclf.sources import ClosedOnExit
from edgeclf.types import Frame, TimestampOrigin, Uint8Image

__all__ = ["InMemory", "OnTime", "pictures"]

FRAME_SIZE = (480, 640)


def pictures() -> list[Uint8Image]:
    """Return more pictures than fit into the caches, smooth with some noise."""
    random = np.random.default_rng(7)
    down, across = np.mgrid[: FRAME_SIZE[0], : FRAME_SIZE[1]]
    made = []
    for index in range(16):
        waves = [
            np.sin(down / (20 + index) + shift) + np.cos(across / (31 - index))
            for shift in range(3)
        ]
        smooth = np.stack(waves, axis=-1) * 55 + 127
        noisy = smooth + random.normal(0, 8, smooth.shape)
        made.append(np.clip(noisy, 0, 255).astype(np.uint8))
    return made


class InMemory(ClosedOnExit):
    """Gives pictures over and over, whenever it is asked.

    Args:
        made: What it gives.
    """

    uri = "memory:"
    live = False
    unreadable = 0
    timestamp_origin: TimestampOrigin = "arrival"

    def __init__(self, made: list[Uint8Image]) -> None:
        self._made = made
        self.given = 0

    def __iter__(self) -> Iterator[Frame]:
        return self

    def __next__(self) -> Frame:
        now_ns = time.monotonic_ns()
        frame = Frame(
            pixels=self._made[self.given % len(self._made)],
            captured_ns=now_ns,
            timestamp_origin=self.timestamp_origin,
            sequence=self.given,
            ready_ns=now_ns,
        )
        self.given += 1
        return frame

    def close(self) -> None:
        """Nothing is open."""


class OnTime(InMemory):
    """A camera: one picture a period, whether somebody takes it or not.

    Args:
        made: What it gives.
        fps: Pictures a second.
        fails_after: It is unplugged after so many.
    """

    live = True

    def __init__(
        self, made: list[Uint8Image], *, fps: float, fails_after: int | None = None
    ) -> None:
        super().__init__(made)
        self._period_ns = round(1e9 / fps)
        self._due_ns = time.monotonic_ns()
        self._fails_after = fails_after

    def __next__(self) -> Frame:
        if self.given == self._fails_after:
            raise SourceError("memory: unplugged on purpose")
        self._due_ns += self._period_ns
        early_ns = self._due_ns - time.monotonic_ns()
        if early_ns > 0:
            time.sleep(early_ns / 1e9)
        else:  # it cannot keep its pace: a camera would not hurry either
            self._due_ns -= early_ns
        return super().__next__()
