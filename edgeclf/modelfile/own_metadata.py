"""What edgeclf writes into a model file beyond the standard metadata.

The standard ones know mean, std and labels. The rest of a ``PreprocessSpec`` and the
meaning of the scores travel as JSON: packed as ``edgeclf.json`` behind a ``.tflite``,
as ``metadata_props`` in an ``.onnx``.
"""

import json
from typing import TypeVar

from edgeclf.json_values import from_json_value, to_json_value
from edgeclf.modelfile.damage import DamagedError
from edgeclf.types import PreprocessSpec, ScoreKind, Task

__all__ = [
    "decode_labels",
    "decode_preprocess",
    "decode_task",
    "encode_labels",
    "encode_preprocess",
    "encode_task",
]

Value = TypeVar("Value")


def encode_labels(labels: tuple[str, ...]) -> str:
    """Return one label a line."""
    return "".join(f"{label}\n" for label in labels)


def decode_labels(text: str) -> tuple[str, ...]:
    """Return the lines of a label file, their outer blanks and a last newline gone."""
    return tuple(line.strip() for line in text.rstrip("\r\n").split("\n"))


def encode_preprocess(spec: PreprocessSpec) -> str:
    """Return the spec as one line of JSON, as a bundle's manifest has it."""
    return json.dumps(to_json_value(spec), sort_keys=True)


def decode_preprocess(text: str) -> PreprocessSpec:
    """Return the spec that :func:`encode_preprocess` wrote.

    Raises:
        DamagedError: It is not such a text, or contradicts itself.
    """
    return _decoded(PreprocessSpec, text)


def encode_task(task: Task) -> str:
    """Return the task as one line of JSON."""
    return json.dumps(to_json_value(task), sort_keys=True)


def decode_task(text: str) -> ScoreKind:
    """Return what the scores are.

    Raises:
        DamagedError: It is not a text that :func:`encode_task` wrote.
    """
    return _decoded(Task, text).scores


def _decoded(cls: type[Value], text: str) -> Value:
    try:
        return from_json_value(cls, json.loads(text), where=cls.__name__)
    except (ValueError, RecursionError) as error:
        raise DamagedError(f"its metadata cannot be read: {error}") from error
