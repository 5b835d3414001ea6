"""Where frames come from: folders, video files, cameras, made-up moving pictures.

Each kind of source has one adapter, named in ``SOURCES`` and imported when it is used.
"""

import importlib
import logging
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias, runtime_checkable

from edgeclf.errors import MissingDependencyError, SourceError
from edgeclf.install import install_line, system_install_line
from edgeclf.sources.closing import ClosedFromAnywhere, PairsFromAnywhere
from edgeclf.types import DecodeSpec, Frame, TimestampOrigin

if TYPE_CHECKING:
    from typing_extensions import Self  # in typing from Python 3.11 on

__all__ = [
    "SOURCES",
    "ClosedOnExit",
    "FramePair",
    "Notify",
    "PairedSource",
    "Source",
    "SourceEntry",
    "SourceOptions",
    "open_source",
]


Notify: TypeAlias = Callable[[str], None]
_warn: Notify = logging.getLogger("edgeclf").warning

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):(.*)", re.DOTALL)


class Source(Protocol):
    """Frames, one after the other, each with the time when it was taken.

    A source is read once, by one thread: every ``iter()`` goes on where the last one
    stopped. It hands out pixels that stay as they are, gives no frame that was not
    there, raises only ``SourceError``, and gives no frame after ``close()``.

    What ``open_source`` returns may be closed by any thread, also while another is
    inside a read; an adapter need not see to that, but it may have a method
    ``interrupt`` (``edgeclf.sources.closing``) that makes the read end early.
    """

    @property
    def uri(self) -> str:
        """What was opened, fit to be shown: it never holds a password."""
        ...

    @property
    def timestamp_origin(self) -> TimestampOrigin:
        """Who takes the time of its frames."""
        ...

    @property
    def live(self) -> bool:
        """Whether frames come at their own pace, and pass when nobody takes them."""
        ...

    @property
    def unreadable(self) -> int:
        """How many pictures it met so far that could not be read."""
        ...

    def __iter__(self) -> Iterator[Frame]:
        """Yield frames, oldest first."""
        ...

    def close(self) -> None:
        """Let go of files and devices; a second call does nothing."""
        ...

    def __enter__(self) -> "Self":
        """Return itself."""
        ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        ...


class FramePair(NamedTuple):
    """One moment, as a camera's small stream shows it and as its main stream does.

    Attributes:
        lores: What the source gives as a frame.
        main: The larger picture, with the same number and the same time.
    """

    lores: Frame
    main: Frame


@runtime_checkable
class PairedSource(Source, Protocol):
    """A source that reads a small stream, and can show the main one beside it."""

    def take_pair(self, wait_s: float) -> FramePair | None:
        """Return the next moment's two pictures.

        For the time before the first frame: what is given in a pair is no frame. The
        main stream costs nothing while nobody asks.

        Args:
            wait_s: The longest to wait, in seconds; then ``None``.

        Raises:
            SourceError: There will be none any more.
        """
        ...


class ClosedOnExit:
    """Gives an adapter its ``with`` statement."""

    def __enter__(self) -> "Self":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of files and devices; a second call does nothing."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceOptions:
    """What every adapter is opened with; ``open_source`` says what they mean."""

    decode: DecodeSpec = field(default_factory=DecodeSpec)
    every_frame: bool = False
    notify: Notify = _warn


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceEntry:
    """Where an adapter lives, and what it needs.

    Attributes:
        target: ``module:attribute``, called with the part of the URI after the colon
            and ``options=SourceOptions``.
        form: How it is written on the command line.
        needs: Package that the adapter imports.
        extra: Of edgeclf, which brings it.
        system: Debian packages that bring it, where no extra does.
    """

    target: str
    form: str
    needs: str | None = None
    extra: str | None = None
    system: str | None = None


_GSTREAMER = (
    "python3-gi gir1.2-gst-plugins-base-1.0 gstreamer1.0-plugins-base "
    "gstreamer1.0-plugins-good"
)

