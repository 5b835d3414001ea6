"""Read a PyTorch checkpoint's state dict without torch and without trusting it.

Both file formats of ``torch.save``: the zip archive (PyTorch 1.6 and later) and the
legacy run of pickles. Nothing in the file is executed; see ``state_pickle``.

Source:
    ``torch.serialization``: ``_legacy_save`` and ``_save`` of PyTorch 1.0 to 2.13.
"""

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converters.state_pickle import StorageKey, TensorView, read_state_pickle
from edgeclf.errors import InputFileError
from edgeclf.files import read_file

__all__ = ["StateDict", "parse_checkpoint", "read_checkpoint"]

StateDict = Mapping[str, NDArray[Any]]
"""Tensors by name; read-only arrays in torch's own axis order."""

_LIMIT = 2 * 1024**3
_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_DAMAGE = (ValueError, EOFError, NotImplementedError, zipfile.BadZipFile)
"""What this module and ``zipfile`` raise for damaged files."""
_WRAPPERS = ("state_dict", "model_state_dict", "model")


def read_checkpoint(path: Path) -> StateDict:
    """Return the tensors of a ``.pth`` file by name.

    Raises:
        InputFileError: It is missing, damaged, no state dict, or holds anything but
            tensors, numbers and text.
    """
    data = read_file(path, what="a PyTorch checkpoint", limit=_LIMIT)
    return parse_checkpoint(data, name=str(path))


def parse_checkpoint(data: bytes, *, name: str) -> StateDict:
    """Return the tensors of a checkpoint's bytes by name.

    Args:
        data: The whole file.
        name: What to call it in a message.

    Raises:
        InputFileError: As :func:`read_checkpoint`.
    """
    try:
        if data.startswith(b"PK\x03\x04"):
            return _read_zip(data)
        if data.startswith(b"\x80\x02\x8a\x0a"):
            return _read_legacy(data)
    except _DAMAGE as error:
        reason = " ".join(str(error).split()) or "it ends too early"
        raise InputFileError(
            f"{name}: not a plain PyTorch state dict: {reason}; save one with "
            "torch.save(model.state_dict(), FILE)"
        ) from error
    raise InputFileError(f"{name}: not a PyTorch checkpoint; expected a .pth file")


def _read_zip(data: bytes) -> StateDict:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {info.filename: info for info in archive.infolist()}
        roots = [name for name in members if name.endswith("/data.pkl")]
        if len(roots) != 1:
            raise ValueError("the zip file has no data.pkl")
        root = roots[0].removesuffix("data.pkl")

        def load(member: str) -> bytes:
            info = members.get(root + member)
            if info is None:
                raise ValueError(f"{member} is missing")
            if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1:
                raise ValueError(f"{member} is compressed or encrypted")
            return archive.read(info)

        if root + "byteorder" in members and load("byteorder") != b"little":
            raise ValueError("it was saved on a big-endian machine")
        tensors = _tensors(read_state_pickle(io.BytesIO(load("data.pkl"))))
        storages = {view.storage for view in tensors.values()}
        raw = {key.key: load(f"data/{key.key}") for key in storages}
    return _arrays(tensors, raw)


def _read_legacy(data: bytes) -> StateDict:
    stream = io.BytesIO(data)
    if read_state_pickle(stream) != _LEGACY_MAGIC:
        raise ValueError("its magic number is wrong")
    read_state_pickle(stream)  # protocol version: 1001 in every release
    system = read_state_pickle(stream)
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise ValueError("it was saved on a big-endian machine")
    tensors = _tensors(read_state_pickle(stream))
    keys = read_state_pickle(stream)
    storages = {view.storage.key: view.storage for view in tensors.values()}
    if not isinstance(keys, list) or set(keys) != set(storages):
        raise ValueError("its list of storages does not fit its tensors")
    raw = {key: _read_legacy_storage(stream, storages[key]) for key in keys}
    if stream.read(1):
        raise ValueError("it goes on after its last tensor")
    return _arrays(tensors, raw)


def _read_legacy_storage(stream: io.BytesIO, storage: StorageKey) -> bytes:
    count = int.from_bytes(stream.read(8), "little")
    if count != storage.count:
        raise ValueError(f"storage {storage.key} has {count} numbers")
    return stream.read(count * storage.dtype.itemsize)


def _tensors(value: object) -> dict[str, TensorView]:
    """Return the tensors of a state dict, or of the one inside a training checkpoint."""
    if isinstance(value, dict):
        for wrapper in _WRAPPERS:
            if isinstance(value.get(wrapper), dict):
                return _tensors(value[wrapper])
    if not isinstance(value, dict) or not value:
        raise ValueError("it holds no state dict")
    others = [name for name, item in value.items() if not isinstance(item, TensorView)]
    if others:
        raise ValueError(f"{others[0]!r} is not a tensor")
    return value


def _arrays(tensors: Mapping[str, TensorView], raw: Mapping[str, bytes]) -> StateDict:
    return {name: _array(view, raw[view.storage.key]) for name, view in tensors.items()}


def _array(view: TensorView, raw: bytes) -> NDArray[Any]:
    dtype = view.storage.dtype
    if len(raw) != view.storage.count * dtype.itemsize:
        raise ValueError(f"storage {view.storage.key} is cut short")
    flat = np.frombuffer(raw, dtype)[view.offset :]
    strides = [step * dtype.itemsize for step in view.strides]
    return np.lib.stride_tricks.as_strided(flat, view.shape, strides, writeable=False)
