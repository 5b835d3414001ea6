"""Sets of photos for calibration and evaluation: found, drawn, split and labelled.

Everything here depends on the photos' names relative to their folder and on a seed,
never on the order in which a file system lists them.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from converters.photo_check import CalibrationCheck, check_calibration
from converters.photo_clusters import Thumbnails, cluster_of_name, clusters
from converters.photo_labels import Label, LabelIndex, read_label_table
from converters.photo_sampling import stratified
from converters.photo_statistics import thumbnail
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
        thumbnail: RGB levels of 16 x 16 areas, once ``readable`` looked at it.
    """

    path: Path
    name: str
    label: Label | None = None
    thumbnail: bytes = field(default=b"", repr=False, compare=False)

    @property
    def stratum(self) -> str:
        """What photos of the same class have in common."""
        return "" if self.label is None else self.label.group

    @property
    def cluster(self) -> str:
        """What photos of the same thing have in common, by table or by name."""
        if self.label is not None and self.label.cluster:
            return f"group {self.label.cluster}"
        return cluster_of_name(self.name)


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
            seen = "is a file" if folder.exists() else "no such folder"
            raise InputFileError(f"{folder}: {seen}; expected a folder of photos")
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
        return self._chosen(stratified(self.photos, count, seed, one_of_each=True))

    def split(
        self, fraction: float = 0.2, *, seed: int
    ) -> tuple["PhotoSet", "PhotoSet"]:
        """Return a held-out part and the rest, without a photo in common.

        Photos whose table or names say that they show the same thing stay together.

        Args:
            fraction: Share of the photos that is held out, in proportion from every
                class or sub-folder; in (0, 1).
            seed: Decides which.
        """
        if not 0 < fraction < 1:
            raise ValueError(f"fraction must be in (0, 1), got {fraction}")
        first = {photo.cluster: photo for photo in reversed(self.photos)}
        count = round(fraction * len(first))
        firsts = list(first.values())[::-1]
        drawn = stratified(firsts, count, seed, one_of_each=False)
        kept = {photo.cluster for photo in drawn}
        held_out = {photo for photo in self.photos if photo.cluster in kept}
        return self._chosen(held_out), self._chosen(set(self.photos) - held_out)

    def readable(self, spec: DecodeSpec) -> tuple["PhotoSet", tuple[str, ...]]:
        """Decode every photo once; return those that can be, and the others' names.

        Those returned have their thumbnails.

        Raises:
            CalibrationError: More than 5 % of them cannot.
        """
        looked_at = [_looked_at(photo, spec) for photo in self.photos]
        readable = [photo for photo in looked_at if photo.thumbnail]
        damaged = [photo.name for photo in looked_at if not photo.thumbnail]
        if len(damaged) > _MAX_DAMAGED * len(self.photos):
            raise CalibrationError(
                f"{self.folder}: {len(damaged)} of {len(self.photos)} images cannot be "
                f"read, more than {_MAX_DAMAGED:.0%}, such as {damaged[0]}; remove them "
                "or get whole copies"
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

    def thumbnails(self) -> Thumbnails:
        """Return the photos' thumbnails; ``readable`` has looked at them."""
        joined = b"".join(photo.thumbnail for photo in self.photos)
        return np.frombuffer(joined, np.uint8).reshape(len(self.photos), -1)

    def clusters(self) -> NDArray[np.intp]:
        """Return a number for each photo, the same for photos of the same thing."""
        return clusters([photo.cluster for photo in self.photos], self.thumbnails())

    def without(self, left_out: Sequence[bool] | NDArray[np.bool_]) -> "PhotoSet":
        """Return the photos that are not left out."""
        pairs = zip(self.photos, left_out, strict=True)
        return self._chosen(photo for photo, is_left_out in pairs if not is_left_out)

    def digests(self) -> tuple[str, ...]:
        """Return the SHA-256 of each photo's bytes, in hex."""
        return tuple(
            hashlib.sha256(
                read_file(photo.path, what="an image", limit=_FILE_LIMIT)
            ).hexdigest()
            for photo in self.photos
        )

    def sha256(self) -> str:
        """Return a digest of the names and the bytes of the photos, in hex."""
        digest = hashlib.sha256()
        for photo, own in zip(self.photos, self.digests(), strict=True):
            digest.update(f"{photo.name}\0{own}\n".encode("utf-8", "surrogateescape"))
        return digest.hexdigest()

    def _chosen(self, photos: Iterable[Photo]) -> "PhotoSet":
        return replace(self, photos=tuple(sorted(photos, key=lambda photo: photo.name)))


def _folder_labels(names: Sequence[str]) -> dict[str, Label]:
    return {
        name: Label(text=name.partition("/")[0], origin=f"sub-folder {name!r}")
        for name in names
        if "/" in name
    }


def _looked_at(photo: Photo, spec: DecodeSpec) -> Photo:
    """Return the photo with its thumbnail, which stays empty if it is damaged."""
    try:
        pixels = read_image(photo.path, spec)
    except (ImageError, InputFileError):
        return photo
    return replace(photo, thumbnail=thumbnail(pixels))
