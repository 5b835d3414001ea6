"""``edgeclf run``: the live loop, one line a decision."""

import sys
from functools import partial
from pathlib import Path

import click

from edgeclf.classifier import Classifier
from edgeclf.commands.console import SECONDS, json_option, print_json, say
from edgeclf.commands.model_argument import engine_options, model_argument
from edgeclf.commands.watch_options import Watching, watch_options
from edgeclf.packing import ModelFlags, load_model
from edgeclf.sources import open_source
from edgeclf.stream import JsonSink, Sink, Stop, TextSink, run_loop, stop_on_signals

__all__ = ["run"]


@click.command()
@model_argument
@click.option(
    "--source",
    "source_uri",
    metavar="URI",
    required=True,
    help="images:FOLDER, a video file, or synthetic:SEED[,WIDTHxHEIGHT][@FPS].",
)
@click.option(
    "--frames", type=click.IntRange(min=1), help="Stop after so many decisions."
)
@click.option(
    "--duration",
    "duration_s",
    type=SECONDS,
    metavar="SECONDS",
    help="Stop after so many seconds.",
)
@click.option(
    "--every-frame",
    is_flag=True,
    help="Skip no frame of a source with a pace of its own, however late it gets. "
    "Files are never skipped in.",
)
@click.option(
    "--top-k",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Labels a decision shows.",
)
@watch_options
@engine_options
@json_option
def run(  # noqa: PLR0913 - one argument an option
    *,
    model: Path,
    model_flags: ModelFlags,
    source_uri: str,
    frames: int | None,
    duration_s: float | None,
    every_frame: bool,
    top_k: int,
    watching: Watching,
    engine: str | None,
    threads: int,
    as_json: bool,
) -> None:
    """Classify a camera, a video or a folder, frame by frame.

    Prints one line a decision on stdout: number, label, score, milliseconds of each
    stage, and how old the picture was. Ctrl-C and SIGTERM end it after the frame that
    it is at; the report comes then, too, on stderr (with --json: the last line).

    \b
    Examples:
      edgeclf run model.edgeclf --source video.mp4
      edgeclf run model.edgeclf --source images:photos --top-k 3
      edgeclf run model.edgeclf --source synthetic:7@30 --duration 10 --json
      edgeclf run model.edgeclf --source video.mp4 --events events.toml
    """  # noqa: D301 - click wants the control character
    opened = load_model(model, flags=model_flags)
    stop = Stop()
    with (
        Classifier(opened, engine=engine, threads=threads, top_k=top_k) as classifier,
        open_source(
            source_uri,
            decode=opened.spec.preprocess.decode,
            every_frame=every_frame,
            notify=say,
        ) as source,
        stop_on_signals(stop),
    ):
        report = run_loop(
            source,
            classifier,
            sinks=[_sink(as_json=as_json)],
            watchers=watching.watchers(opened, is_live=source.live),
            frames=frames,
            duration_s=duration_s,
            stop=stop,
        )
    sys.exit(130 if report.ended == "interrupted" else 0)


def _sink(*, as_json: bool) -> Sink:
    if as_json:
        return JsonSink(partial(print_json, "run", one_line=True))
    return TextSink(click.echo, say)
