"""How every command talks: results to stdout, messages and progress to stderr."""

import json
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from rich.console import Console

__all__ = [
    "FILE",
    "SCHEMA_VERSIONS",
    "SECONDS",
    "NumberRange",
    "json_option",
    "one_line",
    "print_json",
    "progress",
    "say",
    "table_console",
    "tracked",
]


class _File(click.Path):
    """A path, which ``"$UNSET"`` is not: it would mean the folder one is in."""

    def convert(
        self,
        value: Any,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Any:
        if value == "":
            self.fail("a path cannot be empty", param, ctx)
        return super().convert(value, param, ctx)


class NumberRange(click.FloatRange):
    """A number within bounds: not nan, which click finds within all of them."""

    def convert(
        self,
        value: Any,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Any:
        """Return the number, or fail as click's own types do."""
        number = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value!r} is not a number", param, ctx)
        return number


FILE = _File(path_type=Path, readable=False)
"""A path that our own readers judge: click's checks would exit with 2, and its test of
rights asks another question than opening the file does."""

SECONDS = NumberRange(min=0, min_open=True, max=1e9)
"""A duration; the longest is 31 years."""

Item = TypeVar("Item")
AnyFunction = TypeVar("AnyFunction", bound=Callable[..., Any])

SCHEMA_VERSIONS: Mapping[str, int] = {
    "bench": 1,
    "bench-compare": 1,
    "classify": 1,
    "convert": 1,
    "doctor": 1,
    "error": 1,
    "inspect": 1,
    "pack": 1,
    "profiles": 1,
    "run": 1,
    "service": 1,
    "tune-stream": 1,
    "verify": 1,
}
"""Version of each command's JSON, raised when a field changes meaning or goes."""


def json_option(function: AnyFunction) -> AnyFunction:
    """Add ``--json``, passed on as ``as_json``."""
    return click.option(
        "--json",
        "as_json",
        is_flag=True,
        help="Print JSON instead of text; fields: docs/json.md.",
    )(function)


def print_json(
    schema: str, payload: Mapping[str, Any], *, one_line: bool = False
) -> None:
    """Print one JSON object with its schema's name and version first.

    Args:
        schema: Key of ``SCHEMA_VERSIONS``.
        payload: JSON-ready values; NaN and infinity are refused.
        one_line: For streams of objects.
    """
    document = {
        "schema": f"edgeclf.{schema}",
        "version": SCHEMA_VERSIONS[schema],
        **payload,
    }
    indent = None if one_line else 2
    text = json.dumps(document, indent=indent, ensure_ascii=False, allow_nan=False)
    # A file name may hold bytes that are no text; JSON has no place for them.
    click.echo(text.encode("utf-8", "replace").decode("utf-8"))


def one_line(text: str) -> str:
    """Return a text with what a terminal does not print escaped.

    A file name may hold line feeds and terminal commands.
    """
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def say(message: str) -> None:
    """Print a message for people on stderr."""
    click.echo(message, err=True)


@contextmanager
def table_console() -> Iterator["Console"]:
    """Collect what is printed to a rich console, then print it to stdout.

    Rich itself would end the program with 1 when the reader has gone away.
    """
    from rich.console import Console  # noqa: PLC0415 - 40 ms, only for tables

    console = Console(highlight=False)
    with console.capture() as collected:
        yield console
    click.echo(collected.get(), nl=False)


@contextmanager
def progress(description: str, *, total: int | None = None) -> Iterator[Any]:
    """Show a progress bar on stderr while stderr is a terminal.

    Yields:
        A function ``advance(steps=1, description=None)``.
    """
    if not sys.stderr.isatty():
        yield lambda steps=1, description=None: None  # noqa: ARG005
        return
    from rich.console import Console  # noqa: PLC0415 - 40 ms, only for terminals
    from rich.progress import Progress  # noqa: PLC0415

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(description, total=total)

        def advance(steps: int = 1, description: str | None = None) -> None:
            if description is not None:
                bar.update(task, description=description)
            bar.advance(task, steps)

        yield advance


def tracked(items: Iterable[Item], description: str, *, total: int) -> Iterator[Item]:
    """Yield the items while a progress bar counts them."""
    with progress(description, total=total) as advance:
        for item in items:
            yield item
            advance()
