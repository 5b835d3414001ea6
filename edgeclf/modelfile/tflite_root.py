"""The root of a ``.tflite`` file and its byte strings, in the flatbuffer or behind it.

A flatbuffer ends at 2 GB. Larger files have weights behind it, and so have those that
litert-quantizer writes::

    flatbuffer │ weights, weights, … │ zip

A buffer then holds where its bytes begin, counted from the file's first, and how many
there are. An engine adds the two in 64 bits and may not see that they run over.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeclf.modelfile import tflite_schema as schema
from edgeclf.modelfile.damage import DamagedError
from edgeclf.modelfile.flatbuffer import Table, root_table

__all__ = ["TfliteRoot", "open_tflite"]

_NOT_OUTSIDE = 1
"""Offsets up to it stand for none: what a writer put there before it knew."""


@dataclass(frozen=True, slots=True)
class TfliteRoot:
    """A model and what is stored for it.

    Attributes:
        model: The root table; it leads nowhere beyond the flatbuffer.
        flatbuffer_bytes: How many bytes of the file are the flatbuffer, and a zip
            behind it where nothing lies outside.
        buffers: The content of each buffer, sharing the file's bytes.
        outside: Numbers of the buffers behind the flatbuffer, and their places.
    """

    model: Table
    flatbuffer_bytes: int
    buffers: Sequence[NDArray[Any]]
    outside: Mapping[int, range]


def open_tflite(data: bytes) -> TfliteRoot:
    """Return the root of a model.

    Raises:
        DamagedError: It is no model, or a buffer lies where it cannot.
    """
    model = root_table(memoryview(data), schema.IDENTIFIER)
    tables = model.tables(schema.MODEL_BUFFERS)
    outside = _places(tables, len(data))
    end = min((place.start for place in outside.values() if place), default=len(data))
    if outside:
        model = root_table(memoryview(data)[:end], schema.IDENTIFIER)
        tables = model.tables(schema.MODEL_BUFFERS)
    stored = np.frombuffer(data, np.uint8)
    return TfliteRoot(
        model=model,
        flatbuffer_bytes=end,
        buffers=[
            stored[outside[number].start : outside[number].stop]
            if number in outside
            else table.array(schema.BUFFER_DATA, "u1")
            for number, table in enumerate(tables)
        ],
        outside=outside,
    )


def _places(tables: Sequence[Table], file_bytes: int) -> dict[int, range]:
    """Return where buffers lie that are not in the flatbuffer."""
    places = {}
    for number, table in enumerate(tables):
        start = int(table.scalar(schema.BUFFER_OFFSET, "Q"))
        if start <= _NOT_OUTSIDE:
            continue
        place = range(start, start + int(table.scalar(schema.BUFFER_SIZE, "Q")))
        if place.stop > file_bytes:
            raise DamagedError(
                f"buffer {number} is at bytes {place.start} to {place.stop} of "
                f"{file_bytes}"
            )
        if table.has(schema.BUFFER_DATA):
            raise DamagedError(f"buffer {number} is both in and behind the flatbuffer")
        places[number] = place
    _check_apart(places)
    return places


def _check_apart(places: Mapping[int, range]) -> None:
    """Refuse places that overlap; the very same place may serve several buffers."""
    distinct = {place for place in places.values() if place}
    for one, other in pairwise(sorted(distinct, key=lambda place: place.start)):
        if other.start < one.stop:
            raise DamagedError(
                f"two buffers overlap: bytes {one.start} to {one.stop} and "
                f"{other.start} to {other.stop}"
            )
