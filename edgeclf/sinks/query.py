"""The options in a sink's URI, behind its question mark."""

import re
from collections.abc import Callable, Iterable
from typing import Final, TypeVar
from urllib.parse import unquote

from edgeclf.errors import SinkError

__all__ = [
    "Query",
    "parse_count",
    "parse_duration_ns",
    "parse_rate_ns",
    "parse_share",
    "parse_size",
]

Value = TypeVar("Value")

_SIZES: Final = {
    "B": 1,
    "kB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
}
_DURATIONS_NS: Final = {
    "ms": 10**6,
    "s": 10**9,
    "min": 60 * 10**9,
    "h": 3600 * 10**9,
}
_QUANTITY: Final = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?) ?([A-Za-z]+)")


class Query:
    """The options of one URI, each of which is taken once.

    Args:
        text: ``name=value&name=value``; percent signs are decoded, plus signs stay.
        sink: Whose they are, for messages; must hold no secret.

    Raises:
        SinkError: One is given twice, or has no value.
    """

    def __init__(self, text: str, *, sink: str) -> None:
        self._sink = sink
        self._known: list[str] = []
        self._values: dict[str, str] = {}
        for part in filter(None, text.split("&")):
            name, equals, value = part.partition("=")
            if not equals or not value:
                raise SinkError(f"{sink}: the option {name!r} needs a value: {name}=…")
            if name in self._values:
                raise SinkError(f"{sink}: the option {name!r} is there twice")
            self._values[name] = unquote(value)

    def take(self, name: str, parse: Callable[[str], Value], default: Value) -> Value:
        """Return an option's value, or the default when it is not given.

        Args:
            name: The option.
            parse: Raises ``ValueError`` that says what the value must be.
            default: Likewise of the parsed type.

        Raises:
            SinkError: The value is wrong.
        """
        self._known.append(name)
        if name not in self._values:
            return default
        text = self._values.pop(name)
        try:
            return parse(text)
        except ValueError as error:
            raise SinkError(f"{self._sink}: {name} {error}, got {text!r}") from error

    def done(self) -> None:
        """Refuse what nobody took.

        Raises:
            SinkError: There is an option that this sink does not know. Its value is
                not shown: it may be a password.
        """
        if self._values:
            unknown = next(iter(self._values))
            raise SinkError(
                f"{self._sink}: no option {unknown!r}; it knows "
                f"{', '.join(sorted(self._known))}"
            )


def parse_size(text: str) -> int:
    """Return bytes.

    >>> parse_size("10MB"), parse_size("1.5 KiB")
    (10000000, 1536)
    """
    return _quantity(text, _SIZES, "must be a size such as 10MB")


def parse_duration_ns(text: str) -> int:
    """Return nanoseconds.

    >>> parse_duration_ns("1.5s")
    1500000000
    """
    return _quantity(text, _DURATIONS_NS, "must be a time such as 500ms, 1s or 5min")


def parse_rate_ns(text: str) -> int:
    """Return the nanoseconds between two of so many in a time.

    >>> parse_rate_ns("2/min") == parse_duration_ns("30s")
    True
    """
    number, _, unit = text.partition("/")
    if not number.isascii() or not number.isdigit() or int(number) < 1:
        raise ValueError("must be a rate such as 1/min")
    try:
        return parse_duration_ns(f"1{unit}") // int(number)
    except ValueError:
        raise ValueError("must be a rate such as 1/s, 1/min or 10/h") from None


def parse_count(text: str) -> int:
    """Return a whole number of at least 1, and at most a million."""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 1_000_000:
        raise ValueError("must be a whole number from 1 to 1000000")
    return int(text)


def parse_share(text: str) -> float:
    """Return a number from 0 to 1."""
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise ValueError("must be a number from 0 to 1")
    return share


def _quantity(text: str, units: dict[str, int], must: str) -> int:
    match = _QUANTITY.fullmatch(text)
    if match is None or match[2] not in units:
        raise ValueError(f"{must} (units: {_listed(units)})")
    quantity = round(float(match[1]) * units[match[2]])
    if quantity < 1:
        raise ValueError(f"{must}, above 0")
    return quantity


def _listed(units: Iterable[str]) -> str:
    return ", ".join(units)
