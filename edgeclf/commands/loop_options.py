"""What the live loop can be told: freshness, recovery, workers."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, Literal, TypeAlias, TypeVar, get_args

import click

from edgeclf.backends import MAX_THREADS
from edgeclf.commands.console import SECONDS, NumberRange
from edgeclf.sources import Source
from edgeclf.stream import ChangeLimits, OnThrottle, Recovery

__all__ = ["LoopOptions", "WorkerCount", "loop_options"]

AnyFunction = TypeVar("AnyFunction", bound=Callable[..., Any])
WorkerCount: TypeAlias = int | Literal["auto"]

_DEFAULT_THRESHOLD = ChangeLimits().threshold


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopOptions:
    """What the command line says of the loop.

    Attributes:
        workers: How many, or ``auto``.
        every_frame: Skip none.
        max_age_ms: What is older is late; ``None``: nothing is.
        on_change: Threshold of a change; ``None``: decide all.
        at_least_every_s: Decide one anyway after so long.
        stall_s: A source that is silent for so long is lost.
        max_outage_s: Give up after so long; ``None``: never.
        wait_for_source: Whether a source that cannot be opened at first is waited for.
        on_throttle: What to do when the board is too hot or starved.
    """

    workers: WorkerCount
    every_frame: bool
    max_age_ms: float | None
    on_change: float | None
    at_least_every_s: float
    stall_s: float
    max_outage_s: float | None
    wait_for_source: bool
    on_throttle: OnThrottle

    @property
    def change_limits(self) -> ChangeLimits | None:
        """What counts as a change; ``None`` when all frames are decided."""
        if self.on_change is None:
            return None
        return ChangeLimits(
            threshold=self.on_change, at_least_every_s=self.at_least_every_s
        )

    def recovery(self, reopen: Callable[[], Source]) -> Recovery:
        """Return how a lost source is got back."""
        return Recovery(
            reopen=reopen, stall_s=self.stall_s, max_outage_s=self.max_outage_s
        )


class _Workers(click.IntRange):
    """A number of workers, or ``auto``."""

    def convert(
        self,
        value: Any,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Any:
        if value == "auto":
            return value
        return super().convert(value, param, ctx)


_OPTIONS = (
    click.option(
        "--workers",
        type=_Workers(min=1, max=MAX_THREADS),
        metavar="N|auto",
        default=1,
        show_default=True,
        help="Frames that are decided at once, each by an engine of its own; auto "
        "measures what is fastest here, --threads included.",
    ),
    click.option(
        "--every-frame",
        is_flag=True,
        help="Skip no frame of a source with a pace of its own, however late it gets. "
        "Files are never skipped in.",
    ),
    click.option(
        "--max-age",
        "max_age_ms",
        type=NumberRange(min=0, min_open=True, max=1e9),
        metavar="MS",
        help="Do not decide a frame that is older when its turn comes.",
    ),
    click.option(
        "--on-change",
        type=NumberRange(min=0, min_open=True, max=255),
        is_flag=False,
        flag_value=_DEFAULT_THRESHOLD,
        metavar="[THRESHOLD]",
        help="Decide only frames that differ from the last decided one, by so many "
        f"grey levels in the mean ({_DEFAULT_THRESHOLD:g} unless said otherwise).",
    ),
    click.option(
        "--at-least-every",
        "at_least_every_s",
        type=SECONDS,
        default=ChangeLimits().at_least_every_s,
        show_default=True,
        metavar="SECONDS",
        help="With --on-change: decide one anyway after so long.",
    ),
    click.option(
        "--stall",
        "stall_s",
        type=SECONDS,
        default=2.0,
        show_default=True,
        metavar="SECONDS",
        help="A camera that gives nothing for so long is lost, and opened again.",
    ),
    click.option(
        "--max-outage",
        "max_outage_s",
        type=SECONDS,
        metavar="SECONDS",
        help="Fail when a lost camera is away for so long. Default: try for ever.",
    ),
    click.option(
        "--wait-for-source",
        is_flag=True,
        help="Wait for a source that cannot be opened yet, rather than fail.",
    ),
    click.option(
        "--on-throttle",
        type=click.Choice(get_args(OnThrottle)),
        default="warn",
        show_default=True,
        help="When the board is throttled, too hot or under voltage: tell, rest as long "
        "as each decision took, or end with exit code 1.",
    ),
)


def loop_options(function: AnyFunction) -> AnyFunction:
    """Add the options of the loop, passed on as ``loop: LoopOptions``."""

    @functools.wraps(function)
    def collected(*args: Any, **options: Any) -> Any:
        said = {each.name: options.pop(each.name) for each in fields(LoopOptions)}
        return function(*args, loop=LoopOptions(**said), **options)

    for add_option in reversed(_OPTIONS):
        collected = add_option(collected)
    return collected  # type: ignore[return-value] # takes what click gives it
