"""``labels.txt``: one label a line, in the order of the scores."""

from collections.abc import Sequence

from edgeclf.texts import CONTROL_CHARACTERS

__all__ = ["decode_labels", "encode_labels"]

_MAX_LENGTH = 500


def encode_labels(labels: Sequence[str], *, classes: int) -> bytes:
    """Return the file: UTF-8, each label followed by one line feed.

    Raises:
        ValueError: Another number of labels than classes, or a label that is empty,
            longer than 500 characters or has a control character.
    """
    for number, label in enumerate(labels, start=1):
        _check_label(number, label)
    _check_count(len(labels), classes)
    try:
        return "".join(f"{label}\n" for label in labels).encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"a label is not Unicode text: {error.reason}") from error


def decode_labels(data: bytes, *, classes: int) -> tuple[str, ...]:
    """Return the labels of the file.

    Raises:
        ValueError: As ``encode_labels``, or bytes that are not UTF-8, or no line feed
            at the end.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"labels.txt is not UTF-8 at byte {error.start}") from error
    if not text.endswith("\n"):
        raise ValueError("labels.txt does not end with a line feed")
    labels = text[:-1].split("\n")
    for number, label in enumerate(labels, start=1):
        _check_label(number, label)
    _check_count(len(labels), classes)
    return tuple(labels)


def _check_label(number: int, label: str) -> None:
    if not label or len(label) > _MAX_LENGTH:
        raise ValueError(
            f"labels.txt, line {number}: a label has 1 to {_MAX_LENGTH} characters, "
            f"this one {len(label)}"
        )
    if CONTROL_CHARACTERS.search(label):
        raise ValueError(
            f"labels.txt, line {number}: control character in {label[:80]!r}"
        )


def _check_count(labels: int, classes: int) -> None:
    if labels != classes:
        raise ValueError(f"labels.txt has {labels} labels, the model {classes} classes")
