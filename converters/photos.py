"""Sets of photos for calibration and evaluation: found, drawn, split and labelled.

Everything here depends on the photos' names relative to their folder and on a seed,
never on the order in which a file system lists them.
"""

import hashlib
import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from converters.photo_check import CalibrationCheck, check_calibration
from converters.photo_labels import Label, LabelIndex, read_label_table
from edgeclf.decode import find_images, read_image
from edgeclf.errors import CalibrationError, ImageError, InputFileError
from edgeclf.files import read_file
from edgeclf.types import DecodeSpec, Uint8Image

__all__ = ["CalibrationCheck", "Photo", "PhotoSet", "check_calibration"]

_LABEL_TABLE = "labels.csv"
_MAX_DAMAGED = 0.05
_FILE_LIMIT = 512 * 1024**2


@dataclass(frozen=True, slots=True)
class Photo:
    """One image file of a set.

    Attributes:
        path: Where it is.
        name: Its path below the set's folder, with forward slashes.
        label: What ``labels.csv`` or its sub-folder's name says that it shows.
    """

    path: Path
    name: str
    label: Label | None = None


@dataclass(frozen=True, slots=True)
class PhotoSet:
    """Photos of one folder, sorted by name.

    Attributes:
        folder: What was scanned.
        photos: Different files.
    """

    folder: Path
    photos: tuple[Photo, ...]

    @classmethod
    def scan(cls, folder: Path) -> "PhotoSet":
        """Return the images below a folder, at any depth.

        Labels come from ``labels.csv`` in the folder if there is one, else from the
        names of the sub-folders if there are any.

        Raises:
            InputFileError: It is no folder, holds no images, or its ``labels.csv`` is
                damaged or names other files.
        """
        if not folder.is_dir():
            raise InputFileError(f"{folder}: no such folder; expected photos")
        names = sorted(p.relative_to(folder).as_posix() for p in find_images(folder))
        table = folder / _LABEL_TABLE
        labels = (
            read_label_table(table, names) if table.is_file() else _folder_labels(names)
        )
        photos = (Photo(folder / name, name, labels.get(name)) for name in names)
        return cls(folder, tuple(photos))

    def __len__(self) -> int:
        return len(self.photos)

    def draw(self, count: int, *, seed: int) -> "PhotoSet":
        """Return ``count`` photos, or all if there are fewer.

        Every class or sub-folder gives at least one photo if ``count`` allows, and
        beyond that in proportion to its size.
        """
        return self._chosen(_stratified(self.photos, count, seed, one_of_each=True))

    def split(
        self, fraction: float = 0.2, *, seed: int
    ) -> tuple["PhotoSet", "PhotoSet"]:
        """Return a held-out part and the rest, without a photo in common.

        Args:
            fraction: Share of the photos that is held out, in proportion from every
                class or sub-folder; in (0, 1).
            seed: Decides which.
        """
        if not 0 < fraction < 1:
            raise ValueError(f"fraction must be in (0, 1), got {fraction}")
        count = round(fraction * len(self.photos))
        held_out = _stratified(self.photos, count, seed, one_of_each=False)
        return self._chosen(held_out), self._chosen(set(self.photos) - held_out)

    def readable(self, spec: DecodeSpec) -> tuple["PhotoSet", tuple[str, ...]]:
        """Decode every photo once; return those that can be, and the others' names.

        Raises:
            CalibrationError: More than 5 % of them cannot.
        """
        readable = {photo for photo in self.photos if _is_readable(photo, spec)}
        damaged = [photo.name for photo in self.photos if photo not in readable]
        if len(damaged) > _MAX_DAMAGED * len(self.photos):
            raise CalibrationError(
                f"{self.folder}: {len(damaged)} of {len(self.photos)} images cannot be "
                f"read, such as {damaged[0]}; remove them or get whole copies"
            )
        return self._chosen(readable), tuple(damaged)

    def pixels(self, spec: DecodeSpec) -> Iterator[Uint8Image]:
        """Yield the photos' pixels in order, one at a time.

        Raises:
            ImageError: One cannot be decoded; see ``readable``.
        """
        for photo in self.photos:
            yield read_image(photo.path, spec)

    def class_indices(
        self, labels: Sequence[str], synsets: Sequence[str] = ()
    ) -> tuple[int, ...] | None:
        """Return each photo's class in a model, or ``None`` if none has a label.

        A label is matched with the model's labels, its synsets, or as a class index.

        Args:
            labels: The model's, in the order of its scores.
            synsets: Likewise, where it has them.

        Raises:
            InputFileError: A label is not one of the model's, or some photos have none.
        """
        known = [photo.label for photo in self.photos if photo.label is not None]
        if not known:
            return None
        if len(known) < len(self.photos):
            bare = next(photo.name for photo in self.photos if photo.label is None)
            raise InputFileError(
                f"{self.folder}: some photos have no label, such as {bare}; put each "
                "into a sub-folder named after its class, or name it in labels.csv"
            )
        index = LabelIndex(labels, synsets)
        return tuple(index.find(label, where=self.folder) for label in known)

    def sha256(self) -> str:
        """Return a digest of the names and the bytes of the photos, in hex."""
        digest = hashlib.sha256()
        for photo in self.photos:
            data = read_file(photo.path, what="an image", limit=_FILE_LIMIT)
            line = f"{photo.name}\0{hashlib.sha256(data).hexdigest()}\n"
            digest.update(line.encode("utf-8", "surrogateescape"))
        return digest.hexdigest()

    def _chosen(self, photos: Iterable[Photo]) -> "PhotoSet":
        return replace(self, photos=tuple(sorted(photos, key=lambda photo: photo.name)))


def _folder_labels(names: Sequence[str]) -> dict[str, Label]:
    return {
        name: Label(text=name.partition("/")[0], origin=f"sub-folder {name!r}")
        for name in names
        if "/" in name
    }


def _is_readable(photo: Photo, spec: DecodeSpec) -> bool:
    try:
        read_image(photo.path, spec)
    except (ImageError, InputFileError):
        return False
    return True


def _stratified(
    photos: Sequence[Photo], count: int, seed: int, *, one_of_each: bool
) -> set[Photo]:
    """Return ``count`` photos, shared out among the groups by Sainte-Laguë's method."""
    groups: dict[str, list[Photo]] = defaultdict(list)
    for photo in photos:
        groups["" if photo.label is None else photo.label.group].append(photo)
    if count >= len(photos):
        return set(photos)
    start = 1 if one_of_each and count >= len(groups) else 0
    taken = dict.fromkeys(groups, start)
    queue = [
        (_priority(len(group), start), _rank(seed, name), name)
        for name, group in groups.items()
    ]
    heapq.heapify(queue)
    for _ in range(count - start * len(groups)):
        _, rank, name = heapq.heappop(queue)
        taken[name] += 1
        heapq.heappush(queue, (_priority(len(groups[name]), taken[name]), rank, name))
    return {
        photo
        for name, group in groups.items()
        for photo in sorted(group, key=lambda p: _rank(seed, p.name))[: taken[name]]
    }


def _priority(size: int, taken: int) -> float:
    """Return a group's claim to the next place, the smallest first; used up: last."""
    return -size / (2 * taken + 1) if taken < size else 0.0


def _rank(seed: int, name: str) -> bytes:
    text = f"{seed}\0{name}".encode("utf-8", "surrogateescape")
    return hashlib.sha256(text).digest()
