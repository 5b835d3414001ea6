"""What edgeclf writes into a model file beyond the standard metadata.

The standard ones know mean, std and labels. The rest of a ``PreprocessSpec`` and the
meaning of the scores travel as JSON: packed as ``edgeclf.json`` behind a ``.tflite``,
as ``metadata_props`` in an ``.onnx``.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from edgeclf.modelfile.damage import DamagedError
from edgeclf.types import (
    CropSpec,
    DecodeSpec,
    PreprocessSpec,
    ResizeSpec,
    ScoreKind,
    Task,
)

__all__ = [
    "decode_labels",
    "decode_preprocess",
    "decode_task",
    "encode_labels",
    "encode_preprocess",
    "encode_task",
]


def encode_labels(labels: tuple[str, ...]) -> str:
    """Return one label a line."""
    return "".join(f"{label}\n" for label in labels)


def decode_labels(text: str) -> tuple[str, ...]:
    """Return the lines of a label file, their outer blanks and a last newline gone."""
    return tuple(line.strip() for line in text.rstrip("\r\n").split("\n"))


def encode_preprocess(spec: PreprocessSpec) -> str:
    """Return the spec as one line of JSON."""
    return json.dumps(asdict(spec), sort_keys=True, allow_nan=False)


def decode_preprocess(text: str) -> PreprocessSpec:
    """Return the spec that :func:`encode_preprocess` wrote.

    Raises:
        DamagedError: It is not such a text, or contradicts itself.
    """
    fields = _object(text)
    try:
        return PreprocessSpec(
            **{
                **fields,
                "resize": ResizeSpec(**_tupled(fields["resize"])),
                "crop": CropSpec(**_tupled(fields["crop"])),
                "decode": DecodeSpec(**fields["decode"]),
                "mean": tuple(fields["mean"]),
                "std": tuple(fields["std"]),
            }
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedError(f"its preprocessing spec cannot be read: {error}") from error


def encode_task(task: Task) -> str:
    """Return the task as one line of JSON."""
    return json.dumps(asdict(task), sort_keys=True)


def decode_task(text: str) -> ScoreKind:
    """Return what the scores are.

    Raises:
        DamagedError: It is not a text that :func:`encode_task` wrote.
    """
    try:
        return Task(**_object(text)).scores
    except (TypeError, ValueError) as error:
        raise DamagedError(f"its task cannot be read: {error}") from error


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DamagedError(f"its JSON cannot be read: {error}") from error
    if not isinstance(value, dict):
        raise DamagedError(f"its JSON is a {type(value).__name__}, not an object")
    return value


def _tupled(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in fields.items()
    }
