"""Interpret the pickle of a torch state dict without running any code from it.

A pickle is a program for a stack machine, and its ``GLOBAL`` and ``REDUCE`` steps can
name and call anything that Python can import. This machine knows only the steps that a
state dict needs, builds plain values, and calls nothing: a global stays a name, and the
few names that state dicts use stand for values made here.

Source:
    Opcodes: CPython's ``pickletools``. Shape of the calls: ``torch._utils`` and
    ``torch.serialization`` of PyTorch 1.0 to 2.13.
"""

import pickletools
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

__all__ = ["StorageKey", "TensorView", "read_state_pickle"]

_STORAGE_DTYPES = {
    "torch.BoolStorage": "?",
    "torch.ByteStorage": "u1",
    "torch.CharStorage": "i1",
    "torch.DoubleStorage": "<f8",
    "torch.FloatStorage": "<f4",
    "torch.HalfStorage": "<f2",
    "torch.IntStorage": "<i4",
    "torch.LongStorage": "<i8",
    "torch.ShortStorage": "<i2",
}


@dataclass(frozen=True, slots=True)
class StorageKey:
    """A run of numbers that lies elsewhere in the checkpoint.

    Attributes:
        key: Its name there.
        dtype: What it stores.
        count: How many numbers.
    """

    key: str
    dtype: np.dtype[Any]
    count: int


@dataclass(frozen=True, slots=True)
class TensorView:
    """A tensor as a window on a storage.

    Attributes:
        storage: Where the numbers are.
        offset: First number.
        shape: Sides.
        strides: Steps of each side, in numbers.
    """

    storage: StorageKey
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.shape) != len(self.strides) or len(self.shape) > 8:
            raise ValueError(f"a tensor has {len(self.shape)} sides")
        if min((self.offset, *self.shape, *self.strides)) < 0:
            raise ValueError("a tensor has a negative size")
        if self.size == 0:
            return
        last = self.offset + sum(
            (side - 1) * step
            for side, step in zip(self.shape, self.strides, strict=True)
        )
        if last >= self.storage.count or self.size > self.storage.count:
            raise ValueError("a tensor reaches beyond its storage")

    @property
    def size(self) -> int:
        """How many numbers it holds."""
        size = 1
        for side in self.shape:
            size *= side
        return size


@dataclass(frozen=True, slots=True)
class _Global:
    name: str


def read_state_pickle(stream: BinaryIO) -> object:
    """Return the value that the pickle at the stream's position describes.

    The stream ends up behind the pickle. Values are None, bool, int, float, str,
    tuple, list, dict with text keys, and :class:`TensorView`.

    Raises:
        ValueError: It is damaged, or does anything that a state dict does not need.
    """
    return _Machine().run(stream)


