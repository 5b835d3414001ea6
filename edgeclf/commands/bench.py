"""``edgeclf bench``: measure latency and compare it with a board's budget."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from edgeclf.bench import QUICK, BenchOptions, BenchReport, Extent, measure
from edgeclf.classifier import Classifier
from edgeclf.commands.bench_output import (
    progress_line,
    write_html,
    write_junit,
    write_report,
)
from edgeclf.commands.console import FILE, SECONDS, json_option, print_json, say
from edgeclf.commands.model_argument import engine_options, model_argument
from edgeclf.commands.profiles import complete_profile
from edgeclf.files import check_output
from edgeclf.machine import MachineReader, detect_board, process_age_ns
from edgeclf.packing import load_model
from edgeclf.packing.flags import ModelFlags
from edgeclf.profiles import Profile, load_profile, profile_for_board
from edgeclf.sources import open_source
from edgeclf.stream import Stop, stop_on_signals

__all__ = ["bench"]

_SYNTHETIC = "synthetic:0,640x480"

_WRITERS = {"report": write_report, "junit": write_junit, "html": write_html}


class _BenchCommand(click.Command):
    """A command that measures a model, unless its first word is ``compare``.

    A group with a default command would not do: it would read the options before it
    knew whose they are. A model file named ``compare`` is ``./compare``.
    """

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """Return a context of this command, or of ``compare``."""
        if args and args[0] == "compare":
            from edgeclf.commands.bench_compare import bench_compare  # noqa: PLC0415 - not to measure

            name = f"{info_name} compare"
            return bench_compare.make_context(name, args[1:], parent, **extra)
        return super().make_context(info_name, args, parent, **extra)


@click.command(cls=_BenchCommand)
@model_argument
@engine_options
@click.option(
    "--profile",
    "profile_name",
    metavar="NAME",
    shell_complete=complete_profile,
    help="Whose budget; a name, or a .toml file. Default: this board's, else "
    "generic-cpu.",
)
@click.option(
    "--source",
    "source_uri",
    metavar="URI",
    default=_SYNTHETIC,
    show_default=True,
    help="Where frames come from.",
)
@click.option(
    "--frames",
    type=click.IntRange(min=1),
    help="Stop after so many frames. Default: 1024 and a minute, whichever is later.",
)
@click.option(
    "--duration",
    "duration_s",
    type=SECONDS,
    metavar="SECONDS",
    help="Stop after so many seconds.",
)
@click.option(
    "--warmup",
    type=click.IntRange(min=1),
    default=32,
    show_default=True,
    help="Frames classified before, and not counted.",
)
@click.option(
    "--as-host",
    is_flag=True,
    help="Compare with the profile's budget though this is another machine; never a "
    "verdict.",
)
@click.option(
    "--report",
    "report_path",
    type=FILE,
    metavar="FILE",
    help="Write the report there as JSON too.",
)
@click.option(
    "--junit",
    "junit_path",
    type=FILE,
    metavar="FILE",
    help="Write the limits there as JUnit XML, for CI.",
)
@click.option(
    "--html",
    "html_path",
    type=FILE,
    metavar="FILE",
    help="Write the report there as one page with charts.",
)
@json_option
@click.pass_context
def bench(
    ctx: click.Context,
    /,
    *,
    report_path: Path | None,
    junit_path: Path | None,
    html_path: Path | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Measure latency and compare it with a board's budget.

    Drives the loop of 'edgeclf run', with the machine watched. Exits with 0 within the
    budget, 3 over it, and 4 when there is no verdict: the board throttled, other
    programs were at work, too few samples came for a percentile of the budget, or this
    machine is not the profile's.

    'edgeclf bench compare A.json B.json' holds reports against each other; see
    'edgeclf bench compare --help'.

    \b
    Examples:
      edgeclf bench model.edgeclf
      edgeclf bench model.edgeclf --profile raspberry-pi-5 --report pi5.report.json
      edgeclf bench model.edgeclf --html latency.html --junit latency.xml
      edgeclf bench model.edgeclf --frames 200 --json
      edgeclf bench model.edgeclf --profile raspberry-pi-4b --as-host --duration 10
    """  # noqa: D301 - click wants the control character
    outputs = _outputs(report=report_path, junit=junit_path, html=html_path)
    for path in outputs.values():
        check_output(path, inputs=_inputs(**options))
    if ctx.get_parameter_source("threads") is ParameterSource.DEFAULT:
        options["threads"] = None
    report = _measured(**options)
    payload = report.to_dict()
    # Shown before it is written: a disk that is full loses no minute of measuring.
    if as_json:
        print_json("bench", payload)
    else:
        from edgeclf.commands.bench_table import print_report  # noqa: PLC0415 - rich

        print_report(report)
    for kind, path in outputs.items():
        _WRITERS[kind](path, payload)
        say(f"written: {path}")
    sys.exit(_exit_code(report))


