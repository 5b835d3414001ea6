"""What photos are labelled with, and which class of a model that is."""

import csv
import difflib
import io
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeclf.errors import InputFileError
from edgeclf.files import read_file

__all__ = ["Label", "LabelIndex", "read_label_table"]

_LIMIT = 256 * 1024**2
_FILE_COLUMNS = ("file", "filename", "image", "path")
_INDEX_COLUMNS = ("class_index", "class_id", "imagenet_class_id", "index")
_SYNSET_COLUMNS = ("synset", "wnid")
_TEXT_COLUMNS = ("label", "class", "class_name")
_CLUSTER_COLUMNS = ("group", "cluster")


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What a photo is said to show, as far as it is said.

    Attributes:
        text: A label's name, or a folder's, which may be a synset or an index too.
        synset: WordNet identifier.
        index: Class index from 0.
        cluster: Which photos show the same thing, or nothing.
        origin: Where it was read, for messages.
    """

    text: str = ""
    synset: str = ""
    index: int | None = None
    cluster: str = ""
    origin: str

    @property
    def group(self) -> str:
        """What photos of the same class have in common."""
        return f"{self.index}/{self.synset}/{self.text}"


class LabelIndex:
    """Finds a model's class for a label."""

    def __init__(self, labels: Sequence[str], synsets: Sequence[str] = ()) -> None:
        self._labels = labels
        self._classes: dict[str, set[int]] = defaultdict(set)
        for number, label in enumerate(labels):
            self._classes[_plain(label)].add(number)
            self._classes[_plain(_without_bracket(label))].add(number)
        for number, synset in enumerate(synsets):
            self._classes[synset].add(number)

    def find(self, label: Label, *, where: Path) -> int:
        """Return the one class that everything in the label agrees on.

        Args:
            label: A photo's.
            where: The photos' folder, for messages.

        Raises:
            InputFileError: There is none, or more than one.
        """
        candidates = [known for known in self._candidates(label) if known]
        names_given = bool(label.text or label.synset)
        if not candidates or (names_given and not self._names_known(label)):
            raise InputFileError(f"{where}: {self._unknown(label)}")
        common = set.intersection(*candidates)
        if len(common) != 1:
            found = "no one class" if not common else "more than one class"
            raise InputFileError(
                f"{where}: {label.origin} names {found} of the model; "
                "use the model's labels, synsets or class indices"
            )
        return common.pop()

    def _names_known(self, label: Label) -> bool:
        return any(self._named(label))

    def _named(self, label: Label) -> Iterator[set[int]]:
        yield self._by_text(label.text)
        yield self._classes.get(label.synset, set())

    def _candidates(self, label: Label) -> Iterator[set[int]]:
        yield from self._named(label)
        if label.index is not None and 0 <= label.index < len(self._labels):
            yield {label.index}

    def _by_text(self, text: str) -> set[int]:
        exact = {number for number, label in enumerate(self._labels) if label == text}
        known = exact or self._classes.get(_plain(text), set())
        if not known and text.isascii() and text.isdigit():
            number = int(text)
            return {number} if number < len(self._labels) else set()
        return known

    def _unknown(self, label: Label) -> str:
        said = label.text or label.synset or str(label.index)
        close = difflib.get_close_matches(_plain(said), self._classes, n=1)
        hint = f"did you mean {close[0]!r}?" if close else "name classes as it does"
        count = len(self._labels)
        return f"{label.origin}: {said!r} is none of the model's {count} labels; {hint}"


def read_label_table(path: Path, names: Collection[str]) -> Mapping[str, Label]:
    """Return the labels of a ``labels.csv`` by file name.

    Its header names a column for the file and at least one of class index, synset and
    label. A column ``group`` says which photos show the same thing.

    Raises:
        InputFileError: It is no such table, or a file is missing or named twice.
    """
    data = read_file(path, what="a table of labels", limit=_LIMIT)
    try:
        rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig")), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputFileError(f"{path}: not a table of UTF-8 text: {error}") from error
    columns = rows[0].keys() if rows else ()
    file = _column(columns, _FILE_COLUMNS)
    kinds = [
        _column(columns, k) for k in (_INDEX_COLUMNS, _SYNSET_COLUMNS, _TEXT_COLUMNS)
    ]
    if not file or not any(kinds):
        raise InputFileError(
            f"{path}: its first line must name a column 'file' and one of "
            "'class_index', 'synset' and 'label'"
        )
    cluster = _column(columns, _CLUSTER_COLUMNS)
    labels: dict[str, Label] = {}
    for number, row in enumerate(rows, start=2):
        name = (row[file] or "").replace("\\", "/")
        if name not in names or name in labels:
            fault = "twice" if name in labels else "and there is no such image"
            raise InputFileError(f"{path}: line {number} names {name!r} {fault}")
        index, synset, text = (
            (row[kind] or "").strip() if kind else "" for kind in kinds
        )
        labels[name] = Label(
            text=text,
            synset=synset,
            index=_whole_number(index, path, number) if index else None,
            cluster=(row[cluster] or "").strip() if cluster else "",
            origin=f"{path.name}, line {number}",
        )
    return labels


def _column(columns: Collection[str], names: Sequence[str]) -> str:
    """Return the column that has one of the names, or nothing."""
    return next(
        (c for name in names for c in columns if _plain(c or "") == _plain(name)), ""
    )


def _whole_number(text: str, path: Path, line: int) -> int:
    if not text.isascii() or not text.isdigit():
        raise InputFileError(f"{path}: line {line}: {text!r} is no class index")
    return int(text)


def _plain(text: str) -> str:
    """Return the text as people's spellings of it agree."""
    return " ".join(text.casefold().replace("_", " ").replace("-", " ").split())


def _without_bracket(label: str) -> str:
    return label.partition(" (")[0]
