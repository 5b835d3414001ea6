"""What every command that opens a model has in common: MODEL, its flags, the engine.

A command gets ``model: Path`` and ``model_flags: ModelFlags``, to be handed to
``edgeclf.packing.load_model``; with ``engine_options`` also ``engine: str | None`` and
``threads: int``.
"""

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from edgeclf.backends import BACKENDS, MAX_THREADS
from edgeclf.commands.console import FILE
from edgeclf.errors import SpecError
from edgeclf.packing.flags import ModelFlags

__all__ = [
    "engine_option",
    "engine_options",
    "model_argument",
    "model_flags",
    "model_path",
]

AnyFunction = TypeVar("AnyFunction", bound=Callable[..., Any])

_FLAG_NAMES = (
    "labels",
    "preset",
    "mean",
    "std",
    "crop_fraction",
    "scores",
    "override_metadata",
)


def _channels(
    ctx: click.Context,  # noqa: ARG001 - click's
    param: click.Parameter,  # noqa: ARG001
    value: str | None,
) -> tuple[float, ...] | None:
    """Read one number for all channels, or three with commas between."""
    if value is None:
        return None
    try:
        numbers = tuple(float(part) for part in value.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) == 1:
        numbers *= 3
    if len(numbers) != 3 or not all(abs(number) < 1e9 for number in numbers):
        raise click.BadParameter(
            f"{value!r} is neither a number nor three, such as 123.7,116.3,103.5"
        )
    return numbers


def _preset(
    ctx: click.Context,  # noqa: ARG001 - click's
    param: click.Parameter,  # noqa: ARG001
    value: str | None,
) -> str | None:
    if value is not None:
        from edgeclf.preprocess import preset  # noqa: PLC0415 - when one is given only

        try:
            preset(value)
        except SpecError as error:
            raise click.BadParameter(str(error)) from error
    return value


def _complete_preset(
    ctx: click.Context,  # noqa: ARG001 - click's
    param: click.Parameter,  # noqa: ARG001
    incomplete: str,
) -> list[CompletionItem]:
    from edgeclf.preprocess import PRESETS  # noqa: PLC0415 - on Tab only

    return [
        CompletionItem(name, help=entry.description)
        for name, entry in PRESETS.items()
        if name.startswith(incomplete)
    ]


model_path = click.argument("model", type=FILE)
"""Add MODEL alone, passed on as ``model``."""

_FLAGS = (
    click.option(
        "--labels",
        type=FILE,
        metavar="FILE",
        help="For a bare model file: a text file with one label a line.",
    ),
    click.option(
        "--preset",
        callback=_preset,
        metavar="NAME",
        shell_complete=_complete_preset,
        help="Likewise: how its trainer prepared pictures, such as keras, torchvision, "
        "timm, efficientnet-lite.",
    ),
    click.option(
        "--mean",
        callback=_channels,
        metavar="R[,G,B]",
        help="Likewise: instead of the preset's, in 0 to 255 units.",
    ),
    click.option(
        "--std",
        callback=_channels,
        metavar="R[,G,B]",
        help="Likewise.",
    ),
    click.option(
        "--crop-fraction",
        type=click.FloatRange(0, 1, min_open=True),
        metavar="SHARE",
        help="Likewise: the share of the shorter side that is kept.",
    ),
    click.option(
        "--scores",
        type=click.Choice(["logits", "probabilities"]),
        help="Likewise: what the model gives, where the file does not tell.",
    ),
    click.option(
        "--override-metadata",
        is_flag=True,
        help="Let these flags count where the file's own metadata say otherwise.",
    ),
)

engine_option = click.option(
    "--engine",
    type=click.Choice(list(BACKENDS)),
    help="What runs the model; by default the first that works here.",
)
"""Add ``--engine``."""

_THREADS = click.option(
    "--threads",
    type=click.IntRange(min=1, max=MAX_THREADS),
    default=1,
    show_default=True,
    help="Threads that the engine may use.",
)


def model_argument(function: AnyFunction) -> AnyFunction:
    """Add MODEL and its flags, passed on as ``model`` and ``model_flags``."""
    return model_path(model_flags(function))


def model_flags(function: AnyFunction) -> AnyFunction:
    """Add the flags of a bare model file, passed on as ``model_flags``."""

    @functools.wraps(function)
    def collected(*args: Any, **options: Any) -> Any:
        said = {name: options.pop(name) for name in _FLAG_NAMES}
        return function(*args, model_flags=_flags(said), **options)

    for add_flag in reversed(_FLAGS):
        collected = add_flag(collected)
    return collected  # type: ignore[return-value] # takes what click gives it


def engine_options(function: AnyFunction) -> AnyFunction:
    """Add ``--engine`` and ``--threads``, passed on under these names."""
    return engine_option(_THREADS(function))


def _flags(said: dict[str, Any]) -> ModelFlags:
    try:
        return ModelFlags(**said)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
