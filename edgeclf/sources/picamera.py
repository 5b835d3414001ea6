"""A Raspberry Pi's cameras through picamera2: the one module that imports it."""

import os
import threading
import time
from functools import partial
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from edgeclf.errors import SourceError
from edgeclf.sources import FramePair, Source, SourceOptions
from edgeclf.sources.camera_form import CameraForm
from edgeclf.sources.camera_pixels import GrantedStream, rgb_of
from edgeclf.sources.live import LiveSource, Shot
from edgeclf.sources.pairs import PairRequests
from edgeclf.sources.picamera_streams import StreamName, granted_stream, wishes
from edgeclf.types import Frame, TimestampOrigin, Uint8Image

# libcamera writes what it does to stderr, and reads this when it is loaded.
os.environ.setdefault("LIBCAMERA_LOG_LEVELS", "*:ERROR")

try:
    from picamera2 import Picamera2
except ImportError as error:  # it may be what picamera2 needs that is missing
    raise ImportError(str(error), name="picamera2") from error
except ValueError as error:  # a part of it was built for another numpy
    raise SourceError(
        f"picamera2 cannot be imported ({error}): 'edgeclf doctor' says how to mend it"
    ) from error

__all__ = ["open_picamera"]

_FORM = "picamera:N[?width=W&height=H&fps=F&stream=lores]"


def open_picamera(rest: str, *, options: SourceOptions) -> Source:
    """Open ``picamera:`` + rest.

    Args:
        rest: The camera's number, and what is asked of it; 640x480 unless said
            otherwise. ``stream=lores`` takes the small picture that the camera's
            processor makes beside the large one; such a source is a
            ``PairedSource``.
        options: ``notify`` is told when another size is granted.

    Raises:
        SourceError: There is no such camera, it is busy, or it gives what cannot be
            read.
    """
    form = CameraForm.read(rest, form=_FORM, others={"stream": "main|lores"})
    if not form.name.isdecimal():
        raise SourceError(f"'picamera:{rest}' has no number: write {_FORM}")
    shown = f"picamera:{form.name}"
    device = _PicameraDevice(shown, form)
    height, width = device.granted.size
    if form.size not in {None, device.granted.size}:
        options.notify(f"{shown}: gives {width}x{height}, not what was asked for")
    opened = _LoresSource if device.stream == "lores" else LiveSource
    return opened(device, uri=shown, options=options)


class _PicameraDevice:
    """A camera that runs.

    Attributes:
        granted: What it gives.
        stream: Which of its pictures that is.
    """

    timestamp_origin: TimestampOrigin = "sensor"

    def __init__(self, shown: str, form: CameraForm) -> None:
        self._shown = shown
        self.stream = cast("StreamName", form.others.get("stream", "main"))
        self._pairs = PairRequests()
        self._woken = threading.Event()
        self._is_interrupted = False
        self._previous_ns: int | None = None
        self._camera = _opened(shown, int(form.name))
        try:
            asked = self._camera.create_video_configuration(**wishes(form, self.stream))
            self._camera.configure(asked)
            self.granted = self._granted(self.stream)
            self._camera.start()
        except (RuntimeError, ValueError, OSError) as error:
            self.release()
            raise SourceError(f"{shown}: cannot be started ({error})") from error
        except SourceError:
            self.release()
            raise

    def read(self) -> Shot:
        """Wait for the next picture, copy it, and give its buffer back at once."""
        request = self._next_request()
        arrived_ns = time.monotonic_ns()
        try:
            stamp_ns = request.get_metadata().get("SensorTimestamp")
            data = request.make_buffer(self.stream)
            beside = request.make_buffer("main") if self._pairs.is_asked else None
        finally:
            request.release()
        shot = Shot(
            captured_ns=self._captured_ns(stamp_ns, arrived_ns),
            rgb=partial(rgb_of, data, self.granted),
            busy_ns=time.monotonic_ns() - arrived_ns,
        )
        if beside is not None:
            self._pairs.put(partial(self._pair, shot, beside))
        return shot

    def take_pair(self, wait_s: float) -> FramePair | None:
        """Return both streams' pictures of one request; from another thread."""
        return self._pairs.take(wait_s)

    def interrupt(self) -> None:
        """End a wait for a picture."""
        self._is_interrupted = True
        self._woken.set()
        self._pairs.end(SourceError(f"{self._shown}: closed"))

    def release(self) -> None:
        """Stop the camera and let others have it."""
        self._pairs.end(SourceError(f"{self._shown}: gives no more pictures"))
        self._camera.stop()
        self._camera.close()

    def _next_request(self) -> Any:
        self._woken.clear()
        job = self._camera.capture_request(
            wait=False, signal_function=lambda _: self._woken.set()
        )
        if not self._is_interrupted:
            self._woken.wait()
        if self._is_interrupted:
            raise SourceError(f"{self._shown}: closed")
        try:
            return self._camera.wait(job)
        except RuntimeError as error:
            raise SourceError(f"{self._shown}: the camera failed ({error})") from error

    def _granted(self, stream: StreamName) -> GrantedStream:
        configuration = self._camera.camera_configuration()
        return granted_stream(configuration, stream, shown=self._shown)

    def _pair(self, shot: Shot, beside: NDArray[np.uint8], number: int) -> FramePair:
        def frame(pixels: Uint8Image) -> Frame:
            return Frame(
                pixels=pixels,
                captured_ns=shot.captured_ns,
                timestamp_origin=self.timestamp_origin,
                sequence=number,
            )

        # What is granted of the main stream matters to nobody but who asks for it.
        main = rgb_of(beside, self._granted("main"))
        return FramePair(lores=frame(shot.rgb()), main=frame(main))

    def _captured_ns(self, stamp_ns: int | None, arrived_ns: int) -> int:
        """Return the sensor's time on CLOCK_MONOTONIC.

        Cameras that tell none are found out by their first picture. A time that runs
        back, or is still to come, is put right.

        Source:
            libcamera's documentation of SensorTimestamp: CLOCK_BOOTTIME, which goes
            on while the machine sleeps.
        """
        if self._previous_ns is None:
            self._previous_ns = 0
            if not stamp_ns:
                self.timestamp_origin = "arrival"
        if self.timestamp_origin == "arrival":
            return arrived_ns
        asleep_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME) - time.monotonic_ns()
        sensor_ns = (stamp_ns or 0) - asleep_ns
        self._previous_ns = min(max(sensor_ns, self._previous_ns), arrived_ns)
        return self._previous_ns


class _LoresSource(LiveSource):
    """The small stream's pictures, and on request the main stream's beside them."""

    def __init__(
        self, device: _PicameraDevice, *, uri: str, options: SourceOptions
    ) -> None:
        super().__init__(device, uri=uri, options=options)
        self._pairs = device

    def take_pair(self, wait_s: float) -> FramePair | None:
        """Return both pictures of one moment; see ``PairedSource``."""
        return self._pairs.take_pair(wait_s)


def _opened(shown: str, number: int) -> Any:
    cameras = Picamera2.global_camera_info()
    if number >= len(cameras):
        seen = ", ".join(
            f"{index} ({each.get('Model', 'unknown')})"
            for index, each in enumerate(cameras)
        )
        raise SourceError(
            f"{shown}: no such camera; found {seen or 'none'}: check the cable, and "
            "'rpicam-hello --list-cameras'"
        )
    try:
        return Picamera2(number)
    except (RuntimeError, IndexError) as error:
        raise SourceError(
            f"{shown}: cannot be opened ({error}); does another program use it?"
        ) from error
