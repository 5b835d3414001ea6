"""Frozen dataclasses to JSON values and back, led by their type hints, strictly.

Every field is written; reading refuses a missing or unknown key and a value of another
type. A message starts with the path of the value: ``model.input.shape: …``.

A field that came later has ``metadata={"json": "left out if default"}``: its key is
written only when the value is not the default, so that what was written before stays
as it is, byte for byte.
"""

import json
import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import (
    Any,
    Literal,
    NoReturn,
    TypeVar,
    Union,
    get_args,
    get_origin,
)

__all__ = ["MAX_INTEGER", "canonical_json", "from_json_value", "to_json_value"]

Value = TypeVar("Value")

MAX_INTEGER = 2**53 - 1
"""Largest integer that every JSON reader keeps exactly."""


def to_json_value(value: Any) -> Any:
    """Return a dataclass as dicts, lists, strings, numbers, booleans and ``None``.

    Raises:
        ValueError: A number that is not finite or an integer beyond ``MAX_INTEGER``.
        TypeError: A value that JSON has no word for.
    """
    return _encode(type(value), value)


def from_json_value(cls: type[Value], value: Any, *, where: str) -> Value:
    """Return the ``cls`` that ``to_json_value`` wrote.

    Args:
        cls: A dataclass.
        value: Parsed JSON.
        where: Path of the value, for messages.

    Raises:
        ValueError: Keys, types or values that do not fit; one line with the path.
    """
    record: Value = _decode_record(cls, value, where)
    return record


def canonical_json(value: Any) -> bytes:
    """Return JSON with sorted keys and no spaces, as UTF-8."""
    text = json.dumps(
        value,
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
        allow_nan=False,
    )
    return text.encode()


@cache
def _hints(cls: Any) -> Mapping[str, Any]:
    # Not typing.get_type_hints, which takes three times as long to look for strings:
    # a dataclass that is stored has none among its annotations.
    return {field.name: field.type for field in fields(cls)}


@cache
def _later_fields(cls: Any) -> Mapping[str, Any]:
    """Return the default of each field that is left out when it has it."""
    found = {
        field.name: field.default
        for field in fields(cls)
        if field.metadata.get("json") == "left out if default"
    }
    if MISSING in found.values():
        raise TypeError(f"{cls.__name__} has a field to leave out without a default")
    return found


def _encode(hint: Any, value: Any) -> Any:
    if is_dataclass(value):
        return _encode_record(type(value), value)
    if isinstance(value, Mapping):
        return {_checked_text(key): _encode(Any, item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        element = _element_hint(hint)
        return [_encode(element, item) for item in value]
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _checked_text(value)
    return _encode_number(hint, value)


def _encode_record(cls: Any, value: Any) -> dict[str, Any]:
    later = _later_fields(cls)
    return {
        name: _encode(hint, getattr(value, name))
        for name, hint in _hints(cls).items()
        if name not in later or getattr(value, name) != later[name]
    }


def _element_hint(hint: Any) -> Any:
    """Return the type of a tuple's elements; the same for all of them here."""
    for option in (hint, *get_args(hint)):
        if get_origin(option) is tuple:
            return get_args(option)[0]
    return Any


def _encode_number(hint: Any, value: Any) -> int | float:
    if isinstance(value, float) or hint is float or float in get_args(hint):
        number = float(value)
        if not math.isfinite(number):
            raise ValueError(f"{number} is no number that JSON can hold")
        return number
    return _checked_integer(operator.index(value))


def _checked_integer(value: int) -> int:
    if abs(value) > MAX_INTEGER:
        raise ValueError(f"{value} is beyond the integers that JSON keeps exactly")
    return value


def _checked_text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"a JSON key is a string, got {value!r}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{value!r} is not Unicode text") from None
    return value


def _decode(hint: Any, value: Any, where: str) -> Any:
    if is_dataclass(hint):
        return _decode_record(hint, value, where)
    origin = get_origin(hint)
    if origin in _DECODERS:
        return _DECODERS[origin](hint, value, where)
    if hint is Any:
        return _decode_any(value, where)
    return _decode_scalar(hint, value, where)


def _decode_record(cls: Any, value: Any, where: str) -> Any:
    hints = _hints(cls)
    if not isinstance(value, dict):
        _refuse(where, "an object", value)
    for name in value:
        if name not in hints:
            raise ValueError(f"{where}: unknown key {name!r}")
    for name in hints:
        if name not in value and name not in _later_fields(cls):
            raise ValueError(f"{where}: key {name!r} is missing")
    decoded = {
        name: _decode(hint, value[name], f"{where}.{name}")
        for name, hint in hints.items()
        if name in value
    }
    try:
        return cls(**decoded)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error


def _decode_literal(hint: Any, value: Any, where: str) -> Any:
    choices = get_args(hint)
    if not isinstance(value, str) or value not in choices:
        raise ValueError(
            f"{where}: expected one of {', '.join(choices)}, got {_shown(value)}"
        )
    return value


def _decode_tuple(hint: Any, value: Any, where: str) -> tuple[Any, ...]:
    elements = get_args(hint)
    if not isinstance(value, list):
        _refuse(where, "a list", value)
    if elements[-1] is not Ellipsis and len(value) != len(elements):
        raise ValueError(f"{where}: expected {len(elements)} values, got {len(value)}")
    return tuple(
        _decode(elements[0], item, f"{where}[{index}]")
        for index, item in enumerate(value)
    )


def _decode_optional(hint: Any, value: Any, where: str) -> Any:
    if value is None:
        return None
    (inner,) = (option for option in get_args(hint) if option is not NoneType)
    return _decode(inner, value, where)


def _decode_mapping(hint: Any, value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        _refuse(where, "an object", value)
    element = get_args(hint)[1]
    return {
        key: _decode(element, item, f"{where}.{key}") for key, item in value.items()
    }


def _decode_any(value: Any, where: str) -> Any:
    if isinstance(value, dict):
        return _decode_mapping(Mapping[str, Any], value, where)
    if isinstance(value, list):
        return [_decode_any(item, where) for item in value]
    if value is None:
        return None
    return _decode_scalar(type(value), value, where)


def _decode_scalar(hint: Any, value: Any, where: str) -> Any:
    if type(value) is int and abs(value) > MAX_INTEGER:
        raise ValueError(f"{where}: {_shown(value)} is too large")
    if hint is float and type(value) is int:
        value = float(value)
    if type(value) is not hint:
        _refuse(where, hint.__name__, value)
    if hint is float and not math.isfinite(value):
        raise ValueError(f"{where}: expected a finite number, got {value}")
    return value


def _refuse(where: str, expected: str, value: Any) -> NoReturn:
    raise ValueError(f"{where}: expected {expected}, got {_shown(value)}")


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


_DECODERS: Mapping[Any, Callable[[Any, Any, str], Any]] = {
    Literal: _decode_literal,
    tuple: _decode_tuple,
    Union: _decode_optional,
    UnionType: _decode_optional,
    Mapping: _decode_mapping,
}
