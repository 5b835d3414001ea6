"""``edgeclf profiles``: list, show, detect and check device profiles."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from edgeclf.commands.console import FILE, json_option, print_json
from edgeclf.errors import EdgeclfError
from edgeclf.machine import detect_board
from edgeclf.profiles import (
    FACTS,
    FactValue,
    Profile,
    load_profile,
    profile_for_board,
    profile_names,
)

__all__ = ["complete_profile", "profiles"]


@click.group()
def profiles() -> None:
    """List, show and check device profiles.

    \b
    Examples:
      edgeclf profiles list
      edgeclf profiles show raspberry-pi-4b
      edgeclf profiles detect
      edgeclf profiles check my-board.toml
    """  # noqa: D301 - click wants the control character


@profiles.command("list")
@json_option
def list_profiles(*, as_json: bool) -> None:
    """List the profiles that come with edgeclf.

    \b
    Examples:
      edgeclf profiles list
    """  # noqa: D301 - click wants the control character
    found = [load_profile(name) for name in profile_names()]
    if as_json:
        rows = [{"name": each.name, "title": each.title} for each in found]
        print_json("profiles", {"action": "list", "profiles": rows})
        return
    width = max(len(each.name) for each in found)
    for each in found:
        click.echo(f"{each.name:<{width}}  {each.title}")


def complete_profile(
    ctx: click.Context,  # noqa: ARG001 - click's
    param: click.Parameter,  # noqa: ARG001
    incomplete: str,
) -> list[str]:
    """Return the profiles whose names begin so."""
    return [name for name in profile_names() if name.startswith(incomplete)]


@profiles.command("show")
@click.argument("name", shell_complete=complete_profile)
@json_option
def show(name: str, *, as_json: bool) -> None:
    """Show a profile: every value with its source, and what is not known.

    NAME is a profile's name, or the path of a .toml file.

    \b
    Examples:
      edgeclf profiles show raspberry-pi-5
      edgeclf profiles show ./my-board.toml --json
    """  # noqa: D301 - click wants the control character
    profile = load_profile(name)
    if as_json:
        print_json("profiles", {"action": "show", "profile": profile.to_dict()})
        return
    for line in _lines(profile):
        click.echo(line)


@profiles.command("detect")
@json_option
def detect(*, as_json: bool) -> None:
    """Name the board that this is, from its device tree; it does not guess.

    Exits with 1 where no board names itself, or no profile describes it.

    \b
    Examples:
      edgeclf profiles detect
    """  # noqa: D301 - click wants the control character
    board = detect_board()
    profile = profile_for_board(board)
    if as_json:
        name = None if profile is None else profile.name
        print_json("profiles", {"action": "detect", "board": board, "profile": name})
    elif profile is not None:
        click.echo(profile.name)
    if profile is None:
        seen = f"no profile describes {board!r}" if board else "no board names itself"
        click.echo(f"{seen}: 'edgeclf bench' compares with generic-cpu", err=True)
        sys.exit(1)


@profiles.command("check")
@click.argument("file", required=False, type=FILE)
@json_option
def check(file: Path | None, *, as_json: bool) -> None:
    """Check a profile of your own, or all that come with edgeclf.

    \b
    Examples:
      edgeclf profiles check
      edgeclf profiles check my-board.toml
    """  # noqa: D301 - click wants the control character
    results = [_checked(each) for each in ([file] if file else profile_names())]
    is_good = all(each["error"] is None for each in results)
    if as_json:
        payload = {"action": "check", "ok": is_good, "results": results}
        print_json("profiles", payload)
    for each in results:
        if each["error"] is not None:
            click.echo(f"error: {each['error']}", err=True)
        elif not as_json:
            click.echo(f"{each['name']}: good")
    sys.exit(0 if is_good else 1)


def _checked(name: str | Path) -> dict[str, Any]:
    """Return what is wrong with one profile; every one is looked at."""
    try:
        profile = load_profile(name)
    except EdgeclfError as error:
        return {"name": str(name), "error": str(error)}
    return {"name": profile.name, "error": None}


def _lines(profile: Profile) -> Iterator[str]:
    yield f"{profile.name}: {profile.title}"
    yield f"runtime: {profile.runtime}"
    for model in profile.device_tree_models:
        yield f"calls itself: {model}"
    yield ""
    for key, fact in profile.facts.items():
        note = f"  ({fact.note})" if fact.note else ""
        shown = f"{_shown(fact.value)} {FACTS[key].unit}".rstrip()
        yield f"{key:<26} {shown}  [{fact.source}]{note}"
    for key in profile.missing:
        yield f"{key:<26} not known: no source was found"
    yield from _system_lines(profile)
    yield from _budget_lines(profile)
    yield ""
    for name, source in profile.sources.items():
        yield f"[{name}] {source.title}, {source.where}, checked {source.checked}"


def _system_lines(profile: Profile) -> Iterator[str]:
    if profile.systems:
        yield ""
    for system in profile.systems:
        engines = ", ".join(f"{name} {v}" for name, v in system.engines.items())
        yield f"{system.name}, Python {system.python}: {engines}  [{system.source}]"
    for row in profile.latency_ratios:
        yield (
            f"{row.precision} against {row.against}: {row.median:g} times as fast "
            f"({row.low:g} to {row.high:g}, {row.pairs} pairs, {row.runtime}, "
            f"{row.statistic})  [{row.source}]"
        )


def _budget_lines(profile: Profile) -> Iterator[str]:
    budget = profile.budget
    yield ""
    for stage, limits in budget.stages_ms.items():
        each = ", ".join(f"{name} ≤ {limit:g}" for name, limit in limits.items())
        yield f"budget {stage}: {each} ms  [{budget.source}]"
    rows = (
        ("cold start", budget.cold_start_ms, "ms"),
        ("peak memory", budget.rss_mib, "MiB"),
        ("temperature", budget.temperature_c, "°C"),
    )
    for title, limit, unit in rows:
        if limit is not None:
            yield f"budget {title}: ≤ {limit:g} {unit}  [{budget.source}]"
    if budget.note:
        yield f"budget: {budget.note}"


def _shown(value: FactValue) -> str:
    if isinstance(value, tuple):
        return ", ".join(str(each) for each in value) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)
