"""Figures of a benchmark: measured, against a bar, kept between runs, written as a page."""

import datetime as dt
import json
import platform
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

__all__ = ["Figure", "Part", "is_reached", "kept_parts", "page", "write_part"]

_PACKAGES = ("tensorflow", "keras", "tf2onnx", "onnxruntime", "ai-edge-litert")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the table of bars.

    Attributes:
        name: What was measured.
        measured: It, with its interval.
        bar: What it must reach; empty when it is only reported.
        holds: Whether it does; true when it is only reported.
    """

    name: str
    measured: str
    bar: str = ""
    holds: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one part of the benchmark found.

    Attributes:
        name: As ``--only`` takes it.
        measured: Day, machine and versions.
        figures: In order.
        text: Tables and notes in Markdown.
    """

    name: str
    measured: str
    figures: tuple[Figure, ...]
    text: str = ""


def here() -> str:
    """Return the day, the machine and the versions."""
    today = dt.datetime.now(tz=dt.timezone.utc).date()  # noqa: TID251 - for people
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in _PACKAGES)
    return f"{today}, {_processor()}, Python {platform.python_version()}, {versions}"


def is_reached(part: Part) -> bool:
    """Return whether every bar of a part holds."""
    return all(figure.holds for figure in part.figures)


def write_part(folder: Path, name: str, figures: Sequence[Figure], text: str) -> Part:
    """Keep what a part found, for the page."""
    part = Part(name=name, measured=here(), figures=tuple(figures), text=text)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(
        json.dumps(asdict(part), indent=2, ensure_ascii=False) + "\n"
    )
    return part


def kept_parts(folder: Path, names: Sequence[str]) -> Iterator[Part]:
    """Yield what earlier runs found, in the order of the names."""
    for name in names:
        path = folder / f"{name}.json"
        if path.is_file():
            document = json.loads(path.read_text())
            figures = tuple(Figure(**figure) for figure in document.pop("figures"))
            yield Part(**document, figures=figures)


def page(title: str, about: str, parts: Sequence[Part]) -> str:
    """Return all parts as one page in Markdown."""
    lines = [f"# {title}", "", about, "", "| | measured | bar | |", "|---|---|---|---|"]
    lines += [
        f"| {figure.name} | {figure.measured} | {figure.bar} | "
        f"{'' if not figure.bar else 'yes' if figure.holds else '**no**'} |"
        for part in parts
        for figure in part.figures
    ]
    for part in parts:
        lines += ["", f"## {part.name}", "", part.measured, "", part.text]
    return "\n".join([*lines, ""])


def _processor() -> str:
    """Return the processor's name where the system tells it."""
    path = Path("/proc/cpuinfo")
    text = path.read_text() if path.is_file() else ""
    names = (line for line in text.splitlines() if line.startswith("model name"))
    name = next(names, "").partition(":")[2].strip()
    return f"{name} ({platform.machine()})" if name else platform.machine()
