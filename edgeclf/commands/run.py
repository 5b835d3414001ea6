"""``edgeclf run``: the live loop, one line a decision."""

import contextlib
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click
from click.core import ParameterSource

from edgeclf.classifier import Classifier
from edgeclf.commands.console import SECONDS, json_option, print_json, say
from edgeclf.commands.loop_heat import watched_heat
from edgeclf.commands.loop_options import LoopOptions, loop_options
from edgeclf.commands.loop_workers import opened_workers
from edgeclf.commands.model_argument import engine_options, model_argument
from edgeclf.commands.page_options import PageOptions, page_options
from edgeclf.commands.sink_option import sink_option
from edgeclf.commands.watch_options import Watching, watch_options
from edgeclf.errors import SourceError
from edgeclf.packing import ModelFlags, load_model
from edgeclf.service import ServiceManager, ServiceSink
from edgeclf.sinks import open_sinks
from edgeclf.sources import PairedSource, Source, open_source
from edgeclf.stream import (
    FrameClassifier,
    JsonSink,
    Ledger,
    LoresAgreement,
    Sink,
    Stop,
    TextSink,
    Unopened,
    measure_lores,
    run_loop,
    stop_on_signals,
)

__all__ = ["run"]


@click.command()
@model_argument
@click.option(
    "--source",
    "source_uri",
    metavar="URI",
    required=True,
    help="images:FOLDER, a video file, http(s)://… (MJPEG), rtsp(s)://…, "
    "picamera:N, v4l2:N, csi:N, gst:PIPELINE, or synthetic:SEED[,WIDTHxHEIGHT][@FPS].",
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
    "--top-k",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Labels a decision shows.",
)
@loop_options
@sink_option
@watch_options
@page_options
@engine_options
@json_option
@click.pass_context
def run(  # noqa: PLR0913 - one argument an option
    ctx: click.Context,
    /,
    *,
    model: Path,
    model_flags: ModelFlags,
    source_uri: str,
    frames: int | None,
    duration_s: float | None,
    top_k: int,
    loop: LoopOptions,
    sink_uris: tuple[str, ...],
    watching: Watching,
    page: PageOptions,
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
      edgeclf run model.edgeclf --source synthetic:7@30 --sink jsonl:log.jsonl
      edgeclf run model.edgeclf --source video.mp4 --events events.toml
      edgeclf run model.edgeclf --source v4l2:0 --serve 8080
    """  # noqa: D301 - click wants the control character
    opened = load_model(model, flags=model_flags)
    stop, ledger = Stop(), Ledger()
    said_threads = ctx.get_parameter_source("threads") is not ParameterSource.DEFAULT
    open_again = partial(
        open_source,
        source_uri,
        decode=opened.spec.preprocess.decode,
        every_frame=loop.every_frame,
    )
    with (
        contextlib.closing(ServiceManager()) as manager,
        watched_heat(loop.on_throttle, stop) as heat,
        page.served(
            opened, counts=ledger.so_far, machine=heat.latest, stop=stop
        ) as shown,
        open_sinks(
            sink_uris,
            model_name=opened.name,
            notify=say,
            frames=ledger.so_far,
            stop=stop,
        ) as sinks,
        opened_workers(
            lambda each: Classifier(opened, engine=engine, threads=each, top_k=top_k),
            workers=loop.workers,
            threads=threads if said_threads else None,
            source=partial(open_again, notify=_say_nothing),
            wait_for_source=loop.wait_for_source,
            stop=stop,
        ) as (choice, (classifier, *beside)),
        _first_opened(source_uri, open_again, loop) as source,
        stop_on_signals(stop),
    ):
        if shown is not None:
            shown.started(
                source=source.uri,
                engine=classifier.identity,
                workers=1 + len(beside),
            )
        report = run_loop(
            source,
            classifier,
            beside=beside,
            choice=choice,
            lores=_measured(source, classifier, stop),
            sinks=[
                _sink(as_json=as_json),
                *sinks,
                ServiceSink(manager),
                *([] if shown is None else [shown]),
            ],
            watchers=[
                *watching.watchers(opened, is_live=source.live),
                *heat.watchers,
            ],
            frames=frames,
            duration_s=duration_s,
            max_age_ms=loop.max_age_ms,
            every_frame=loop.every_frame,
            on_change=loop.change_limits,
            recovery=loop.recovery(partial(open_again, notify=say)),
            alive=manager.alive,
            ledger=ledger,
            stop=stop,
        )
    sys.exit({"interrupted": 130, "overheated": 1}.get(report.ended, 0))


def _first_opened(
    uri: str, open_again: Callable[..., Source], loop: LoopOptions
) -> Source:
    """Open the source, or what stands for it until it can be opened.

    A source that cannot be opened at the very start is a wrong name more often than an
    outage, so that is an error unless the command line says otherwise.
    """
    try:
        return open_again(notify=say)
    except SourceError as error:
        if not loop.wait_for_source:
            raise
        # The rest of the address may hold a password.
        return Unopened(f"{uri.partition(':')[0]}:…", error)


def _measured(
    source: Source, classifier: FrameClassifier, stop: Stop
) -> LoresAgreement | None:
    """Say what a camera's small stream does to the decisions, where it is read."""
    if not isinstance(source, PairedSource):
        return None
    agreement = measure_lores(source, classifier, stop=stop)
    say(f"lores: {agreement}")
    return agreement


def _say_nothing(_: str) -> None:
    """Messages of a source that is only looked at: the run itself says them again."""


def _sink(*, as_json: bool) -> Sink:
    if as_json:
        return JsonSink(partial(print_json, "run", one_line=True))
    return TextSink(click.echo, say)
