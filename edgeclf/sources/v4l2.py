"""Cameras of the kernel's (USB and others), through OpenCV's V4L2 backend."""

import errno
import os
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from edgeclf.decode import decode_image
from edgeclf.errors import ImageError, SourceError
from edgeclf.sources import Source, SourceOptions
from edgeclf.sources.camera_form import CameraForm
from edgeclf.sources.live import LiveSource
from edgeclf.sources.opencv import OpenCvDevice
from edgeclf.sources.v4l2_facts import V4l2Format, claim, format_of
from edgeclf.types import DecodeSpec, TimestampOrigin, Uint8Image

__all__ = ["open_v4l2"]

# Seconds that OpenCV waits for a picture, 10 by default; it reads this when it is
# imported. Where that was before, a camera that hangs is let go of later.
os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "2")

FORM = "v4l2:N[?width=W&height=H&fps=F&format=CODE] or v4l2:/dev/videoN[?…]"

_CLOCKS_APART_NS = 5_000_000_000

# OpenCV's own conversion swaps colours for some formats in some versions, and after a
# damaged JPEG it gives the picture before once more; so the bytes are taken as they are.
_CONVERSIONS = {
    "YUYV": cv2.COLOR_YUV2RGB_YUYV,
    "UYVY": cv2.COLOR_YUV2RGB_UYVY,
    "NV12": cv2.COLOR_YUV2RGB_NV12,
    "NV21": cv2.COLOR_YUV2RGB_NV21,
    "YU12": cv2.COLOR_YUV2RGB_I420,
    "YV12": cv2.COLOR_YUV2RGB_YV12,
    "BGR3": cv2.COLOR_BGR2RGB,
    "GREY": cv2.COLOR_GRAY2RGB,
}
_BYTES_PER_PIXEL = {"YUYV": 2, "UYVY": 2, "BGR3": 3, "RGB3": 3}
_JPEGS = ("MJPG", "JPEG")


def open_v4l2(rest: str, *, options: SourceOptions) -> Source:
    """Open ``v4l2:`` + rest.

    Args:
        rest: A number or a device file, and what is asked of the camera. What it
            grants may differ; then ``options.notify`` is told.
        options: ``decode`` says how JPEGs become pixels.

    Raises:
        SourceError: There is no such camera, it is not allowed or busy, or it gives
            what cannot be read.
    """
    form = CameraForm.read(rest, form=FORM, others={"format": "[A-Za-z0-9]{4}"})
    path = f"/dev/video{form.name}" if form.name.isdecimal() else form.name
    shown = f"v4l2:{path}"
    _check(path, shown)
    device = _V4l2Device(path, shown, form, options)
    return LiveSource(device, uri=shown, options=options)


class _V4l2Device(OpenCvDevice):
    """Takes the driver's time where its clock is this process's."""

    timestamp_origin: TimestampOrigin = "driver"

    def __init__(
        self, path: str, shown: str, form: CameraForm, options: SourceOptions
    ) -> None:
        super().__init__(
            partial(cv2.VideoCapture, path, cv2.CAP_V4L2),
            shown=shown,
            lost=partial(_lost, path),
            to_rgb=self._from_raw,
        )
        self._previous_ns: int | None = None
        self._decode: DecodeSpec = options.decode
        try:
            _ask(self.capture, form)
            self._format = _granted(path, shown)
            self.capture.set(cv2.CAP_PROP_CONVERT_RGB, 0)
        except SourceError:
            self.release()
            raise
        for line in _differences(self.capture, form, self._format):
            options.notify(f"{shown}: {line}")

    def captured_ns(self, arrived_ns: int) -> int:
        """Return the driver's time, which V4L2 takes from CLOCK_MONOTONIC.

        Nearly all drivers do; one that does not is found out by its first picture.
        A time that runs back, or is still to come, is put right.
        """
        stamp_ns = round(self.capture.get(cv2.CAP_PROP_POS_MSEC) * 1000) * 1000
        if self._previous_ns is None:
            self._previous_ns = 0
            if not 0 <= arrived_ns - stamp_ns < _CLOCKS_APART_NS:
                self.timestamp_origin = "arrival"
        if self.timestamp_origin == "arrival":
            return arrived_ns
        self._previous_ns = min(max(stamp_ns, self._previous_ns), arrived_ns)
        return self._previous_ns

    def _from_raw(self, raw: Uint8Image) -> Uint8Image:
        code, (height, width) = self._format.code, self._format.size
        name = f"{self._shown}: a picture of {raw.size} bytes"
        if code in _JPEGS:
            return decode_image(raw.tobytes(), self._decode, name=name)
        pixels = raw if code == "RGB3" else cv2.cvtColor(raw, _CONVERSIONS[code])
        if pixels.shape != (height, width, 3):
            raise ImageError(f"{name} is not the {width}x{height} that were announced")
        return np.ascontiguousarray(pixels)


