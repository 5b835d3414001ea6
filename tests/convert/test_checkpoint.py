"""Checkpoints are read without torch, and nothing in them is run."""

import contextlib
import io
import pickle  # noqa: TID251 - makes the files that the reader must refuse
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.checkpoint import parse_checkpoint, read_checkpoint
from edgeclf.errors import InputFileError

MAGIC = 0x1950A86A20F9469CFC6C
SYSTEM = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"int": 4}}


class Named:
    """Pickles as a bare global, such as ``torch FloatStorage``."""

    def __init__(self, name: str) -> None:
        self.name = name


class Call:
    """Pickles as a call of a global with arguments."""

    def __init__(self, name: str, *arguments: object) -> None:
        self.function, self.arguments = Named(name), arguments

    def __reduce__(self) -> Any:
        return _never, (self.function, self.arguments)


class Storage:
    """Pickles as a persistent reference to numbers."""

    def __init__(self, key: str, values: "np.ndarray[Any, Any]", kind: str) -> None:
        self.key, self.values, self.kind = key, values, kind


def _never(*_: object) -> None:
    raise AssertionError("a checkpoint's code was run")


_PythonPickler: Any = pickle._Pickler  # Python's own: its steps can be replaced


class Writer(_PythonPickler):  # type: ignore[misc] # its type is Any
    """Writes what torch writes, so that torch is not needed to test."""

    zipped = False

    def persistent_id(self, obj: object) -> Any:
        if not isinstance(obj, Storage):
            return None
        head = ("storage", Named(f"torch {obj.kind}"), obj.key, "cpu", len(obj.values))
        return head if self.zipped else (*head, None)

    def save(self, obj: object, save_persistent_id: bool = True) -> None:
        if isinstance(obj, Named):
            module, _, name = obj.name.partition(" ")
            self.write(f"c{module}\n{name}\n".encode())
        elif isinstance(obj, Call):
            self.save(obj.function)
            self.save(obj.arguments)
            self.write(b"R")
        else:
            super().save(obj, save_persistent_id)


def dump(value: object, *, zipped: bool = False) -> bytes:
    file = io.BytesIO()
    writer = Writer(file, protocol=2)
    writer.zipped = zipped
    writer.dump(value)
    return file.getvalue()


