"""The table that says which clips there are, and what is to be seen in them when."""

import csv
import hashlib
import io
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from edgeclf.errors import InputFileError
from edgeclf.files import read_file
from edgeclf.json_values import from_json_value

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["Clip", "ClipTable", "LabelledEvent", "read_clips"]

_LARGEST = 64 << 20
_COLUMNS = ("clip", "start_s", "end_s", "label")
_MAY_BE_LEFT_OUT = {"json": "left out if default"}


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledEvent:
    """Something that is to be seen in a clip.

    Attributes:
        label: One of the model's.
        start_s: When it comes, in seconds from the clip's beginning.
        end_s: When it goes, later than that.
    """

    label: str
    start_s: float
    end_s: float

    def __post_init__(self) -> None:
        if not 0 <= self.start_s < self.end_s < float("inf"):
            raise ValueError(
                f"{self.label!r} must start at 0 s or later and end after that, got "
                f"{self.start_s} to {self.end_s} s"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """A recording, and all that is to be seen in it.

    Attributes:
        path: A video file, or a folder of images; relative to the table's folder.
        events: In the order of their starts; those of one label do not overlap.
        fps: Images a second of a folder; ``None`` where the times are in the video,
            or in the folder's ``times.csv``.
    """

    path: str
    events: tuple[LabelledEvent, ...] = field(default=(), metadata=_MAY_BE_LEFT_OUT)
    fps: float | None = field(default=None, metadata=_MAY_BE_LEFT_OUT)

    def __post_init__(self) -> None:
        if not self.path:
            raise ValueError("a clip has no name")
        if self.fps is not None and not 0 < self.fps <= 10_000:
            raise ValueError(f"fps must be above 0 and at most 10000, got {self.fps}")
        ordered = tuple(sorted(self.events, key=lambda event: event.start_s))
        object.__setattr__(self, "events", ordered)
        for label in {event.label for event in ordered}:
            of_label = [event for event in ordered if event.label == label]
            for before, after in pairwise(of_label):
                if after.start_s < before.end_s:
                    raise ValueError(
                        f"{self.path}: {label!r} from {after.start_s} s is there twice: "
                        f"it ends at {before.end_s} s only"
                    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipTable:
    """All clips.

    Attributes:
        folder: What their paths are relative to.
        clips: In the order of the table.
        sha256: Of the table, in hex.
    """

    folder: Path
    clips: tuple[Clip, ...]
    sha256: str

    @property
    def labels(self) -> tuple[str, ...]:
        """Every label that is to be seen, in the order of the table."""
        return tuple(
            dict.fromkeys(event.label for clip in self.clips for event in clip.events)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Document:
    clips: tuple[Clip, ...]


def read_clips(path: Path) -> ClipTable:
    """Return the table that a ``.csv`` or ``.toml`` file holds.

    Raises:
        InputFileError: It is missing, or cannot be understood.
    """
    data = read_file(path, what="a table of clips (.csv or .toml)", limit=_LARGEST)
    try:
        text = data.decode("utf-8-sig")
        is_toml = path.suffix.lower() == ".toml"
        clips = _from_toml(text) if is_toml else _from_csv(text)
        _check(clips)
    except UnicodeDecodeError as error:
        raise InputFileError(f"{path}: not UTF-8 at byte {error.start}") from error
    except ValueError as error:
        raise InputFileError(f"{path}: {error}") from error
    return ClipTable(
        folder=path.parent, clips=clips, sha256=hashlib.sha256(data).hexdigest()
    )


def _check(clips: tuple[Clip, ...]) -> None:
    if not clips:
        raise ValueError("there is no clip in it")
    names = [clip.path for clip in clips]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"clip {twice!r} is there twice")


def _from_toml(text: str) -> tuple[Clip, ...]:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"not a TOML document: {error}") from error
    return from_json_value(_Document, document, where="table").clips


def _from_csv(text: str) -> tuple[Clip, ...]:
    try:
        reader = csv.DictReader(io.StringIO(text), strict=True)
        columns = list(reader.fieldnames or ())
        rows = list(reader)
    except csv.Error as error:
        raise ValueError(f"not a CSV table: {error}") from error
    unknown = [name for name in columns if name not in {*_COLUMNS, "fps"}]
    missing = [name for name in _COLUMNS if name not in columns]
    if unknown or missing:
        raise ValueError(
            f"the first line must name the columns {','.join(_COLUMNS)} (and fps, if "
            f"one likes), got {','.join(map(str, columns)) or 'nothing'}"
        )
    found: dict[str, dict[str, Any]] = {}
    for number, row in enumerate(rows, start=2):
        _take_line(number, row, found)
    return tuple(
        Clip(**{**clip, "events": tuple(clip["events"])}) for clip in found.values()
    )


def _take_line(
    number: int, row: Mapping[str, Any], found: dict[str, dict[str, Any]]
) -> None:
    try:
        _take_row(row, found)
    except ValueError as error:
        raise ValueError(f"line {number}: {error}") from error


def _take_row(row: Mapping[str, Any], found: dict[str, dict[str, Any]]) -> None:
    if None in row or None in row.values():
        raise ValueError("it has another number of cells than the first line")
    cells = {name: cell.strip() for name, cell in row.items()}
    clip = found.setdefault(
        cells["clip"], {"path": cells["clip"], "events": [], "fps": None}
    )
    if cells.get("fps"):
        fps = _number(cells, "fps")
        if clip["fps"] not in {None, fps}:
            raise ValueError(f"fps was {clip['fps']} before, and is {fps} now")
        clip["fps"] = fps
    clip["events"] += _event(cells)


def _event(cells: Mapping[str, str]) -> Iterator[LabelledEvent]:
    """Yield a row's event; a clip in which nothing happens has a row without one."""
    if not (cells["label"] or cells["start_s"] or cells["end_s"]):
        return
    if not cells["label"]:
        raise ValueError("label is empty, and there are times")
    yield LabelledEvent(
        label=cells["label"],
        start_s=_number(cells, "start_s"),
        end_s=_number(cells, "end_s"),
    )


def _number(cells: Mapping[str, str], name: str) -> float:
    try:
        return float(cells[name])
    except ValueError:
        raise ValueError(f"{name} must be a number, got {cells[name]!r}") from None
