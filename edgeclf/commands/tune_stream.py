"""``edgeclf tune-stream``: find a rule for events on labelled clips."""

import sys
from pathlib import Path

import click

from edgeclf.classifier import Classifier
from edgeclf.commands.console import (
    FILE,
    SECONDS,
    json_option,
    print_json,
    progress,
    say,
)
from edgeclf.commands.model_argument import engine_options, model_argument
from edgeclf.errors import OutOfBoundsError
from edgeclf.files import check_output, write_atomically
from edgeclf.packing import ModelFlags, load_model
from edgeclf.tuning import (
    SMOOTHINGS,
    Goal,
    TuneOptions,
    TuneReport,
    read_clips,
    record,
    tune,
)
from edgeclf.watch import rule_toml

__all__ = ["tune_stream"]


@click.command("tune-stream")
@model_argument
@click.option(
    "--clips",
    "clips_path",
    type=FILE,
    metavar="FILE",
    required=True,
    help="A table of clips and of what is to be seen in them: CSV with the columns "
    "clip,start_s,end_s,label, or TOML (docs/events.md).",
)
@click.option(
    "-o",
    "--output",
    type=FILE,
    metavar="FILE",
    required=True,
    help="The rule, for 'edgeclf run --events'.",
)
@click.option(
    "--max-false-alarms-per-hour",
    type=click.FloatRange(0, 1e6),
    metavar="RATE",
    help="Most false alarms an hour, of all labels together.  [default: 1, without "
    "--max-delay]",
)
@click.option(
    "--max-delay",
    "max_delay_s",
    type=SECONDS,
    metavar="SECONDS",
    help="Longest median delay from the start of an event to its being told.",
)
@click.option(
    "--per-label",
    is_flag=True,
    help="Give each label thresholds of its own; takes more clips.",
)
@click.option(
    "--tolerance",
    "tolerance_s",
    type=click.FloatRange(0, 60),
    default=0.5,
    show_default=True,
    metavar="SECONDS",
    help="How early or late a start may come beside the label in the table.",
)
@engine_options
@json_option
def tune_stream(  # noqa: PLR0913 - one argument an option
    *,
    model: Path,
    model_flags: ModelFlags,
    clips_path: Path,
    output: Path,
    max_false_alarms_per_hour: float | None,
    max_delay_s: float | None,
    per_label: bool,
    tolerance_s: float,
    engine: str | None,
    threads: int,
    as_json: bool,
) -> None:
    """Find thresholds, smoothing and durations on labelled clips.

    Runs the model once over every frame, tries thousands of settings on its scores,
    and shows what fewer false alarms cost in delay and in misses. The rule that keeps
    the limits goes to a file; the live loop makes the same events of the same scores.
    Exits with 3, and writes nothing, when no setting keeps them.

    \b
    Examples:
      edgeclf tune-stream model.edgeclf --clips clips.csv -o events.toml
      edgeclf tune-stream model.edgeclf --clips clips.csv -o events.toml \\
          --max-false-alarms-per-hour 0.5 --per-label
      edgeclf tune-stream model.edgeclf --clips clips.toml -o events.toml --max-delay 1
    """  # noqa: D301 - click wants the control character
    if max_false_alarms_per_hour is None and max_delay_s is None:
        max_false_alarms_per_hour = 1.0
    goal = Goal(
        max_false_alarms_per_hour=max_false_alarms_per_hour, max_delay_s=max_delay_s
    )
    check_output(output, inputs=(model, model_flags.labels, clips_path))
    table = read_clips(clips_path)
    opened = load_model(model, flags=model_flags)
    with (
        Classifier(opened, engine=engine, threads=threads, top_k=1) as classifier,
        progress("tuning", total=len(table.clips) + len(SMOOTHINGS)) as advance,
    ):
        material = record(table, classifier, on_clip=lambda name: advance(1, name))
        options = TuneOptions(
            goal=goal,
            per_label=per_label,
            tolerance_s=tolerance_s,
            on_progress=lambda: advance(1, "trying settings"),
        )
        report = tune(material, opened, clips_sha256=table.sha256, options=options)
    if report.rule is not None:
        write_atomically(output, rule_toml(report.rule).encode())
    _show(report, output, as_json=as_json)
    if report.rule is None:
        say(_nothing_found(report))
        sys.exit(OutOfBoundsError.exit_code)
    say(f"written: {output}")


def _show(report: TuneReport, output: Path, *, as_json: bool) -> None:
    if as_json:
        written = None if report.rule is None else click.format_filename(output)
        print_json("tune-stream", {"written": written, **report.to_dict()})
        return
    from edgeclf.commands.tune_stream_table import print_report  # noqa: PLC0415 - rich

    print_report(report)


def _nothing_found(report: TuneReport) -> str:
    goal, limits = report.goal, []
    if goal.max_false_alarms_per_hour is not None:
        limits.append(f"{goal.max_false_alarms_per_hour:g} false alarms an hour")
    if goal.max_delay_s is not None:
        limits.append(f"a median delay of {goal.max_delay_s:g} s")
    return (
        f"no setting keeps to {' and '.join(limits)} on these clips: allow more, see the "
        "curve, or train the model on what it takes for something else"
    )
