"""The ``edgeclf`` command: a group whose commands are imported when they are used."""

import contextlib
import errno
import importlib
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import click
from click.shell_completion import CompletionItem

from edgeclf.errors import EdgeclfError, MissingDependencyError, OutputFileError

__all__ = ["COMMANDS", "CommandEntry", "cli", "main"]


@dataclass(frozen=True, slots=True)
class CommandEntry:
    """Where a command lives, and what ``--help`` says of it without importing it.

    Attributes:
        target: ``module:attribute`` of the click command.
        help: One line; a test holds it equal to the command's own first line.
    """

    target: str
    help: str


COMMANDS = {
    "convert": CommandEntry(
        "converters.convert_command:convert",
        "Turn a trained model into a verified bundle for a board.",
    ),
    "pack": CommandEntry(
        "edgeclf.commands.pack:pack",
        "Put an existing .tflite or .onnx file into a bundle.",
    ),
    "inspect": CommandEntry(
        "edgeclf.commands.inspect:inspect_model",
        "Show what a bundle or model file is.",
    ),
    "verify": CommandEntry(
        "edgeclf.commands.verify:verify",
        "Check that a bundle is whole and right on this machine.",
    ),
    "classify": CommandEntry(
        "edgeclf.commands.classify:classify",
        "Classify images and folders of images.",
    ),
    "run": CommandEntry(
        "edgeclf.commands.run:run",
        "Classify a camera, a video or a folder, frame by frame.",
    ),
    "tune-stream": CommandEntry(
        "edgeclf.commands.tune_stream:tune_stream",
        "Find thresholds, smoothing and durations on labelled clips.",
    ),
    "service": CommandEntry(
        "edgeclf.commands.service:service",
        "Keep the loop running for months, under systemd.",
    ),
    "bench": CommandEntry(
        "edgeclf.commands.bench:bench",
        "Measure latency and compare it with a board's budget.",
    ),
    "profiles": CommandEntry(
        "edgeclf.commands.profiles:profiles",
        "List, show and check device profiles.",
    ),
    "doctor": CommandEntry(
        "edgeclf.commands.doctor:doctor",
        "Say what is wrong with this machine, and what mends it.",
    ),
}


class _LazyGroup(click.Group):
    """A group that imports a command's module when the command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        entry = COMMANDS.get(cmd_name)
        return None if entry is None else _load(cmd_name, entry)

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        try:
            return super().make_context(*args, **extra)
        except OSError as error:  # --help is printed here
            raise click.exceptions.Exit(_answer_lost_output(error)) from error

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except OSError as error:
            # Caught here, as click itself would answer EPIPE with exit code 1.
            return _answer_lost_output(error)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            import difflib  # noqa: PLC0415 - only for a misspelt command

            close = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            ctx.fail(f"No such command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)

    def shell_complete(
        self, ctx: click.Context, incomplete: str
    ) -> list[CompletionItem]:
        commands = [
            CompletionItem(name, help=entry.help)
            for name, entry in COMMANDS.items()
            if name.startswith(incomplete)
        ]
        # Not Group's own, which would import every command to ask for its help.
        return commands + click.Command.shell_complete(self, ctx, incomplete)

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's
        formatter: click.HelpFormatter,
    ) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in COMMANDS.items()])


def _answer_lost_output(error: OSError) -> int:
    """Answer a stdout that takes no more, and let other errors pass.

    Raises:
        OutputFileError: The disk that stdout goes to is full.
    """
    if error.errno not in {errno.EPIPE, errno.ENOSPC, errno.EDQUOT}:
        raise error
    # Nothing that is still buffered may fail again when the process ends.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if error.errno == errno.EPIPE:
        # The reader went away (`edgeclf … | head`): no error, and nothing to say.
        return 0
    raise OutputFileError(
        "the results cannot be written, as the disk is full: free some space"
    ) from error


def _load(name: str, entry: CommandEntry) -> click.Command:
    module_name, _, attribute = entry.target.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        ours = {"edgeclf", "converters"}
        if error.name is None or error.name.partition(".")[0] in ours:
            raise
        from edgeclf.install import install_line  # noqa: PLC0415 - only on failure

        raise MissingDependencyError(
            f"{name!r} needs {error.name}: {install_line('convert')}"
        ) from error
    command: click.Command = getattr(module, attribute)
    return command


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="edgeclf")
def cli() -> None:
    """Take an image classifier to a small board, and keep it honest there.

    Exit codes: 0 good, 1 failed, 2 wrong command line, 3 over the budget or out of
    parity, 4 measured but not a verdict, 130 interrupted.
    """


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line and exit; what the user did wrong is one line on stderr."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        status = cli.main(args=arguments, prog_name="edgeclf", standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except KeyboardInterrupt:
        sys.exit(130)
    except click.ClickException as error:
        if "--json" in arguments:
            _print_json(error, error.format_message())
        error.show()
        sys.exit(error.exit_code)
    except EdgeclfError as error:
        if "--json" in arguments:
            _print_json(error, str(error))
        from edgeclf.commands.console import one_line, say  # noqa: PLC0415 - on failure

        say(f"error: {one_line(str(error))}")
        sys.exit(error.exit_code)
    sys.exit(_status(status))


def _status(returned: Any) -> int:
    """Return what click's non-standalone mode gives as an exit code."""
    return returned if isinstance(returned, int) else 0


def _print_json(error: Exception, message: str) -> None:
    from edgeclf.commands.console import print_json  # noqa: PLC0415 - on failure

    payload = {"error": type(error).__name__, "message": message}
    try:
        print_json("error", payload, one_line=True)  # it may end a stream of lines
    except OSError as lost:
        # The message goes to stderr, too: there is nothing to add about stdout.
        with contextlib.suppress(OutputFileError):
            _answer_lost_output(lost)