SOURCES = {
    "images": SourceEntry(
        target="edgeclf.sources.images:ImagesSource", form="images:FOLDER"
    ),
    "video": SourceEntry(
        target="edgeclf.sources.video:VideoSource",
        form="the path of a video file",
        needs="cv2",
        extra="opencv",
    ),
    "http": SourceEntry(
        target="edgeclf.sources.mjpeg:open_http",
        form="http://HOST[:PORT]/PATH (MJPEG)",
    ),
    "https": SourceEntry(
        target="edgeclf.sources.mjpeg:open_https",
        form="https://HOST[:PORT]/PATH",
    ),
    "rtsp": SourceEntry(
        target="edgeclf.sources.rtsp:open_rtsp",
        form="rtsp://HOST[:PORT]/PATH",
        needs="cv2",
        extra="opencv",
    ),
    "rtsps": SourceEntry(
        target="edgeclf.sources.rtsp:open_rtsps",
        form="rtsps://HOST[:PORT]/PATH",
        needs="cv2",
        extra="opencv",
    ),
    "v4l2": SourceEntry(
        target="edgeclf.sources.v4l2:open_v4l2",
        form="v4l2:N",
        needs="cv2",
        extra="opencv",
    ),
    "csi": SourceEntry(
        target="edgeclf.sources.gst:open_csi",
        form="csi:N",
        needs="gi",
        system=_GSTREAMER,
    ),
    "gst": SourceEntry(
        target="edgeclf.sources.gst:open_gst",
        form="gst:PIPELINE",
        needs="gi",
        system=_GSTREAMER,
    ),
    "picamera": SourceEntry(
        target="edgeclf.sources.picamera:open_picamera",
        form="picamera:N",
        needs="picamera2",
        system="python3-picamera2",
    ),
    "synthetic": SourceEntry(
        target="edgeclf.sources.synthetic:SyntheticSource",
        form="synthetic:SEED[,WIDTHxHEIGHT][@FPS]",
    ),
}
"""Every kind of source, by the scheme of its URI."""


def open_source(
    uri: str | os.PathLike[str],
    *,
    decode: DecodeSpec | None = None,
    every_frame: bool = False,
    notify: Notify = _warn,
) -> Source:
    """Open a source of frames.

    Args:
        uri: As one of ``SOURCES`` is written: ``images:FOLDER`` (or one image), the
            path of a video file (a ``Path``, too), ``http://…``, ….
        decode: How image files become pixels; a model's
            ``spec.preprocess.decode``.
        every_frame: A source with a pace of its own keeps frames that were not taken
            in time, instead of going on with the newest.
        notify: Called with one line about something that was survived, such as an
            unreadable picture. Left alone, it logs a warning.

    Raises:
        SourceError: The URI is none of these, or what it names cannot be opened.
        MissingDependencyError: The source needs a package that is not installed.
    """
    scheme, rest = _split(os.fspath(uri))
    opener = _load(scheme, SOURCES[scheme])
    options = SourceOptions(
        decode=decode or DecodeSpec(), every_frame=every_frame, notify=notify
    )
    source = opener(rest, options=options)
    if isinstance(source, PairedSource):
        return PairsFromAnywhere(source)
    return ClosedFromAnywhere(source)


def _split(uri: str) -> tuple[str, str]:
    """Return the key of ``SOURCES`` that a URI asks for, and what follows it."""
    if not uri or "\0" in uri:
        raise SourceError(f"a source cannot be empty, or hold a null byte; {_known()}")
    match = _SCHEME.fullmatch(uri)
    if match is None or _is_path(uri):
        return "video", uri
    scheme, rest = match[1].lower(), match[2]
    if scheme not in SOURCES:
        # Only the scheme is shown: what follows may hold a password.
        import difflib  # noqa: PLC0415 - only for a misspelt scheme

        close = difflib.get_close_matches(scheme, SOURCES, n=1)
        hint = f"; did you mean {close[0] + ':'!r}?" if close else ""
        raise SourceError(f"unknown source '{scheme}:'{hint}; {_known()}")
    if not rest:
        raise SourceError(f"{uri!r} is incomplete: write {SOURCES[scheme].form}")
    return scheme, rest


def _is_path(uri: str) -> bool:
    """Return whether it names something, such as a recording with a time in its name."""
    try:
        return Path(uri).exists()
    except OSError:  # too long for a name
        return False


def _known() -> str:
    forms = [entry.form for entry in SOURCES.values()]
    return f"this version reads {', '.join(forms[:-1])} and {forms[-1]}"


def _load(scheme: str, entry: SourceEntry) -> Callable[..., Source]:
    module_name, _, attribute = entry.target.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        # A package that is there and cannot be loaded gives no name: a library that
        # it needs is missing, or it was built for another numpy.
        if entry.needs is None or error.name not in {None, entry.needs}:
            raise
        line = (
            system_install_line(entry.system)
            if entry.extra is None and entry.system is not None
            else install_line(entry.extra or "")
        )
        raise MissingDependencyError(
            f"source {scheme!r} needs {entry.needs} ({error}): {line}"
        ) from error
    opener: Callable[..., Source] = getattr(module, attribute)
    return opener
