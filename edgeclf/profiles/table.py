"""Taking a TOML table apart so that nothing in it goes unnoticed."""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from edgeclf.errors import ProfileError

__all__ = ["Table"]

Value = TypeVar("Value")

_TYPE_NAMES = {
    bool: "true or false",
    dict: "a table",
    float: "a number",
    int: "a whole number",
    list: "a list",
    str: "a text",
}


class Table:
    """A table whose keys are taken one by one, and which must end up empty."""

    def __init__(self, data: object, where: str) -> None:
        if not isinstance(data, dict):
            raise ProfileError(f"{where}: expected a table, got {data!r}")
        self._data = dict(data)
        self._known: list[str] = []
        self.where = where

    def fail(self, key: str, problem: str) -> ProfileError:
        """Return the error that says what is wrong with a key."""
        return ProfileError(f"{self.where}: {key}: {problem}")

    def take(self, key: str, kind: type[Value]) -> Value:
        """Return the value of a key that must be there.

        Raises:
            ProfileError: It is not there, or of another type.
        """
        value = self.take_or_none(key, kind)
        if value is None:
            close = difflib.get_close_matches(key, self._data, n=1)
            hint = f"; is it meant by {close[0]!r}?" if close else ""
            raise self.fail(key, f"is missing{hint}")
        return value

    def take_or_none(self, key: str, kind: type[Value]) -> Value | None:
        """Return the value of a key, or ``None``.

        Raises:
            ProfileError: It is of another type.
        """
        self._known.append(key)
        value: Any = self._data.pop(key, None)
        if kind is float and type(value) is int:
            value = float(value)
        if value is None:
            return None
        if type(value) is not kind:
            expected = _TYPE_NAMES.get(kind, kind.__name__)
            raise self.fail(key, f"expected {expected}, got {value!r}")
        result: Value = value
        return result

    def take_text(self, key: str, *, choices: Sequence[str] = ()) -> str:
        """Return a text that is not empty, and one of the choices if there are any."""
        text = self.take(key, str)
        if not text.strip():
            raise self.fail(key, "is empty")
        if choices and text not in choices:
            raise self.fail(key, f"must be one of {', '.join(choices)}, got {text!r}")
        return text

    def take_positive(self, key: str) -> float | None:
        """Return a finite number above 0, or ``None``."""
        value = self.take_or_none(key, float)
        if value is not None and not 0 < value < float("inf"):
            raise self.fail(key, f"must be finite and above 0, got {value}")
        return value

    def take_texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts that are not empty; an absent key is an empty list."""
        items = self.take_or_none(key, list) or []
        if not all(isinstance(item, str) and item.strip() for item in items):
            raise self.fail(key, f"expected a list of texts, got {items!r}")
        return tuple(items)

    def take_table(self, key: str) -> "Table":
        """Return a sub-table; an absent key is an empty one."""
        return Table(self.take_or_none(key, dict) or {}, f"{self.where}: {key}")

    def take_tables(self, key: str) -> list["Table"]:
        """Return a list of sub-tables; an absent key is an empty list."""
        items = self.take_or_none(key, list) or []
        return [
            Table(item, f"{self.where}: {key}[{number}]")
            for number, item in enumerate(items)
        ]

    def rest(self) -> Mapping[str, Any]:
        """Return what was not taken, and take it."""
        rest, self._data = self._data, {}
        return rest

    def finish(self, known: Sequence[str] = ()) -> None:
        """Refuse what was not taken.

        Raises:
            ProfileError: A key is left; it names the closest known one.
        """
        for key in self._data:
            close = difflib.get_close_matches(key, [*self._known, *known], n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise self.fail(key, f"unknown key{hint}")