class _Machine:
    """The stack, the memo, and one method for each step that is known."""

    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}
        self._steps: dict[str, Any] = {
            "PROTO": lambda _: None,
            "MARK": lambda _: self._marks.append(len(self._stack)),
            "NONE": lambda _: self._push(None),
            "NEWTRUE": lambda _: self._push(True),
            "NEWFALSE": lambda _: self._push(False),
            "EMPTY_TUPLE": lambda _: self._push(()),
            "EMPTY_LIST": lambda _: self._push([]),
            "EMPTY_DICT": lambda _: self._push({}),
            "TUPLE": lambda _: self._push(tuple(self._pop_to_mark())),
            "TUPLE1": lambda _: self._push(tuple(self._pop(1))),
            "TUPLE2": lambda _: self._push(tuple(self._pop(2))),
            "TUPLE3": lambda _: self._push(tuple(self._pop(3))),
            "APPEND": lambda _: self._append(self._pop(1)),
            "APPENDS": lambda _: self._append(self._pop_to_mark()),
            "SETITEM": lambda _: self._set_items(self._pop(2)),
            "SETITEMS": lambda _: self._set_items(self._pop_to_mark()),
            "GLOBAL": lambda arg: self._push(_Global(arg.replace(" ", "."))),
            "BINPERSID": lambda _: self._push(_storage(*self._pop(1))),
            "REDUCE": lambda _: self._push(_call(*self._pop(2))),
            # The state of an OrderedDict is the module versions: of no use here.
            "BUILD": lambda _: self._drop_state(),
        }
        for name in ("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"):
            self._steps[name] = self._push
        for name in ("BINUNICODE", "SHORT_BINSTRING", "BINSTRING"):
            self._steps[name] = self._push
        for name in ("BINPUT", "LONG_BINPUT"):
            self._steps[name] = self._put
        for name in ("BINGET", "LONG_BINGET"):
            self._steps[name] = self._get

    def run(self, stream: BinaryIO) -> object:
        for opcode, argument, _ in pickletools.genops(stream):
            if opcode.name == "STOP":
                (value,) = self._pop(1)
                if isinstance(value, _Global):
                    raise ValueError(f"it names {value.name}")
                return value
            step = self._steps.get(opcode.name)
            if step is None:
                raise ValueError(f"its pickle uses {opcode.name}")
            step(argument)
        raise ValueError("its pickle has no end")

    def _push(self, value: Any) -> None:
        self._stack.append(value)

    def _pop(self, count: int) -> list[Any]:
        floor = self._marks[-1] if self._marks else 0
        start = len(self._stack) - count
        if start < floor:
            raise ValueError("its pickle takes more than it has")
        values = self._stack[start:]
        del self._stack[start:]
        return values

    def _pop_to_mark(self) -> list[Any]:
        if not self._marks:
            raise ValueError("its pickle takes more than it has")
        values = self._pop(len(self._stack) - self._marks[-1])
        self._marks.pop()
        return values

    def _top(self, kind: type) -> Any:
        if not self._stack or not isinstance(self._stack[-1], kind):
            raise ValueError(f"its pickle has no {kind.__name__} where it needs one")
        return self._stack[-1]

    def _append(self, values: list[Any]) -> None:
        self._top(list).extend(values)

    def _set_items(self, values: list[Any]) -> None:
        target = self._top(dict)
        keys, items = values[::2], values[1::2]
        if len(keys) != len(items) or not all(isinstance(key, str) for key in keys):
            raise ValueError("its pickle has a key that is not text")
        target.update(zip(keys, items, strict=True))

    def _drop_state(self) -> None:
        self._pop(1)
        self._top(dict)

    def _put(self, slot: int) -> None:
        self._memo[slot] = self._top(object)

    def _get(self, slot: int) -> None:
        if slot not in self._memo:
            raise ValueError("its pickle recalls what it has not stored")
        self._push(self._memo[slot])


def _storage(identifier: object) -> StorageKey:
    """Return what ``("storage", type, key, location, count[, view])`` stands for."""
    match identifier:
        case ("storage", _Global(name), str(key), str(), int(count), *rest):
            if name not in _STORAGE_DTYPES:
                raise ValueError(f"it names {name}")
            if rest not in ([], [None]):
                raise ValueError("it has a view of a storage")
            return StorageKey(key, np.dtype(_STORAGE_DTYPES[name]), count)
    raise ValueError("its pickle refers to something that is not a storage")


def _call(function: object, arguments: object) -> object:
    """Return what calling one of the few known names would give."""
    match function, arguments:
        case _Global("collections.OrderedDict"), ():
            return {}
        case (
            _Global("torch._utils._rebuild_tensor_v2"),
            (StorageKey() as storage, int(offset), tuple(shape), tuple(strides), *_),
        ):
            return TensorView(storage, offset, _integers(shape), _integers(strides))
        case (
            _Global("torch._utils._rebuild_parameter"),
            (TensorView() as tensor, *_),
        ):
            return tensor
        case _Global(name), _:
            raise ValueError(f"it calls {name}")
    raise ValueError("its pickle calls what is not a function")


def _integers(values: tuple[object, ...]) -> tuple[int, ...]:
    whole = tuple(value for value in values if isinstance(value, int))
    if len(whole) != len(values):
        raise ValueError("a tensor has a size that is not a whole number")
    return whole
