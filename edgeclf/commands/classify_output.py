"""What ``edgeclf classify`` prints: text, CSV or JSON."""

import csv
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

import click

from edgeclf.classifier import Classifier
from edgeclf.commands.console import one_line, print_json, say
from edgeclf.errors import InputFileError
from edgeclf.types import Prediction

__all__ = ["Failures", "Printer", "open_printer"]


class Failures:
    """Images that could not be read, each told on stderr when it happened."""

    def __init__(self) -> None:
        self.messages: list[tuple[Path, str]] = []

    def add(self, path: Path, error: InputFileError) -> None:
        """Take one in, and say it."""
        self.messages.append((path, str(error)))
        say(f"error: {one_line(str(error))}")


class Printer(Protocol):
    """Shows results in one of the formats."""

    def image(self, path: Path, prediction: Prediction) -> None:
        """Show what is in one image."""
        ...

    def end(self, failures: Failures) -> None:
        """Show what is left to show."""
        ...


def open_printer(classifier: Classifier, *, as_csv: bool, as_json: bool) -> Printer:
    """Return what shows results as text, CSV or JSON."""
    if as_json:
        return _JsonPrinter(classifier)
    return _CsvPrinter() if as_csv else _TextPrinter()


class _TextPrinter:
    def image(self, path: Path, prediction: Prediction) -> None:
        click.echo(one_line(str(path)))
        for rank, each in enumerate(prediction.top, start=1):
            click.echo(f"{rank:>4}  {each.score:.3f}  {each.label}")

    def end(self, failures: Failures) -> None:
        pass


class _CsvPrinter:
    def __init__(self) -> None:
        self._rows = csv.writer(_Echo(), lineterminator="\n")
        self._rows.writerow(["path", "rank", "label", "index", "score"])

    def image(self, path: Path, prediction: Prediction) -> None:
        name = click.format_filename(path)
        for rank, each in enumerate(prediction.top, start=1):
            score = f"{each.score:.6f}"
            self._rows.writerow([name, rank, each.label, each.index, score])

    def end(self, failures: Failures) -> None:
        pass


class _Echo:
    """A file for ``csv.writer`` that writes as click does."""

    def write(self, text: str) -> None:
        click.echo(text, nl=False)


class _JsonPrinter:
    """Collects, as one object can only be printed whole."""

    def __init__(self, classifier: Classifier) -> None:
        self._classifier = classifier
        self._images: list[dict[str, Any]] = []

    def image(self, path: Path, prediction: Prediction) -> None:
        self._images.append(
            {
                "path": click.format_filename(path),
                "top": [each._asdict() for each in prediction.top],
                "stage_ns": dict(prediction.stage_ns),
            }
        )

    def end(self, failures: Failures) -> None:
        model = self._classifier.model
        print_json(
            "classify",
            {
                "model": {"name": model.name, "digest": model.digest},
                "engine": asdict(self._classifier.identity),
                "images": self._images,
                "failed": [
                    {"path": click.format_filename(path), "message": message}
                    for path, message in failures.messages
                ],
            },
        )
