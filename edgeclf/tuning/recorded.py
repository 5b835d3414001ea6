"""Clips as sources whose frames know their time in the recording."""

import csv
import io
from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path

from edgeclf.decode import find_images
from edgeclf.errors import InputFileError, SourceError
from edgeclf.files import read_file
from edgeclf.sources import ClosedOnExit, Source, open_source
from edgeclf.tuning.clips import Clip
from edgeclf.types import DecodeSpec, Frame, TimestampOrigin

__all__ = ["TIMES_FILE", "RecordedClip", "open_clip"]

TIMES_FILE = "times.csv"
"""In a folder of images: one line each, its path in the folder and its time."""

_LARGEST = 64 << 20


def open_clip(clip: Clip, folder: Path, *, decode: DecodeSpec) -> "RecordedClip":
    """Return a clip as a source.

    Args:
        clip: From a table.
        folder: Of the table.
        decode: How image files become pixels.

    Raises:
        SourceError: It cannot be opened.
        InputFileError: It is a folder, and the times of its images are not known.
        MissingDependencyError: It is a video, and there is no OpenCV.
    """
    path = folder / clip.path
    if path.is_dir():
        moments_ns = _image_times(path, clip.fps)
        return RecordedClip(open_source(f"images:{path}", decode=decode), moments_ns)
    if clip.fps is not None:
        raise InputFileError(
            f"{path}: fps goes with folders of images; a video has its own times"
        )
    return RecordedClip(open_source(f"video:{path}"), None)


class RecordedClip(ClosedOnExit):
    """A source, every frame of which has ``media_ns``.

    Args:
        source: A video, or images; closed with this.
        moments_ns: Of each image; ``None`` when the frames know their time.
    """

    live = False

    def __init__(self, source: Source, moments_ns: list[int] | None) -> None:
        self.uri = source.uri
        self.timestamp_origin: TimestampOrigin = source.timestamp_origin
        self._source = source
        self._moments_ns = moments_ns
        self._frames = self._read()

    @property
    def unreadable(self) -> int:
        """How many pictures could not be read: an error when there is one."""
        return self._source.unreadable

    def __iter__(self) -> Iterator[Frame]:
        return self._frames

    def close(self) -> None:
        """Close what it reads from."""
        self._frames.close()
        self._source.close()

    def _read(self) -> Generator[Frame, None, None]:
        for frame in self._source:
            if self._source.unreadable:
                raise SourceError(
                    f"{self.uri}: an image of this clip cannot be read: mend it, or "
                    "take it out of the folder"
                )
            if self._moments_ns is not None:
                yield replace(frame, media_ns=self._moments_ns[frame.sequence])
            elif frame.media_ns is not None:
                yield frame
            else:
                raise SourceError(
                    f"{self.uri}: this file does not say when its frames are shown: "
                    "convert it to .mp4 or .mkv"
                )


def _image_times(folder: Path, fps: float | None) -> list[int]:
    try:
        images = find_images(folder)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise SourceError(f"{folder}: {reason}; expected a folder of images") from error
    if fps is not None:
        return [round(number * 1e9 / fps) for number in range(len(images))]
    times = _read_times(folder / TIMES_FILE)
    names = [image.relative_to(folder).as_posix() for image in images]
    missing = [name for name in names if name not in times]
    if missing:
        raise InputFileError(
            f"{folder / TIMES_FILE}: no time for {len(missing)} of {len(names)} images, "
            f"such as {missing[0]!r}"
        )
    moments_ns = [round(times[name] * 1e9) for name in names]
    if moments_ns != sorted(moments_ns):
        raise InputFileError(
            f"{folder / TIMES_FILE}: times go back in the order of the images' names: "
            "rename the images"
        )
    return moments_ns


def _read_times(path: Path) -> dict[str, float]:
    what = "a table 'image,time_s' beside the images, or the column fps"
    try:
        text = read_file(path, what=what, limit=_LARGEST).decode("utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(text), strict=True))
        times = {str(row["image"]): float(row["time_s"]) for row in rows}
    except (csv.Error, KeyError, TypeError, ValueError) as error:
        raise InputFileError(f"{path}: cannot be read as {what}: {error}") from error
    for name, seconds in times.items():
        if not 0 <= seconds < 1e9:
            raise InputFileError(f"{path}: {name}: {seconds} s is no time")
    return times
