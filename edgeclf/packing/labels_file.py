"""The labels of a model: from the user's file, or from the model's own metadata."""

from pathlib import Path

from edgeclf.errors import InputFileError, SpecError
from edgeclf.files import read_file
from edgeclf.labels import encode_labels
from edgeclf.modelfile import FileMetadata, decode_labels

__all__ = ["read_labels", "resolve_labels"]

_LARGEST = 8 << 20


def resolve_labels(
    path: Path | None, metadata: FileMetadata, *, name: str, classes: int
) -> tuple[str, ...]:
    """Return one label a class; the user's file counts before the metadata.

    Args:
        path: What ``--labels`` says.
        metadata: What the model file says.
        name: The model file, for messages.
        classes: How many labels there must be.

    Raises:
        InputFileError: The file is missing, no text, or has a label that cannot be.
        SpecError: There are no labels, or another number of them than classes.
    """
    if path is not None:
        labels, where = read_labels(path), str(path)
    elif metadata.labels is not None:
        labels, where = metadata.labels, f"the metadata of {name}"
    else:
        raise SpecError(
            f"{name} does not name its {classes} classes: give a text file with one "
            "label a line, such as --labels labels.txt"
        )
    if len(labels) != classes:
        raise SpecError(f"{where}: {_count_message(labels, classes)}")
    try:
        encode_labels(labels, classes=classes)
    except ValueError as error:
        raise InputFileError(f"{where}: {error}") from error
    return labels


def read_labels(path: Path) -> tuple[str, ...]:
    """Return the lines of a file, whatever model they are for.

    Raises:
        InputFileError: It is missing, or no text.
    """
    data = read_file(path, what="a text file with one label a line", limit=_LARGEST)
    try:
        return decode_labels(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise InputFileError(
            f"{path}: not UTF-8 text at byte {error.start}; expected one label a line"
        ) from error


def _count_message(labels: tuple[str, ...], classes: int) -> str:
    message = f"{len(labels)} labels for {classes} classes"
    if len(labels) == classes + 1 and labels[0].lower() in {"background", "dummy"}:
        return (
            f"{message}: the first label is {labels[0]!r}, a class that the model does "
            "not have; delete that line"
        )
    if len(labels) == classes - 1:
        return (
            f"{message}: models with one class more than labels usually have the class "
            "'background' first; if so, put that line at the top"
        )
    return f"{message}; one label a line is needed, in the order of the scores"
