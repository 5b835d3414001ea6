"""Which events ``edgeclf run`` makes: ``--events``, its plain flags, ``--health``.

A command gets ``watching: Watching``.
"""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from edgeclf.commands.console import FILE, say
from edgeclf.stream import Watcher
from edgeclf.types import Model
from edgeclf.watch import (
    CameraWatcher,
    EventRule,
    LabelWatcher,
    Smoothing,
    Thresholds,
    read_rule,
)

__all__ = ["Watching", "watch_options"]

AnyFunction = TypeVar("AnyFunction", bound=Callable[..., Any])

_PLAIN = ("watched", "smoothing", "enter", "leave", "min_duration_ms", "hold_ms")


@dataclass(frozen=True, slots=True, kw_only=True)
class Watching:
    """What shall be watched for.

    Attributes:
        rule: Of the labels' events; ``None`` for none.
        health: Whether the camera is watched; ``None`` where it is one.
    """

    rule: EventRule | None = None
    health: bool | None = None

    def watchers(self, model: Model, *, is_live: bool) -> list[Watcher]:
        """Return new watchers for one run.

        Args:
            model: Whose predictions they will see.
            is_live: Whether the source is a camera.

        Raises:
            SpecError: The rule names a label that the model does not have.
        """
        watchers: list[Watcher] = []
        if self.rule is not None:
            watchers.append(LabelWatcher(self.rule, model))
            measured = self.rule.measured
            if measured is not None and measured.model_digest != model.digest:
                say(
                    f"note: the rule for events was measured with {measured.model_name}"
                    ", which is another model: tune it again with edgeclf tune-stream"
                )
        if is_live if self.health is None else self.health:
            watchers.append(CameraWatcher())
        return watchers


def _smoothing(
    ctx: click.Context,
    param: click.Parameter,
    value: str | None,
) -> Smoothing | None:
    try:
        return None if value is None else Smoothing.parse(value)
    except ValueError as error:
        raise click.BadParameter(str(error), ctx, param) from error


_SHARE = click.FloatRange(0, 1, min_open=True)
_MILLISECONDS = click.IntRange(0, 86_400_000)

_OPTIONS = (
    click.option(
        "--events",
        "events_path",
        type=FILE,
        metavar="FILE",
        help="Tell when a label comes and goes, as this TOML file says: written by "
        "'edgeclf tune-stream', or by hand (docs/events.md).",
    ),
    click.option(
        "--watch",
        "watched",
        multiple=True,
        metavar="LABEL",
        help="Without a file: tell of this label; may be repeated. Default: of each.",
    ),
    click.option(
        "--smooth",
        "smoothing",
        callback=_smoothing,
        metavar="HOW",
        help="Likewise: none, ewma:MILLISECONDS or majority:FRAMES.  [default: "
        f"{EventRule().smoothing}]",
    ),
    click.option(
        "--enter",
        type=_SHARE,
        metavar="SCORE",
        help="Likewise: start an event at this score.  [default: "
        f"{Thresholds().enter}]",
    ),
    click.option(
        "--exit",
        "leave",
        type=_SHARE,
        metavar="SCORE",
        help="Likewise: end it below this one.  [default: two thirds of --enter]",
    ),
    click.option(
        "--min-duration",
        "min_duration_ms",
        type=_MILLISECONDS,
        metavar="MS",
        help="Likewise: how long the score must stay there to start.  [default: "
        f"{Thresholds().min_duration_ms}]",
    ),
    click.option(
        "--hold",
        "hold_ms",
        type=_MILLISECONDS,
        metavar="MS",
        help="Likewise: how long it must stay away to end.  [default: "
        f"{Thresholds().hold_ms}]",
    ),
    click.option(
        "--health/--no-health",
        default=None,
        help="Tell when pictures cannot be trusted: black, over-exposed, frozen, "
        "covered, blurred. Default: for cameras, not for files.",
    ),
)


def watch_options(function: AnyFunction) -> AnyFunction:
    """Add the options, passed on as ``watching``."""

    @functools.wraps(function)
    def collected(
        *args: Any, events_path: Path | None, health: bool | None, **options: Any
    ) -> Any:
        plain = {name: options.pop(name) for name in _PLAIN}
        said = {name: value for name, value in plain.items() if value not in {None, ()}}
        rule = _rule(events_path, said)
        return function(*args, watching=Watching(rule=rule, health=health), **options)

    for add_option in reversed(_OPTIONS):
        collected = add_option(collected)
    return collected  # type: ignore[return-value] # takes what click gives it


def _rule(path: Path | None, said: Mapping[str, Any]) -> EventRule | None:
    if path is not None and said:
        raise click.UsageError(
            "--events says all about events: change the file, or leave out --watch, "
            "--smooth, --enter, --exit, --min-duration and --hold"
        )
    if path is not None:
        return read_rule(path)
    return _plain_rule(**said) if said else None


def _plain_rule(
    *,
    watched: tuple[str, ...] = (),
    smoothing: Smoothing | None = None,
    enter: float = Thresholds().enter,
    leave: float | None = None,
    **durations: int,
) -> EventRule:
    try:
        thresholds = Thresholds(
            enter=enter,
            exit=round(enter * 2 / 3, 6) if leave is None else leave,
            **durations,
        )
        return EventRule(
            thresholds=thresholds,
            smoothing=smoothing or EventRule().smoothing,
            watched=watched or None,
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from error