def tensor(
    values: "np.ndarray[Any, Any]",
    *,
    key: str = "0",
    kind: str = "FloatStorage",
    offset: int = 0,
    shape: object = None,
    strides: object = None,
) -> Call:
    contiguous = tuple(s // values.itemsize for s in values.strides)
    return Call(
        "torch._utils _rebuild_tensor_v2",
        Storage(key, values.ravel(), kind),
        offset,
        values.shape if shape is None else shape,
        contiguous if strides is None else strides,
        False,
        OrderedDict(),
    )


def legacy(state: object, storages: dict[str, "np.ndarray[Any, Any]"]) -> bytes:
    parts = [dump(MAGIC), dump(1001), dump(SYSTEM), dump(state), dump(list(storages))]
    for values in storages.values():
        parts += [struct.pack("<q", values.size), values.tobytes()]
    return b"".join(parts)


def zipped(
    state: object,
    storages: dict[str, "np.ndarray[Any, Any]"],
    *,
    compression: int = zipfile.ZIP_STORED,
    byteorder: bytes = b"little",
) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        archive.writestr("net/data.pkl", dump(state, zipped=True))
        archive.writestr("net/byteorder", byteorder)
        for key, values in storages.items():
            archive.writestr(f"net/data/{key}", values.tobytes())
    return file.getvalue()


VALUES = np.arange(6, dtype=np.float32).reshape(2, 3)
COUNT = np.array([7], np.int64)


def state() -> dict[str, Any]:
    return {
        "fc.weight": tensor(VALUES),
        "seen": tensor(COUNT, key="1", kind="LongStorage", shape=(), strides=()),
    }


@pytest.mark.parametrize("write", [legacy, zipped])
def test_both_formats_give_the_tensors_by_name(write: Callable[..., bytes]) -> None:
    read = parse_checkpoint(write(state(), {"0": VALUES, "1": COUNT}), name="net.pth")

    assert list(read) == ["fc.weight", "seen"]
    assert np.array_equal(read["fc.weight"], VALUES)
    assert read["fc.weight"].dtype == np.float32
    assert read["seen"].shape == ()
    assert int(read["seen"]) == 7


@pytest.mark.parametrize("write", [legacy, zipped])
def test_a_transposed_view_and_an_offset_are_followed(
    write: Callable[..., bytes],
) -> None:
    view = {"w": tensor(VALUES, offset=1, shape=(2, 2), strides=(1, 3))}

    read = parse_checkpoint(write(view, {"0": VALUES}), name="net.pth")

    assert read["w"].tolist() == [[1, 4], [2, 5]]


def test_a_training_checkpoint_s_state_dict_is_found() -> None:
    whole = {"epoch": 3, "loss": 0.5, "state_dict": {"w": tensor(VALUES)}}

    assert list(parse_checkpoint(zipped(whole, {"0": VALUES}), name="x")) == ["w"]


def test_parameters_are_tensors_too() -> None:
    parameter = Call("torch._utils _rebuild_parameter", tensor(VALUES), True, {})

    read = parse_checkpoint(zipped({"w": parameter}, {"0": VALUES}), name="x")

    assert np.array_equal(read["w"], VALUES)


def unsafe() -> dict[str, object]:
    return {
        "it calls os.system": {"w": Call("os system", "touch owned")},
        "it calls builtins.eval": {"w": Call("builtins eval", "1")},
        "it calls torch.load": {"w": Call("torch load", "x")},
        "it calls collections.OrderedDict": {
            "w": Call("collections OrderedDict", [("a", 1)])
        },
        "it names torch.BFloat16Storage": {"w": tensor(VALUES, kind="BFloat16Storage")},
        "'w' is not a tensor": {"w": Named("os system")},
        "its pickle has a key that is not text": {1: tensor(VALUES)},
        "a tensor reaches beyond its storage": {"w": tensor(VALUES, offset=1)},
        "beyond its storage": {"w": tensor(VALUES, shape=(9, 9, 9), strides=(0, 0, 0))},
        "a tensor has a negative size": {"w": tensor(VALUES, strides=(-3, 1))},
        "a tensor has 2 sides": {"w": tensor(VALUES, strides=(1,))},
        "a size that is not a whole number": {"w": tensor(VALUES, shape=(2.0, 3))},
        "it holds no state dict": [tensor(VALUES)],
        "'step' is not a tensor": {"w": tensor(VALUES), "step": 3},
    }


@pytest.mark.parametrize("message", unsafe())
@pytest.mark.parametrize("write", [legacy, zipped])
def test_anything_but_a_state_dict_is_refused_in_one_line(
    message: str, write: Callable[..., bytes]
) -> None:
    data = write(unsafe()[message], {"0": VALUES})

    with pytest.raises(InputFileError, match=message) as caught:
        parse_checkpoint(data, name="net.pth")

    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("net.pth: ")


@pytest.mark.parametrize(
    "program",
    [
        b"\x80\x02cos\nsystem\n(S'touch x'\ntR.",
        b"\x80\x02(S'touch x'\nios\nsystem\n.",
        b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x01x\x85R.",
        b"\x80\x02ccopyreg\n_reconstructor\n(cos\nPathLike\ncbuiltins\nobject\nNtR.",
        b"\x80\x02}X\x01\x00\x00\x00ah\x09s.",
        b"\x80\x02R.",
        b"\x80\x02(((.",
        b"\x80\x02t.",
        b"\x80\x02]}b.",
        b"\x80\x02",
        b"\x80\x02N",
    ],
)
def test_hand_made_programs_are_refused(program: bytes) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("net/data.pkl", program)

    with pytest.raises(InputFileError, match=r"net\.pth: not a plain PyTorch"):
        parse_checkpoint(file.getvalue(), name="net.pth")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"hello", "not a PyTorch checkpoint"),
        (b"PK\x03\x04 but no zip", "not a plain PyTorch state dict"),
        (legacy(state(), {"0": VALUES, "1": COUNT})[:-1], "storage 1 is cut short"),
        (legacy(state(), {"0": VALUES, "1": COUNT}) + b"x", "goes on after"),
        (legacy(state(), {"0": VALUES}), "list of storages"),
        (legacy(state(), {"0": VALUES, "1": VALUES}), "storage 1 has 6 numbers"),
        (zipped(state(), {"0": VALUES}), "data/1 is missing"),
        (zipped(state(), {"0": VALUES, "1": VALUES}), "storage 1 is cut short"),
        (zipped({}, {}), "it holds no state dict"),
        (
            zipped(state(), {"0": VALUES, "1": COUNT}, byteorder=b"big"),
            "big-endian",
        ),
        (
            zipped(
                state(),
                {"0": VALUES, "1": COUNT},
                compression=zipfile.ZIP_DEFLATED,
            ),
            "is compressed",
        ),
    ],
)
def test_damaged_and_foreign_files_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(InputFileError, match=message):
        parse_checkpoint(data, name="net.pth")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="no such file"):
        read_checkpoint(tmp_path / "none.pth")


@pytest.mark.parametrize("write", [legacy, zipped])
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_any_flipped_bit_is_read_or_refused_in_order(
    write: Callable[..., bytes], place: float, bit: int
) -> None:
    data = bytearray(write(state(), {"0": VALUES, "1": COUNT}))
    data[int(place * len(data))] ^= 1 << bit

    with contextlib.suppress(InputFileError):
        parse_checkpoint(bytes(data), name="net.pth")


@given(st.binary(max_size=200))
def test_any_bytes_as_a_pickle_are_refused_in_order(program: bytes) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("net/data.pkl", program)

    with pytest.raises(InputFileError):
        parse_checkpoint(file.getvalue(), name="net.pth")
