"""What OpenCV's video capture needs around it: silence, RGB, and pictures as shots."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from time import monotonic_ns
from typing import Any

import cv2

from edgeclf.errors import ImageError, SourceError
from edgeclf.sources.live import Shot
from edgeclf.types import TimestampOrigin, Uint8Image

__all__ = ["OpenCvDevice", "quiet", "rgb"]


class _Silence:
    """OpenCV's log level belongs to the process: the last to leave restores it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._level = 0

    def enter(self) -> None:
        with self._lock:
            self._inside += 1
            if self._inside == 1:
                self._level = _log().getLogLevel()
                _log().setLogLevel(0)

    def leave(self) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                _log().setLogLevel(self._level)


def _log() -> Any:
    return getattr(cv2.utils, "logging", cv2)  # OpenCV 5 moved it


_silence = _Silence()


@contextmanager
def quiet() -> Iterator[None]:
    """Keep OpenCV from writing to stderr: what went wrong, ``SourceError`` says."""
    _silence.enter()
    try:
        yield
    finally:
        _silence.leave()


def rgb(picture: Uint8Image) -> Uint8Image:
    """Return the pixels of what OpenCV decoded: BGR, or grey."""
    code = cv2.COLOR_GRAY2RGB if picture.ndim == 2 else cv2.COLOR_BGR2RGB
    pixels: Uint8Image = cv2.cvtColor(picture, code)
    return pixels


class OpenCvDevice:
    """A ``cv2.VideoCapture`` that is read as a live device.

    OpenCV is silent for as long as one is open, as its warnings come from reading.

    Args:
        open_capture: Opens it.
        shown: What it is called in messages.
        lost: What to say when a read of so many seconds gave nothing.
        to_rgb: Makes RGB of what OpenCV gives, or raises ``ImageError``.
    """

    timestamp_origin: TimestampOrigin = "arrival"

    def __init__(
        self,
        open_capture: Callable[[], Any],
        *,
        shown: str,
        lost: Callable[[float], str],
        to_rgb: Callable[[Uint8Image], Uint8Image] = rgb,
    ) -> None:
        self._shown = shown
        self._lost = lost
        self._to_rgb = to_rgb
        with ExitStack() as opened:
            opened.enter_context(quiet())
            self.capture = open_capture()
            opened.callback(self.capture.release)
            if not self.capture.isOpened():
                raise SourceError(f"{shown}: {lost(0)}")
            self._opened = opened.pop_all()

    def captured_ns(self, arrived_ns: int) -> int:
        """Return when the picture just grabbed was taken."""
        return arrived_ns

    def read(self) -> Shot:
        """Wait for the next picture."""
        started_ns = monotonic_ns()
        try:
            if not self.capture.grab():
                waited_s = (monotonic_ns() - started_ns) / 1e9
                raise SourceError(f"{self._shown}: {self._lost(waited_s)}")
            arrived_ns = monotonic_ns()
            captured_ns = self.captured_ns(arrived_ns)
            # OpenCV makes a new picture each time; nothing else writes into it.
            is_there, picture = self.capture.retrieve()
        except cv2.error as error:
            reason = " ".join(str(error).split())
            raise SourceError(f"{self._shown}: {reason}") from error
        return Shot(
            captured_ns=captured_ns,
            rgb=partial(self._rgb, picture if is_there else None),
            busy_ns=monotonic_ns() - arrived_ns,
        )

    def interrupt(self) -> None:
        """Do nothing: OpenCV comes back by itself, after its timeout at most."""

    def release(self) -> None:
        """Close the capture."""
        self._opened.close()

    def _rgb(self, picture: Uint8Image | None) -> Uint8Image:
        if picture is None or not picture.size:
            raise ImageError(f"{self._shown}: a picture that cannot be decoded")
        return self._to_rgb(picture)
