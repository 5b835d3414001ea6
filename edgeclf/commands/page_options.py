"""``--serve``: what ``edgeclf run`` is told of its page."""

import contextlib
import functools
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from edgeclf.commands.console import FILE, say
from edgeclf.commands.profiles import complete_profile
from edgeclf.errors import SpecError
from edgeclf.files import read_file
from edgeclf.latency import LatencyBudget
from edgeclf.machine import MachineState, detect_board
from edgeclf.page import LOOPBACK, Access, LivePage, made_up_token, serve_page
from edgeclf.profiles import load_profile, profile_for_board
from edgeclf.stream import Stop
from edgeclf.types import Model

__all__ = ["PageOptions", "page_options"]

AnyFunction = TypeVar("AnyFunction", bound=Callable[..., Any])

_TOKEN_VARIABLE: Final = "EDGECLF_PAGE_TOKEN"  # noqa: S105 - a name, no token

_EVERYWHERE: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104 - only looked for


@dataclass(frozen=True, slots=True, kw_only=True)
class PageOptions:
    """What the command line says of the page.

    Attributes:
        serve: Its port; ``None`` for no page.
        host: Where it listens; ``None`` for this machine alone.
        token_file: Holds the token; ``None``: the environment does, or one is made up.
        profile_name: Whose budget it shows; ``None``: this board's.
    """

    serve: int | None = None
    host: str | None = None
    token_file: Path | None = None
    profile_name: str | None = None

    @contextlib.contextmanager
    def served(
        self,
        model: Model,
        *,
        counts: Callable[[], Mapping[str, int]],
        machine: Callable[[], MachineState | None],
        stop: Stop,
    ) -> Iterator[LivePage | None]:
        """Serve the page while the block runs; ``None`` where none is wanted.

        Args:
            model: What decides.
            counts: Returns what became of the frames so far.
            machine: Returns the last reading of the machine.
            stop: Where the end may be asked for.

        Raises:
            SinkError: The port cannot be had.
            SpecError: The token is easy to guess.
            InputFileError: The token's file cannot be read.
            ProfileError: There is no such profile.
            MissingDependencyError: tornado is not installed.
        """
        if self.serve is None:
            yield None
            return
        access, is_told = self._access()
        own = profile_for_board(detect_board())
        profile = load_profile(self.profile_name) if self.profile_name else own
        page = LivePage(
            model=model,
            budget=None if profile is None else LatencyBudget.from_profile(profile),
            is_own_budget=profile is not None and profile == own,
            counts=counts,
            machine=machine,
        )
        with serve_page(page, port=self.serve, access=access, stop=stop) as server:
            say(f"page: {_address(access, server.port, shows_token=not is_told)}")
            yield page

    def _access(self) -> tuple[Access, bool]:
        """Return who may look, and whether the user already knows the token."""
        if self.host is None:
            return Access(), True
        token, said_by = self._token()
        try:
            access = Access(host=self.host, token=token or made_up_token())
        except ValueError as error:
            raise SpecError(f"{said_by}: {error}") from error
        return access, token is not None

    def _token(self) -> tuple[str | None, str]:
        """Return the token that the user chose, and where."""
        if self.token_file is not None:
            data = read_file(self.token_file, what="a token", limit=4096)
            return data.decode("utf-8", "replace").strip(), str(self.token_file)
        return os.environ.get(_TOKEN_VARIABLE), _TOKEN_VARIABLE


def _address(access: Access, port: int, *, shows_token: bool) -> str:
    host = access.host
    if host in _EVERYWHERE:
        host = socket.gethostname()
    shown = f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{port}/"
    if access.token is None:
        return address
    if shows_token:
        return f"{address}?token={access.token}"
    return f"{address}?token=…, with the token that you chose"


_OPTIONS = (
    click.option(
        "--serve",
        type=click.IntRange(0, 65_535),
        metavar="PORT",
        help="Show the live picture, what is decided and how the loop does on a page: "
        f"http://{LOOPBACK}:PORT/. 0 takes a free port.",
    ),
    click.option(
        "--host",
        metavar="ADDRESS",
        help="With --serve: listen there, for other machines too (0.0.0.0: on every "
        f"network). Viewers then need a token: from {_TOKEN_VARIABLE}, --token-file, "
        "or one that is made up and printed.",
    ),
    click.option(
        "--token-file",
        type=FILE,
        metavar="FILE",
        help="With --host: the token, at least 16 characters.",
    ),
    click.option(
        "--profile",
        "profile_name",
        metavar="NAME",
        shell_complete=complete_profile,
        help="With --serve: whose budget the page shows; a name, or a .toml file. "
        "Default: this board's.",
    ),
)


def page_options(function: AnyFunction) -> AnyFunction:
    """Add the options of the page, passed on as ``page: PageOptions``."""

    @functools.wraps(function)
    def collected(*args: Any, **options: Any) -> Any:
        said = {each.name: options.pop(each.name) for each in fields(PageOptions)}
        _require(said)
        return function(*args, page=PageOptions(**said), **options)

    for add_option in reversed(_OPTIONS):
        collected = add_option(collected)
    return collected  # type: ignore[return-value] # takes what click gives it


def _require(said: Mapping[str, Any]) -> None:
    flags = {"host": "--host", "profile_name": "--profile"}
    if said["serve"] is None:
        for name, flag in flags.items():
            if said[name] is not None:
                raise click.UsageError(f"{flag} is about the page: say --serve PORT")
    if said["token_file"] is not None and said["host"] is None:
        raise click.UsageError("--token-file is for --host: nobody else needs a token")
