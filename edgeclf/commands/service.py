"""``edgeclf service``: keep the loop running, under systemd."""

import grp
import os
import pwd
import re
import stat
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from edgeclf.commands.console import json_option, print_json, say
from edgeclf.commands.run import run
from edgeclf.errors import EdgeclfError, InputFileError, OutputFileError
from edgeclf.files import write_atomically
from edgeclf.service import ServiceUnit, unit_text

__all__ = ["service"]

_GROUPS = ("video", "render")
"""Who may open cameras and graphics devices, on Raspberry Pi OS and JetPack."""

_SCHEME = re.compile(r"([a-z][a-z0-9+-]*:)(?!//)(.+)", re.DOTALL)
_PASSWORD = re.compile(r"://[^/@\s]*:[^/@\s]+@")
_FOLDER = Path("etc/systemd/system")


@click.group()
def service() -> None:
    """Keep the loop running for months, under systemd.

    \b
    Examples:
      edgeclf service install --print model.edgeclf --source synthetic:7@30
    """  # noqa: D301 - click wants the control character


@service.command(
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False}
)
@click.option("--name", default="edgeclf", show_default=True, help="Of the unit.")
@click.option(
    "--user",
    metavar="NAME",
    help="Run as this user. By default systemd makes one up that may do nothing else.",
)
@click.option(
    "--memory-max",
    "memory_max_mib",
    type=click.IntRange(min=64),
    default=512,
    show_default=True,
    metavar="MIB",
    help="Start anew when it takes more memory.",
)
@click.option(
    "--watchdog",
    "watchdog_s",
    type=click.IntRange(min=2),
    default=30,
    show_default=True,
    metavar="SECONDS",
    help="Start anew when the loop is silent for so long.",
)
@click.option(
    "--root",
    type=click.Path(path_type=Path),
    default=Path("/"),
    help="Install below this folder, as for a card's image.",
)
@click.option("--print", "only_print", is_flag=True, help="Show the unit; write none.")
@json_option
@click.argument("arguments", nargs=-1, metavar="MODEL --source URI [RUN OPTIONS]...")
def install(  # noqa: PLR0913 - one argument an option
    *,
    name: str,
    user: str | None,
    memory_max_mib: int,
    watchdog_s: int,
    root: Path,
    only_print: bool,
    as_json: bool,
    arguments: tuple[str, ...],
) -> None:
    """Write the unit that runs 'edgeclf run' with these arguments.

    They are checked as 'run' would. Files that exist are named by their absolute path;
    files that a sink writes go to /var/lib/NAME. '${CAMERA}' in an argument is filled
    in from /etc/edgeclf/NAME.env, where passwords belong: only root need read it.

    \b
    Examples:
      edgeclf service install --print model.edgeclf --source picamera:0
      sudo edgeclf service install model.edgeclf --source v4l2:0 --sink jsonl:log.jsonl
    """  # noqa: D301 - click wants the control character
    _check_arguments(arguments)
    absolute = [_absolute(each) for each in arguments]
    unit = _unit(
        name=name,
        command=(sys.executable, "-m", "edgeclf", "run", *absolute),
        user=user,
        groups=tuple(_known_groups()),
        memory_max_mib=memory_max_mib,
        watchdog_s=watchdog_s,
    )
    text = unit_text(unit)
    if only_print:
        click.echo(text, nl=False)
        return
    _require_readable([Path(sys.executable), *_files(absolute)], user)
    path = root / _FOLDER / unit.file_name
    _write(path, text)
    if as_json:
        print_json("service", {"unit": str(path), "command": list(unit.command)})
    else:
        click.echo(f"wrote {path}")
    say(f"start it:  systemctl daemon-reload && systemctl enable --now {name}")
    say(f"watch it:  systemctl status {name}; journalctl -u {name} -f")


def _unit(**fields: object) -> ServiceUnit:
    try:
        return ServiceUnit(**fields)  # type: ignore[arg-type]  # checked by click
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def _check_arguments(arguments: Sequence[str]) -> None:
    """See to it that ``run`` takes the arguments, as far as the words tell.

    Raises:
        click.UsageError: It does not, or one holds a password.
    """
    if any(_PASSWORD.search(each) for each in arguments):
        raise click.UsageError(
            "a unit is read by everybody, and an argument holds a password: write the "
            "URL into /etc/edgeclf/NAME.env as CAMERA=…, and '${CAMERA}' here"
        )
    with run.make_context("edgeclf run", list(arguments)):
        pass


def _absolute(argument: str) -> str:
    """Return an argument that names an existing file by its absolute path."""
    flag, equals, value = argument.partition("=")
    if argument.startswith("--") and equals:
        return f"{flag}={_absolute(value)}"
    if argument.startswith("-") or not argument:
        return argument
    if Path(argument).exists():
        return str(Path(argument).absolute())
    scheme = _SCHEME.fullmatch(argument)
    if scheme is not None and Path(scheme[2]).exists():
        return f"{scheme[1]}{Path(scheme[2]).absolute()}"
    return argument


def _files(arguments: Sequence[str]) -> Iterator[Path]:
    """Yield the files and folders that the arguments name."""
    for argument in arguments:
        value = argument.partition("=")[2] if argument.startswith("--") else argument
        path = _SCHEME.sub(r"\2", value) if _SCHEME.fullmatch(value) else value
        if path.startswith("/"):
            yield Path(path)


def _known_groups() -> Iterator[str]:
    known = {group.gr_name for group in grp.getgrall()}
    yield from (name for name in _GROUPS if name in known)


def _require_readable(paths: Sequence[Path], user: str | None) -> None:
    """Refuse files that the service could not reach.

    Raises:
        InputFileError: One lies where only its owner may go, or the user is not there.
    """
    if user is not None:
        try:
            pwd.getpwnam(user)
        except KeyError as error:
            raise InputFileError(
                f"--user {user}: no such user; make one with "
                f"'useradd --system {user}', or leave the option out"
            ) from error
        return
    for path in paths:
        closed = _closed_to_others(path)
        if closed is not None:
            mode = stat.S_IMODE(closed.stat().st_mode)
            raise InputFileError(
                f"{path}: {closed} is closed to other users (mode {mode:04o}), and the "
                "service runs as a user of its own: move it to /opt, or give --user"
            )


def _closed_to_others(path: Path) -> Path | None:
    """Return the first folder on the way, or the file, that others may not enter."""
    resolved = path.resolve()
    for folder in reversed(resolved.parents):
        if not folder.stat().st_mode & stat.S_IXOTH:
            return folder
    return None if resolved.stat().st_mode & stat.S_IROTH else resolved


def _write(path: Path, text: str) -> None:
    if not path.parent.is_dir():
        raise OutputFileError(
            f"{path.parent}: no such folder; is systemd installed there? "
            "Give --root DIR, or see the unit with --print"
        )
    try:
        write_atomically(path, text.encode())
    except EdgeclfError:
        if os.geteuid() != 0:
            say("writing a unit takes root: sudo edgeclf service install …")
        raise
