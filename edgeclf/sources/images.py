"""Image files as a source: a folder or one file, in the order of their names."""

from collections.abc import Generator, Iterator
from pathlib import Path
from time import monotonic_ns
from typing import Final

from edgeclf.decode import find_images, read_image
from edgeclf.errors import InputFileError, SourceError
from edgeclf.sources import ClosedOnExit, SourceOptions
from edgeclf.types import Frame, TimestampOrigin

__all__ = ["ImagesSource"]


class ImagesSource(ClosedOnExit):
    """The images of a folder and its sub-folders, each once.

    A file that cannot be read is no frame: it is counted, told to ``options.notify``,
    and passed over. When not one can be read, that is an error.

    Args:
        path: A folder, or one image file.
        options: ``decode`` says how files become pixels.

    Raises:
        SourceError: There is no such folder, or no image in it.
    """

    live: Final = False
    timestamp_origin: TimestampOrigin = "arrival"

    def __init__(self, path: str, *, options: SourceOptions) -> None:
        self.uri = f"images:{path}"
        self.unreadable = 0
        self._options = options
        self._paths = _find(Path(path))
        self._frames = self._read()

    def __iter__(self) -> Iterator[Frame]:
        return self._frames

    def close(self) -> None:
        """Give no more frames."""
        self._frames.close()

    def _read(self) -> Generator[Frame, None, None]:
        sequence = 0
        for path in self._paths:
            frame = self._read_one(path, sequence)
            if frame is not None:
                sequence += 1
                yield frame
        if not sequence:
            raise SourceError(
                f"{self.uri}: none of its {self.unreadable} images can be read"
            )

    def _read_one(self, path: Path, sequence: int) -> Frame | None:
        started_ns = monotonic_ns()
        try:
            pixels = read_image(path, self._options.decode)
        except InputFileError as error:
            self.unreadable += 1
            self._options.notify(f"skipped {error}")
            return None
        return Frame(
            pixels=pixels,
            captured_ns=started_ns,
            timestamp_origin=self.timestamp_origin,
            sequence=sequence,
            ready_ns=started_ns,
        )


def _find(path: Path) -> list[Path]:
    try:
        return find_images(path)
    except InputFileError as error:
        raise SourceError(str(error)) from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise SourceError(f"{path}: {reason}; expected a folder of images") from error