def _outputs(**paths: Path | None) -> Mapping[str, Path]:
    """Return the files to write, by kind; each a file of its own."""
    given = {kind: path for kind, path in paths.items() if path is not None}
    if len({path.resolve() for path in given.values()}) < len(given):
        raise click.UsageError(
            f"--{', --'.join(given)} need a file each, and two name the same"
        )
    return given


def _inputs(
    *,
    model: Path,
    model_flags: ModelFlags,
    profile_name: str | None,
    source_uri: str,
    **_: Any,
) -> tuple[Path | None, ...]:
    """Return the files that a run may read, and that its report must not replace."""
    profile = None if profile_name is None else Path(profile_name)
    source = Path(source_uri.removeprefix("video:").removeprefix("images:"))
    return model, model_flags.labels, profile, source


def _exit_code(report: BenchReport) -> int:
    """Return the report's own code, unless somebody ended the run early."""
    if not report.is_complete and report.run.ended == "interrupted":
        return 130
    if not report.is_complete and report.run.ended == "terminated":
        return 0
    return report.exit_code


def _measured(  # noqa: PLR0913 - one argument an option
    *,
    model: Path,
    model_flags: ModelFlags,
    engine: str | None,
    threads: int | None,
    profile_name: str | None,
    source_uri: str,
    frames: int | None,
    duration_s: float | None,
    warmup: int,
    as_host: bool,
) -> BenchReport:
    """Open everything, measure, and close it."""
    profile = _profile(profile_name)
    loaded = load_model(model, flags=model_flags)
    stop = Stop()
    with (
        Classifier(
            loaded, engine=engine, threads=threads or _threads(profile)
        ) as classifier,
        open_source(
            source_uri, decode=loaded.spec.preprocess.decode, notify=say
        ) as source,
        stop_on_signals(stop),
        progress_line() as progress,
    ):
        return measure(
            classifier,
            source,
            profile,
            BenchOptions(
                extent=_extent(frames, duration_s),
                warmup=warmup,
                as_host=as_host,
                process_age_ns=process_age_ns,
                stop=stop,
                progress=progress,
                reader=MachineReader(zone_types=_zone_types()),
            ),
        )


def _profile(name: str | None) -> Profile:
    """Return the profile asked for, else this board's, else the generic one."""
    if name is not None:
        return load_profile(name)
    return profile_for_board(detect_board()) or load_profile("generic-cpu")


def _zone_types() -> tuple[str, ...]:
    """Return what this board's own profile says of its thermal zones."""
    board = profile_for_board(detect_board())
    zones = board.value("thermal.zone_types") if board else None
    return tuple(map(str, zones)) if isinstance(zones, tuple) else ()


def _threads(profile: Profile) -> int:
    threads = profile.value("defaults.threads")
    return threads if isinstance(threads, int) else 1


def _extent(frames: int | None, duration_s: float | None) -> Extent:
    if frames is None and duration_s is None:
        return QUICK
    return Extent(frames=frames or 1, seconds=duration_s or 0.0)