def _check(path: str, shown: str) -> None:
    """Find out at once what OpenCV would find out slowly, or not say."""
    try:
        facts = claim(path)
    except OSError as error:
        raise SourceError(f"{shown}: {_reason(error)}") from error
    if not facts.is_camera:
        raise SourceError(f"{shown}: {facts.card!r} is no camera; {_cameras()}")


def _reason(error: OSError) -> str:
    if error.errno == errno.EACCES:
        return (
            "not allowed; join the group video with 'sudo usermod -aG video $USER' and "
            "log in again"
        )
    if error.errno == errno.EBUSY:
        return "another program uses it; 'fuser -v' with its path names the program"
    if error.errno in {errno.ENOENT, errno.ENODEV, errno.ENXIO}:
        return f"no such camera; is it plugged in? {_cameras()}"
    words = (error.strerror or str(error)).lower()
    return f"no video device ({words}); {_cameras()}"


def _cameras() -> str:
    found = sorted(str(path) for path in Path("/dev").glob("video*"))
    return f"this machine has {', '.join(found) or 'no /dev/video*'}"


def _ask(capture: Any, form: CameraForm) -> None:
    if "format" in form.others:
        code = cv2.VideoWriter.fourcc(*form.others["format"].upper())
        capture.set(cv2.CAP_PROP_FOURCC, code)
    if form.size is not None:
        height, width = form.size
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, width)
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, height)
    if form.fps is not None:
        capture.set(cv2.CAP_PROP_FPS, form.fps)


def _granted(path: str, shown: str) -> V4l2Format:
    """Read back what the camera gives.

    Raises:
        SourceError: It is nothing that OpenCV hands over whole.
    """
    fd = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        granted = format_of(fd)
    except OSError as error:
        raise SourceError(f"{shown}: {_reason(error)}") from error
    finally:
        os.close(fd)
    known = [*_CONVERSIONS, "RGB3", *_JPEGS]
    if granted.code not in known:
        raise SourceError(
            f"{shown}: the camera gives {granted.code!r}; known are {', '.join(known)}: "
            "try format=YUYV or format=MJPG"
        )
    row = granted.size[1] * _BYTES_PER_PIXEL.get(granted.code, 1)
    if granted.code not in _JPEGS and granted.bytes_per_row not in {0, row}:
        raise SourceError(
            f"{shown}: the driver pads rows of {row} bytes to {granted.bytes_per_row}, "
            "which OpenCV would take for pixels: ask for another width"
        )
    return granted


def _differences(capture: Any, form: CameraForm, granted: V4l2Format) -> list[str]:
    """Return a line for each wish that was not granted."""
    fps = float(capture.get(cv2.CAP_PROP_FPS))
    height, width = granted.size
    lines = []
    if form.size not in {None, granted.size}:
        lines.append(f"gives {width}x{height}, not the size that was asked for")
    if form.fps is not None and abs(fps - form.fps) > 0.5:
        lines.append(f"gives {fps:g} frames a second, not {form.fps:g}")
    if form.others.get("format", granted.code).upper() != granted.code:
        lines.append(f"gives {granted.code}, not {form.others['format'].upper()}")
    return lines


def _lost(path: str, waited_s: float) -> str:
    if waited_s > 1:
        return f"no picture for {waited_s:.0f} s: the camera hangs"
    seen = "is there, and gives nothing" if Path(path).exists() else "is gone"
    return f"the camera {seen}: was it unplugged?"
