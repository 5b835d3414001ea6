"""GStreamer pipelines as a camera, and a Jetson's CSI cameras, which are one."""

import threading
from importlib import import_module
from time import monotonic_ns
from typing import Any

import gi
import numpy as np

from edgeclf.errors import SourceError
from edgeclf.sources import Source, SourceOptions
from edgeclf.sources.camera_form import CameraForm
from edgeclf.sources.credentials import without_credentials
from edgeclf.sources.live import LiveSource, Shot
from edgeclf.sources.rows import without_padding
from edgeclf.types import TimestampOrigin, Uint8Image

__all__ = ["csi_pipeline", "open_csi", "open_gst"]

try:
    gi.require_versions({"Gst": "1.0", "GstApp": "1.0", "GstVideo": "1.0"})
except ValueError as error:  # PyGObject is there, and what it describes is not
    raise ImportError(str(error), name="gi") from error

GLib = import_module("gi.repository.GLib")
Gst = import_module("gi.repository.Gst")
GstVideo = import_module("gi.repository.GstVideo")
import_module("gi.repository.GstApp")  # gives the sink its methods

_SINK = "edgeclf_takes_pictures"
_TO_RGB = f"videoconvert ! video/x-raw,format=RGB ! appsink name={_SINK} sync=false"
_KEPT = 8
_PULL_NS = 50_000_000
_CSI_FORM = "csi:N[?width=W&height=H&fps=F]"
_TELLS_A_VALUE = 4  # GST_PARSE_ERROR_COULD_NOT_SET_PROPERTY


def open_gst(rest: str, *, options: SourceOptions) -> Source:
    """Open ``gst:`` + rest.

    Args:
        rest: A pipeline as ``gst-launch-1.0`` takes it, up to the last element that
            gives raw video of any format; what makes RGB of it is added.
        options: As for every camera.

    Raises:
        SourceError: It is no pipeline, or cannot be started.
    """
    return _open(rest, shown=None, options=options)


def open_csi(rest: str, *, options: SourceOptions) -> Source:
    """Open ``csi:`` + rest, a camera on a Jetson's own connector.

    Args:
        rest: The sensor's number, and what is asked of it.
        options: As for every camera.

    Raises:
        SourceError: There is no such camera, or this is no Jetson.
    """
    form = CameraForm.read(rest, form=_CSI_FORM)
    if not form.name.isdecimal():
        raise SourceError(f"'csi:{rest}' has no number: write {_CSI_FORM}")
    return _open(csi_pipeline(form), shown=f"csi:{form.name}", options=options)


def csi_pipeline(form: CameraForm) -> str:
    """Return the pipeline that reads a Jetson's camera into the CPU's memory."""
    wishes = ""
    if form.size is not None:
        wishes += f",width={form.size[1]},height={form.size[0]}"
    if form.fps is not None:
        wishes += f",framerate={round(form.fps * 1000)}/1000"
    return (
        f"nvarguscamerasrc sensor-id={form.name} "
        f"! video/x-raw(memory:NVMM){wishes} ! nvvidconv ! video/x-raw,format=BGRx"
    )


def _open(text: str, *, shown: str | None, options: SourceOptions) -> Source:
    device = _GstDevice(text, shown, every_frame=options.every_frame)
    return LiveSource(device, uri=device.shown, options=options)


