"""Putting edgeclf's metadata into an ``.onnx`` file without touching the model.

A protobuf message is a row of fields, and a repeated field may stand anywhere in it:
earlier entries of ours are cut out, new ones put at the end.
"""

from edgeclf.modelfile.own_metadata import (
    encode_labels,
    encode_preprocess,
    encode_task,
)
from edgeclf.modelfile.protobuf import Message, field_bytes, spans
from edgeclf.types import PreprocessSpec, Task

__all__ = ["LABELS_KEY", "NAME_KEY", "PREPROCESS_KEY", "TASK_KEY", "embed_in_onnx"]

LABELS_KEY = "edgeclf.labels"
NAME_KEY = "edgeclf.name"
PREPROCESS_KEY = "edgeclf.preprocess"
TASK_KEY = "edgeclf.task"

_MODEL_METADATA_PROPS = 14
_ENTRY_KEY, _ENTRY_VALUE = 1, 2
_OWN = "edgeclf."


def embed_in_onnx(
    data: bytes,
    *,
    name: str,
    preprocess: PreprocessSpec,
    task: Task,
    labels: tuple[str, ...],
) -> bytes:
    """Return the file with edgeclf's ``metadata_props`` replaced.

    Raises:
        DamagedError: The bytes are no protobuf message.
    """
    entries = {
        NAME_KEY: name,
        PREPROCESS_KEY: encode_preprocess(preprocess),
        TASK_KEY: encode_task(task),
        LABELS_KEY: encode_labels(labels),
    }
    view = memoryview(data)
    kept = [
        view[start:end]
        for field, value, start, end in spans(view)
        if not (field == _MODEL_METADATA_PROPS and _is_own(value))
    ]
    added = [_entry(key, value) for key, value in entries.items()]
    return b"".join([*kept, *added])


def _is_own(value: int | memoryview) -> bool:
    if not isinstance(value, memoryview):
        return False
    return Message(value).text(_ENTRY_KEY).startswith(_OWN)


def _entry(key: str, value: str) -> bytes:
    content = field_bytes(_ENTRY_KEY, key.encode())
    content += field_bytes(_ENTRY_VALUE, value.encode())
    return field_bytes(_MODEL_METADATA_PROPS, content)
