"""Video files as a source, read with OpenCV."""

import os
import stat
from collections.abc import Generator, Iterator
from pathlib import Path
from time import monotonic_ns
from typing import Any, Final

import cv2

from edgeclf.decode import IMAGE_SUFFIXES
from edgeclf.errors import SourceError
from edgeclf.sources import ClosedOnExit, SourceOptions
from edgeclf.sources.containers import is_text, missing_bytes
from edgeclf.sources.opencv import quiet, rgb
from edgeclf.types import Frame, TimestampOrigin, Uint8Image

__all__ = ["VideoSource"]

# FFmpeg writes to stderr by itself. What went wrong is said by SourceError instead;
# a user who sets the variable keeps what they set. It is read when the first video is
# opened.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")


_LONGEST_MS = 1e12
"""31 years; what is not below is no time."""


class VideoSource(ClosedOnExit):
    """Every frame of a video file, as fast as it is asked for.

    Frames are turned as the file says (phones record sideways) and come as RGB.

    Args:
        path: The file.
        options: Nothing of it is needed: no frame of a file is lost.

    Raises:
        SourceError: It is missing, not a video, or OpenCV cannot decode it.
    """

    live: Final = False
    unreadable: Final = 0
    timestamp_origin: TimestampOrigin = "arrival"

    def __init__(self, path: str, *, options: SourceOptions) -> None:  # noqa: ARG002 - same for all
        self.uri = path
        self._missing_bytes = _check(Path(path))
        self._capture = _open(Path(path))
        self._frames = self._read()

    def __iter__(self) -> Iterator[Frame]:
        return self._frames

    def close(self) -> None:
        """Close the file; give no more frames."""
        self._frames.close()
        self._capture.release()

    def _read(self) -> Generator[Frame, None, None]:
        sequence, media_ns = 0, 0
        while True:
            started_ns = monotonic_ns()
            pixels = self._next_picture()
            if pixels is None:
                break
            shown_ms = self._capture.get(cv2.CAP_PROP_POS_MSEC)
            if 0 < shown_ms < _LONGEST_MS:
                # In some files time goes back; then it stands still here.
                media_ns = max(media_ns, round(shown_ms * 1e6))
            yield Frame(
                pixels=pixels,
                captured_ns=started_ns,
                timestamp_origin=self.timestamp_origin,
                sequence=sequence,
                ready_ns=started_ns,
                media_ns=media_ns if media_ns or not sequence else None,
            )
            sequence += 1
        self._check_end(sequence)

    def _next_picture(self) -> Uint8Image | None:
        try:
            # The picture is OpenCV's newly made one, and the colour swap makes
            # another, which is the frame's own.
            is_read, picture = self._capture.read()
            return rgb(picture) if is_read else None
        except cv2.error as error:
            raise SourceError(
                f"{self.uri}: cannot be decoded any further ({str(error).strip()})"
            ) from error

    def _check_end(self, frames: int) -> None:
        if not frames:
            raise SourceError(f"{self.uri}: not one frame of this video can be decoded")
        if self._missing_bytes:
            raise SourceError(
                f"{self.uri}: the file is cut short, {self._missing_bytes} bytes are "
                f"missing; it ended after {frames} frames: copy it again"
            )


def _check(path: Path) -> int:
    """Return the bytes that the file lacks.

    Raises:
        SourceError: It cannot be a video at all.
    """
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise SourceError(
                f"{path}: is a directory; write images:{path} to read its images"
            )
        if not stat.S_ISREG(status.st_mode):
            raise SourceError(f"{path}: not a regular file; expected a video file")
        if status.st_size == 0:
            raise SourceError(f"{path}: the file is empty; expected a video")
        if path.suffix.lower() in IMAGE_SUFFIXES:
            raise SourceError(f"{path}: is an image; write images:{path} to read it")
        if is_text(path):
            # FFmpeg would play it as terminal art, or follow it as a play list.
            raise SourceError(f"{path}: is a text file; expected a video file")
        return missing_bytes(path)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise SourceError(f"{path}: {reason}; expected a video file") from error


def _open(path: Path) -> Any:
    with quiet():
        # An absolute path cannot be taken for a URL.
        capture = cv2.VideoCapture(str(path.resolve()), _decoder())
    if not capture.isOpened():
        raise SourceError(
            f"{path}: not a video that OpenCV can decode: damaged, cut short, or of "
            "another format"
        )
    return capture


def _decoder() -> int:
    """Return FFmpeg where this OpenCV has it: others give up on most files."""
    registry = cv2.videoio_registry
    has_ffmpeg = cv2.CAP_FFMPEG in registry.getStreamBackends()
    return int(cv2.CAP_FFMPEG if has_ffmpeg else cv2.CAP_ANY)
