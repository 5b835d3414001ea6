"""``edgeclf classify``: what is in these images?"""

import sys
from collections.abc import Iterable
from pathlib import Path

import click

from edgeclf.classifier import Classifier
from edgeclf.commands.classify_output import Failures, Printer, open_printer
from edgeclf.commands.console import FILE, json_option, tracked
from edgeclf.commands.model_argument import engine_options, model_argument
from edgeclf.decode import find_images, read_image
from edgeclf.errors import InputFileError
from edgeclf.packing import ModelFlags, load_model
from edgeclf.types import DecodeSpec, Uint8Image

__all__ = ["classify"]


@click.command()
@model_argument
@click.argument(
    "paths",
    metavar="PATH...",
    nargs=-1,
    required=True,
    type=FILE,
)
@click.option(
    "--top-k",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    help="Labels an image gets.",
)
@engine_options
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV instead of text.")
@json_option
def classify(  # noqa: PLR0913 - one argument an option
    *,
    model: Path,
    model_flags: ModelFlags,
    paths: tuple[Path, ...],
    top_k: int,
    engine: str | None,
    threads: int,
    as_csv: bool,
    as_json: bool,
) -> None:
    """Classify images and folders of images.

    Folders are searched at any depth. An image that cannot be read is one line on
    stderr; the others are still classified, and the exit code is 1.

    \b
    Examples:
      edgeclf classify model.edgeclf cat.jpg
      edgeclf classify model.edgeclf photos --top-k 3 --csv > labels.csv
      edgeclf classify model.edgeclf photos cat.jpg --json
    """  # noqa: D301 - click wants the control character
    if as_csv and as_json:
        raise click.UsageError("--csv and --json exclude each other")
    opened = load_model(model, flags=model_flags)
    with Classifier(opened, engine=engine, threads=threads, top_k=top_k) as classifier:
        printer = open_printer(classifier, as_csv=as_csv, as_json=as_json)
        failures = Failures()
        images = [image for path in paths for image in _find(path, failures)]
        shown = tracked(images, "classifying", total=len(images))
        # Lines of text that scroll by are progress enough, and a bar would break them.
        is_scrolling = sys.stdout.isatty() and not as_json
        _classify_all(classifier, images if is_scrolling else shown, printer, failures)
        printer.end(failures)
    sys.exit(1 if failures.messages else 0)


def _find(path: Path, failures: Failures) -> list[Path]:
    try:
        return find_images(path)
    except InputFileError as error:
        failures.add(path, error)
        return []


def _read(path: Path, decode: DecodeSpec, failures: Failures) -> Uint8Image | None:
    try:
        return read_image(path, decode)
    except InputFileError as error:
        failures.add(path, error)
        return None


def _classify_all(
    classifier: Classifier,
    images: Iterable[Path],
    printer: Printer,
    failures: Failures,
) -> None:
    decode = classifier.model.spec.preprocess.decode
    for path in images:
        pixels = _read(path, decode, failures)
        if pixels is not None:
            printer.image(path, classifier.classify(pixels))
