"""A training's state on disk: written whole after every epoch, taken up after a kill."""

import contextlib
import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeclf.errors import OutputFileError
from edgeclf.files import write_atomically

__all__ = [
    "Arrays",
    "EpochRecord",
    "StateFile",
    "TrainingState",
    "remove_states",
    "setbacks",
]

Arrays = Sequence[NDArray[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochRecord:
    """What an epoch came to, on the photos that were held out.

    Attributes:
        epoch: 0 is before any training.
        loss: Of the held-out photos.
        agreement: Share of them with the teacher's top-1.
        accuracy: Share with the right one; ``None`` without labels.
    """

    epoch: int
    loss: float
    agreement: float
    accuracy: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingState:
    """All that an interrupted training needs to go on as if it had not been.

    Attributes:
        history: One record an epoch, from 0 on.
        variables: Of the model, every one of them.
        optimizer: Of the optimizer.
        best: Variables of the model after its best epoch.
    """

    history: tuple[EpochRecord, ...]
    variables: Arrays = field(repr=False)
    optimizer: Arrays = field(repr=False)
    best: Arrays = field(repr=False)

    @property
    def best_record(self) -> EpochRecord:
        """The epoch with the smallest held-out loss; the first of equals."""
        return min(self.history, key=lambda record: record.loss)


_SETBACK = 1.25
"""How many times the best loss is one that tells of too large steps."""


def setbacks(history: Sequence[EpochRecord]) -> tuple[int, ...]:
    """Return the epochs that ended much worse than the best one before them."""
    found: list[int] = []
    best = history[0].loss
    for record in history[1:]:
        if not record.loss <= _SETBACK * best:
            found.append(record.epoch)
        best = min(best, record.loss)
    return tuple(found)


class StateFile:
    """A training's state in a folder, under the key of what determines the training.

    Args:
        folder: Made when it is first written to; ``None`` keeps nothing.
        key: Another key is another training, whose file is left alone.
    """

    def __init__(self, folder: Path | None, key: str) -> None:
        self._path = None if folder is None else folder / f"recover-{key[:32]}.npz"

    def read(self) -> TrainingState | None:
        """Return what was written last, or ``None``; a damaged file counts as none."""
        if self._path is None or not self._path.is_file():
            return None
        try:
            with (
                self._path.open("rb") as file,  # a damaged one stays open in np.load
                np.load(file, allow_pickle=False) as archive,
            ):
                return _unpacked(dict(archive))
        except (EOFError, KeyError, ValueError, OSError, zipfile.BadZipFile):
            return None

    def write(self, state: TrainingState) -> None:
        """Replace what was written before, in one step.

        Raises:
            OutputFileError: The disk is full, or the folder cannot be made.
        """
        if self._path is None:
            return
        try:
            self._path.parent.mkdir(exist_ok=True)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise OutputFileError(
                f"cannot keep the training's state in {self._path.parent}: {reason}"
            ) from error
        buffer = io.BytesIO()
        np.savez(buffer, **_packed(state))
        write_atomically(self._path, buffer.getvalue())


def remove_states(folder: Path) -> None:
    """Remove what trainings kept in a folder, and the folder if that was all.

    Args:
        folder: May be missing.
    """
    for pattern in ("recover-*.npz", ".recover-*.npz.*.tmp"):  # the latter by a kill
        for path in folder.glob(pattern):
            path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # not there, or not only ours
        folder.rmdir()


_GROUPS = ("variables", "optimizer", "best")


def _packed(state: TrainingState) -> dict[str, Any]:
    records = [
        [each.epoch, each.loss, each.agreement, each.accuracy] for each in state.history
    ]
    packed: dict[str, Any] = {"history": np.array(json.dumps(records))}
    for group in _GROUPS:
        for index, values in enumerate(getattr(state, group)):
            packed[f"{group}.{index}"] = values
    return packed


def _unpacked(packed: dict[str, Any]) -> TrainingState:
    records = json.loads(str(packed["history"]))
    groups = {
        group: [
            packed[f"{group}.{index}"]
            for index in range(sum(name.startswith(f"{group}.") for name in packed))
        ]
        for group in _GROUPS
    }
    return TrainingState(
        history=tuple(
            EpochRecord(epoch=epoch, loss=loss, agreement=agreement, accuracy=accuracy)
            for epoch, loss, agreement, accuracy in records
        ),
        **groups,
    )
