"""Which kind of model file some bytes are, and what it says."""

from collections.abc import Callable

from edgeclf.errors import ModelFileError
from edgeclf.modelfile.damage import DamagedError, damaged
from edgeclf.modelfile.description import ModelFile
from edgeclf.types import ModelFormat

__all__ = ["model_format", "read_model_file"]

_TFLITE_IDENTIFIER = b"TFL3"
# What may follow the IR version in a ModelProto: tags of fields 2 to 8 and 14.
_ONNX_SECOND_TAGS = frozenset(b"\x12\x1a\x22\x28\x32\x3a\x42\x72")

# What people hand over by mistake: how it begins, what it is, what to do.
_STRANGERS = (
    (b"PK\x03\x04", "a zip archive (a .keras file is one)", "use `edgeclf convert`"),
    (b"\x89HDF\r\n", "an HDF5 file (.h5)", "use `edgeclf convert`"),
    (b"\x89PNG", "a PNG picture", ""),
    (b"\xff\xd8\xff", "a JPEG picture", ""),
    (b"ORTM", "an ORT model", "use the .onnx file that it was made from"),
    (b"\x80\x02", "a PyTorch checkpoint", "use `edgeclf convert`"),
)
_WANTED = "expected a .tflite or .onnx model"


def model_format(data: bytes, *, name: str) -> ModelFormat:
    """Return which format the bytes have, whatever the file is called.

    Args:
        data: The whole file.
        name: For messages: the path.

    Raises:
        ModelFileError: It is neither; the message says what it is instead.
    """
    if data[4:8] == _TFLITE_IDENTIFIER:
        return "tflite"
    for start, what, advice in _STRANGERS:
        if data.startswith(start) or (start == b"ORTM" and data[4:8] == start):
            then = f"; {advice}" if advice else ""
            raise ModelFileError(f"{name}: {what}, {_WANTED}{then}")
    if _is_onnx(data):
        return "onnx"
    raise ModelFileError(f"{name}: {_unknown(data)}, {_WANTED}")


def read_model_file(data: bytes, *, name: str) -> ModelFile:
    """Return what a ``.tflite`` or ``.onnx`` file is, without an engine.

    Args:
        data: The whole file.
        name: For messages: the path.

    Raises:
        ModelFileError: It is neither, is damaged, or is laid out in a way that
            edgeclf does not read.
    """
    read = _reader(model_format(data, name=name))
    try:
        return read(data, name=name)
    except DamagedError as error:
        raise damaged(name, error) from error


def _reader(model_format: ModelFormat) -> Callable[..., ModelFile]:
    """Return a format's reader; a start on a board pays for no other."""
    if model_format == "tflite":
        from edgeclf.modelfile.tflite_file import read_tflite  # noqa: PLC0415

        return read_tflite
    from edgeclf.modelfile.onnx_file import read_onnx  # noqa: PLC0415

    return read_onnx


def _is_onnx(data: bytes) -> bool:
    """Return whether the bytes begin as an ONNX model does: with its IR version."""
    return (
        len(data) > 2
        and data[0] == 0x08
        and 0 < data[1] < 0x80
        and data[2] in _ONNX_SECOND_TAGS
    )


def _unknown(data: bytes) -> str:
    if not data:
        return "the file is empty"
    head = data[:512]
    if all(byte >= 32 or byte in b"\t\r\n\f" for byte in head):
        return "a text file"
    return f"no model file that begins with {head[:8].hex(' ')}"
