"""Which kind of model file some bytes are, and what it says."""

from edgeclf.errors import ModelFileError
from edgeclf.modelfile.damage import DamagedError
from edgeclf.modelfile.description import ModelFile
from edgeclf.modelfile.onnx_file import is_onnx, read_onnx
from edgeclf.modelfile.tflite_file import is_tflite, read_tflite
from edgeclf.types import ModelFormat

__all__ = ["model_format", "read_model_file"]

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
    if is_tflite(data):
        return "tflite"
    for start, what, advice in _STRANGERS:
        if data.startswith(start) or (start == b"ORTM" and data[4:8] == start):
            then = f"; {advice}" if advice else ""
            raise ModelFileError(f"{name}: {what}, {_WANTED}{then}")
    if is_onnx(data):
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
    read = read_tflite if model_format(data, name=name) == "tflite" else read_onnx
    try:
        return read(data, name=name)
    except DamagedError as error:
        raise ModelFileError(
            f"{name}: the model file is damaged or cut short: {error}; "
            "copy or export it again"
        ) from error


def _unknown(data: bytes) -> str:
    if not data:
        return "the file is empty"
    head = data[:512]
    if all(byte >= 32 or byte in b"\t\r\n\f" for byte in head):
        return "a text file"
    return f"no model file that begins with {head[:8].hex(' ')}"
