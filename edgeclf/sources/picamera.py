"""A Raspberry Pi's cameras through picamera2: the one module that imports it."""

import os
import threading
import time
from functools import partial
from typing import Any, Literal, TypeAlias, cast

from edgeclf.errors import SourceError
from edgeclf.sources import Source, SourceOptions
from edgeclf.sources.camera_form import CameraForm
from edgeclf.sources.camera_pixels import FORMATS, GrantedStream, rgb_of
from edgeclf.sources.live import LiveSource, Shot
from edgeclf.sources.yuv import YuvCoding, YuvMatrix
from edgeclf.types import TimestampOrigin

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
_SIZE = (480, 640)
_MAIN_BESIDE_LORES = (1296, 972)  # (width, height), at least, for the ISP to shrink

# Red, green, blue in memory: nothing is left to be done but a copy.
_RGB_IN_MEMORY = "BGR888"

_StreamName: TypeAlias = Literal["main", "lores"]


def open_picamera(rest: str, *, options: SourceOptions) -> Source:
    """Open ``picamera:`` + rest.

    Args:
        rest: The camera's number, and what is asked of it; 640x480 unless said
            otherwise. ``stream=lores`` takes the small picture that the camera's
            processor makes beside the large one.
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
    return LiveSource(device, uri=shown, options=options)


class _PicameraDevice:
    """A camera that runs.

    Attributes:
        granted: What it gives.
    """

    timestamp_origin: TimestampOrigin = "sensor"

    def __init__(self, shown: str, form: CameraForm) -> None:
        self._shown = shown
        self._stream = cast("_StreamName", form.others.get("stream", "main"))
        self._woken = threading.Event()
        self._is_interrupted = False
        self._previous_ns: int | None = None
        self._camera = _opened(shown, int(form.name))
        try:
            self._camera.configure(_configuration(self._camera, form, self._stream))
            self.granted = _granted(
                self._camera.camera_configuration(), self._stream, shown
            )
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
            data = request.make_buffer(self._stream)
        finally:
            request.release()
        return Shot(
            captured_ns=self._captured_ns(stamp_ns, arrived_ns),
            rgb=partial(rgb_of, data, self.granted),
            busy_ns=time.monotonic_ns() - arrived_ns,
        )

    def interrupt(self) -> None:
        """End a wait for a picture."""
        self._is_interrupted = True
        self._woken.set()

    def release(self) -> None:
        """Stop the camera and let others have it."""
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


def _configuration(camera: Any, form: CameraForm, stream: _StreamName) -> Any:
    height, width = form.size or _SIZE
    controls = {} if form.fps is None else {"FrameRate": form.fps}
    if stream == "main":
        return camera.create_video_configuration(
            main={"format": _RGB_IN_MEMORY, "size": (width, height)}, controls=controls
        )
    large = tuple(map(max, _MAIN_BESIDE_LORES, (width, height)))
    return camera.create_video_configuration(
        main={"size": large},
        # The one format that every Pi's processor shrinks to.
        lores={"format": "YUV420", "size": (width, height)},
        controls=controls,
    )


def _granted(configuration: Any, stream: _StreamName, shown: str) -> GrantedStream:
    """Read back what the camera gives, whatever it was asked for.

    Raises:
        SourceError: It is of no known format.
    """
    given = configuration[stream]
    if given["format"] not in FORMATS:
        raise SourceError(
            f"{shown}: the camera gives {given['format']}; known are "
            f"{', '.join(FORMATS)}"
        )
    width, height = given["size"]
    return GrantedStream(
        format=given["format"],
        size=(height, width),
        bytes_per_row=given["stride"],
        coding=_coding(configuration.get("colour_space")),
    )


def _coding(colour_space: Any) -> YuvCoding:
    """Return what YUV means; where the camera does not say, a video's BT.601."""
    matrix = _name(getattr(colour_space, "ycbcrEncoding", None))
    known = matrix in {"Rec601", "Rec709", "Rec2020"}
    return YuvCoding(
        cast("YuvMatrix", matrix) if known else "Rec601",
        _name(getattr(colour_space, "range", None)) == "Full",
    )


def _name(value: Any) -> str:
    return str(getattr(value, "name", value))