class _GstDevice:
    """A pipeline that runs.

    Attributes:
        shown: What it is called: the names of its elements, as their properties may
            hold a password.
    """

    timestamp_origin: TimestampOrigin = "driver"

    def __init__(self, text: str, shown: str | None, *, every_frame: bool) -> None:
        self._is_interrupted = threading.Event()
        self._previous_ns: int | None = None
        self._pipeline = _parsed(text, shown or "gst:…")
        self.shown = shown or f"gst:{_elements(self._pipeline)}"
        self._sink = self._pipeline.get_by_name(_SINK)
        self._sink.set_property("max-buffers", _KEPT if every_frame else 1)
        self._sink.set_property("drop", not every_frame)
        try:
            self._start()
        except SourceError:
            self.release()
            raise

    def read(self) -> Shot:
        """Wait for the next picture."""
        sample = self._next_sample()
        arrived_ns = monotonic_ns()
        pixels = _pixels(sample)  # so that its buffer goes back to the driver at once
        return Shot(
            captured_ns=self._captured_ns(sample, arrived_ns),
            rgb=lambda: pixels,
            busy_ns=monotonic_ns() - arrived_ns,
        )

    def interrupt(self) -> None:
        """Make ``read`` end at its next look."""
        self._is_interrupted.set()

    def release(self) -> None:
        """Stop the pipeline."""
        self._pipeline.set_state(Gst.State.NULL)

    def _next_sample(self) -> Any:
        while not self._is_interrupted.is_set():
            sample = self._sink.try_pull_sample(_PULL_NS)
            if sample is not None:
                return sample
            self._raise_failure()
        raise SourceError(f"{self.shown}: closed")

    def _start(self) -> None:
        changed = self._pipeline.set_state(Gst.State.PLAYING)
        if changed == Gst.StateChangeReturn.FAILURE:
            self._raise_failure(patience_ns=_PULL_NS)
            raise SourceError(f"{self.shown}: the pipeline does not start")

    def _raise_failure(self, patience_ns: int = 0) -> None:
        kinds = Gst.MessageType.ERROR | Gst.MessageType.EOS
        message = self._pipeline.get_bus().timed_pop_filtered(patience_ns, kinds)
        if message is None:
            return
        if message.type == Gst.MessageType.EOS:
            raise SourceError(
                f"{self.shown}: the stream ended; to read a file, write its path"
            )
        failure, _ = message.parse_error()  # the second part repeats addresses
        reason = without_credentials(" ".join(failure.message.split()))
        raise SourceError(f"{self.shown}: {message.src.get_name()}: {reason}")

    def _captured_ns(self, sample: Any, arrived_ns: int) -> int:
        """Return when a picture was taken, on CLOCK_MONOTONIC.

        A time that runs back, or is still to come, is put right.

        Source:
            GStreamer's design document on synchronisation: clock time is base time
            plus running time.
        """
        if self._previous_ns is None:  # only now the pipeline has its clock
            self._previous_ns = 0
            self.timestamp_origin = _timestamp_origin(self._pipeline)
        if self.timestamp_origin == "arrival":
            return arrived_ns
        stamp = sample.get_buffer().pts
        running_ns = sample.get_segment().to_running_time(Gst.Format.TIME, stamp)
        stamp_ns = self._pipeline.get_base_time() + running_ns
        self._previous_ns = min(max(stamp_ns, self._previous_ns), arrived_ns)
        return self._previous_ns


def _parsed(text: str, shown: str) -> Any:
    """Return the pipeline.

    Raises:
        SourceError: It is none; nothing of the text is repeated but names.
    """
    if not Gst.is_initialized():
        Gst.init(None)
    try:
        return Gst.parse_launch(f"{text} ! {_TO_RGB}")
    except GLib.GError as error:
        reason = without_credentials(" ".join(error.message.split()))
        if error.code == _TELLS_A_VALUE:
            reason = "a property cannot have the value that it was given"
        hint = ""
        if shown.startswith("csi:") and "no element" in reason:
            hint = "; csi: is for NVIDIA Jetson boards"
        raise SourceError(
            f"{shown}: {reason}{hint}; try it with gst-launch-1.0"
        ) from None


def _elements(pipeline: Any) -> str:
    """Return the names of what the user wrote, in order."""
    found = []
    elements = pipeline.iterate_sorted()
    while True:
        result, element = elements.next()
        if result != Gst.IteratorResult.OK:
            break
        found.append(element.get_factory().get_name())
    return " ! ".join(reversed(found[3:]))


def _timestamp_origin(pipeline: Any) -> TimestampOrigin:
    """Return ``driver`` where the pictures' times mean when they were taken.

    That takes a clock that is this process's, and no network in between: there the
    times are those of the packets' arrival.
    """
    clock = pipeline.get_clock()
    is_ours = (
        isinstance(clock, Gst.SystemClock)
        and clock.get_property("clock-type") == Gst.ClockType.MONOTONIC
    )
    return "driver" if is_ours and _is_local_and_live(pipeline) else "arrival"


def _is_local_and_live(pipeline: Any) -> bool:
    # Asked before the sink, which says no for the whole pipeline as it does not wait.
    pad = pipeline.get_by_name(_SINK).get_static_pad("sink")
    latency = Gst.Query.new_latency()
    if not pad.peer_query(latency) or not latency.parse_latency()[0]:
        return False
    sources = pipeline.iterate_sources()
    while True:
        result, source = sources.next()
        if result != Gst.IteratorResult.OK:
            return True
        if "Network" in source.get_factory().get_metadata("klass"):
            return False


def _pixels(sample: Any) -> Uint8Image:
    """Return a copy of a sample's pixels without what pads its rows."""
    info = GstVideo.VideoInfo.new_from_caps(sample.get_caps())
    buffer = sample.get_buffer()
    meta = GstVideo.buffer_get_video_meta(buffer)
    stride, offset = (
        (info.stride[0], info.offset[0])
        if meta is None
        else (meta.stride[0], meta.offset[0])
    )
    is_mapped, memory = buffer.map(Gst.MapFlags.READ)
    if not is_mapped:
        raise SourceError("GStreamer does not let its buffer be read")
    try:
        data = np.frombuffer(memory.data, np.uint8, offset=offset)
        return without_padding(data, (info.height, info.width * 3), stride).reshape(
            info.height, info.width, 3
        )
    finally:
        buffer.unmap(memory)
