"""Where decisions and events go besides the terminal: files, brokers, servers.

Each kind of sink has one adapter, named in ``SINKS`` and imported when it is used. All
of them stand behind a ``BufferedSink``, so that none of them makes the loop wait.
"""

import contextlib
import importlib
import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from edgeclf.errors import MissingDependencyError, SinkError
from edgeclf.install import install_line
from edgeclf.sources import Notify
from edgeclf.stream import SinkCounts, Stop

if TYPE_CHECKING:
    from edgeclf.sinks.buffered import BufferedSink

__all__ = [
    "SINKS",
    "FrameCounts",
    "SinkEntry",
    "SinkOptions",
    "open_sink",
    "open_sinks",
]

_warn: Notify = logging.getLogger("edgeclf").warning
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(.*)", re.DOTALL)

FrameCounts: TypeAlias = Callable[[], Mapping[str, int]]
"""Returns numbers of frames by what became of them."""


def _no_counts() -> Sequence[SinkCounts]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkOptions:
    """What every adapter is opened with.

    Attributes:
        notify: Called with one line about something that was survived.
        model_name: Of the model that decides, for people.
        others: Returns what the other sinks of the run did so far.
        frames: Returns what became of the frames so far, as ``Ledger.so_far`` does;
            ``None`` where nobody counts them.
    """

    notify: Notify = _warn
    model_name: str = "model"
    others: Callable[[], Sequence[SinkCounts]] = _no_counts
    frames: FrameCounts | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkEntry:
    """Where an adapter lives, and what it needs.

    Attributes:
        target: ``module:attribute``, called with the scheme, the part of the URI after
            the colon, and ``options=SinkOptions``.
        form: How it is written on the command line.
        needs: Package that the adapter imports, and the extra that brings it.
    """

    target: str
    form: str
    needs: tuple[str, str] | None = None


SINKS = {
    "jsonl": SinkEntry(target="edgeclf.sinks.jsonl:open_jsonl", form="jsonl:PATH"),
    "mqtt": SinkEntry(
        target="edgeclf.sinks.mqtt:open_mqtt",
        form="mqtt://HOST[:PORT]/TOPIC",
        needs=("paho", "mqtt"),
    ),
    "mqtts": SinkEntry(
        target="edgeclf.sinks.mqtt:open_mqtt",
        form="mqtts://HOST[:PORT]/TOPIC",
        needs=("paho", "mqtt"),
    ),
    "http": SinkEntry(
        target="edgeclf.sinks.webhook:open_webhook", form="http://HOST[:PORT]/PATH"
    ),
    "https": SinkEntry(
        target="edgeclf.sinks.webhook:open_webhook", form="https://HOST[:PORT]/PATH"
    ),
    "prometheus": SinkEntry(
        target="edgeclf.sinks.prometheus:open_prometheus",
        form="prometheus:[HOST:]PORT",
        needs=("prometheus_client", "metrics"),
    ),
    "captures": SinkEntry(
        target="edgeclf.sinks.captures:open_captures", form="captures:FOLDER"
    ),
}
"""Every kind of sink, by the scheme of its URI."""


def open_sink(uri: str, *, options: SinkOptions | None = None) -> "BufferedSink":
    """Open a sink; what cannot be reached now is tried again while it is open.

    Args:
        uri: See ``SINKS``, and docs/sinks.md for the options behind a ``?``.
        options: What it works with.

    Raises:
        SinkError: The URI is wrong, or names what can never work.
        MissingDependencyError: The sink needs a package that is not installed.
    """
    match = _SCHEME.fullmatch(uri)
    scheme = match[1].lower() if match else ""
    if match is None or scheme not in SINKS:
        # Only the scheme is shown: what follows may hold a password.
        import difflib  # noqa: PLC0415 - only for a misspelt scheme

        close = difflib.get_close_matches(scheme, SINKS, n=1)
        hint = f"; did you mean {close[0] + ':'!r}?" if close else ""
        raise SinkError(f"unknown sink '{scheme}:'{hint}; {_known()}")
    entry = SINKS[scheme]
    if not match[2]:
        raise SinkError(f"'{scheme}:' is incomplete: write {entry.form}")
    opener = _load(scheme, entry)
    return opener(scheme, match[2], options=options or SinkOptions())


@contextlib.contextmanager
def open_sinks(
    uris: Sequence[str],
    *,
    model_name: str = "model",
    notify: Notify = _warn,
    frames: FrameCounts | None = None,
    stop: Stop | None = None,
) -> Iterator[Sequence["BufferedSink"]]:
    """Open sinks, and close them with what they still hold delivered.

    Closing waits 0.3 s at most for all together; ``run_loop`` gave them a second. When
    the end was asked for, both are shorter.

    Args:
        uris: One a sink.
        model_name: Of the model that decides, for people.
        notify: Called with one line about something that was survived.
        frames: Returns what became of the frames so far: the ``so_far`` of the
            ``Ledger`` that ``run_loop`` is given.
        stop: Where the end may be asked for.

    Raises:
        SinkError: See ``open_sink``; those opened before are closed.
        MissingDependencyError: Likewise.
    """
    opened: list[BufferedSink] = []
    options = SinkOptions(
        notify=notify,
        model_name=model_name,
        others=lambda: [sink.counts() for sink in opened],
        frames=frames,
    )
    try:
        for uri in uris:
            opened.append(open_sink(uri, options=options))  # noqa: PERF401 - closed if a later one fails
        yield opened
    finally:
        _close(opened, (stop or Stop()).patience_s("closing"))


def _close(sinks: Sequence["BufferedSink"], timeout_s: float) -> None:
    deadline_ns = time.monotonic_ns() + round(timeout_s * 1e9)
    for sink in sinks:
        sink.end()
    for sink in sinks:
        sink.close(max(0.0, (deadline_ns - time.monotonic_ns()) / 1e9))


def _known() -> str:
    forms = [entry.form for entry in SINKS.values()]
    return f"this version writes to {', '.join(forms)}"


def _load(scheme: str, entry: SinkEntry) -> Callable[..., "BufferedSink"]:
    module_name, _, attribute = entry.target.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        package, extra = entry.needs or ("", "")
        if not package or str(error.name).partition(".")[0] != package:
            raise
        raise MissingDependencyError(
            f"sink '{scheme}:' needs {package} ({error}): {install_line(extra)}"
        ) from error
    opener: Callable[..., BufferedSink] = getattr(module, attribute)
    return opener
