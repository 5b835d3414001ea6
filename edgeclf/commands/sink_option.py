"""``--sink URI``: where decisions and events go besides the terminal."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from edgeclf.sinks import SINKS

__all__ = ["sink_option"]

AnyFunction = TypeVar("AnyFunction", bound=Callable[..., Any])


def sink_option(function: AnyFunction) -> AnyFunction:
    """Add ``--sink``, which may be repeated, passed on as ``sink_uris``."""
    forms = ", ".join(entry.form for entry in SINKS.values())
    return click.option(
        "--sink",
        "sink_uris",
        metavar="URI",
        multiple=True,
        help=f"Also send decisions and events to {forms}; may be repeated. Options: "
        "docs/sinks.md.",
    )(function)
