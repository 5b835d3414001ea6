"""Network cameras that speak RTSP, through the FFmpeg inside OpenCV."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from ssl import get_default_verify_paths
from typing import Any

import cv2

from edgeclf.errors import SourceError
from edgeclf.sources import Source, SourceOptions
from edgeclf.sources.http_address import checked_address
from edgeclf.sources.live import STALL_S, LiveSource
from edgeclf.sources.opencv import OpenCvDevice
from edgeclf.sources.rtsp_answer import check_certificate, what_it_answers

__all__ = ["open_rtsp", "open_rtsps"]

# FFmpeg writes addresses with their passwords to stderr; OpenCV reads this once, when
# it uses FFmpeg for the first time.
os.environ["OPENCV_FFMPEG_LOGLEVEL"] = "-8"

_OPTIONS = "OPENCV_FFMPEG_CAPTURE_OPTIONS"
_environment_lock = threading.Lock()
_DEBIANS_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"


def open_rtsp(rest: str, *, options: SourceOptions) -> Source:
    """Open ``rtsp:`` + rest, over TCP.

    FFmpeg's own options can be set in ``OPENCV_FFMPEG_CAPTURE_OPTIONS``, for example
    ``rtsp_transport;udp``; they replace the ones chosen here.

    Args:
        rest: ``//[USER:PASSWORD@]HOST[:PORT]/PATH``, percent-encoded.
        options: As for every camera.

    Raises:
        SourceError: Nothing answers there within 2 s, or not with a video.
    """
    return _open(f"rtsp:{rest}", options)


def open_rtsps(rest: str, *, options: SourceOptions) -> Source:
    """Open ``rtsps:`` + rest, as ``open_rtsp`` does; the certificate has to be valid."""
    check_certificate(f"rtsps:{rest}")
    return _open(f"rtsps:{rest}", options)


def _open(address: str, options: SourceOptions) -> Source:
    shown = checked_address(address)
    try:
        device = OpenCvDevice(partial(_capture, address), shown=shown, lost=_lost)
    except SourceError:
        raise SourceError(f"{shown}: {what_it_answers(address)}") from None
    # A picture can be decoded only once a key frame came, and some cameras take long.
    return LiveSource(device, uri=shown, options=options, first_s=12.0)


def _capture(address: str) -> Any:
    timeout_ms = round(STALL_S * 1000)
    settings = [
        *(cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, timeout_ms),
        *(cv2.CAP_PROP_READ_TIMEOUT_MSEC, timeout_ms),
        # Each further thread keeps one more picture back.
        *(cv2.CAP_PROP_N_THREADS, 1),
    ]
    with _options_in_environment(address):
        return cv2.VideoCapture(address, cv2.CAP_FFMPEG, settings)


@contextmanager
def _options_in_environment(address: str) -> Iterator[None]:
    """Tell FFmpeg how to read; OpenCV knows no other way than the environment."""
    with _environment_lock:
        if _OPTIONS in os.environ:
            yield
            return
        os.environ[_OPTIONS] = "|".join(
            f"{name};{value}" for name, value in _ffmpeg_options(address).items()
        )
        try:
            yield
        finally:
            del os.environ[_OPTIONS]


def _ffmpeg_options(address: str) -> dict[str, str]:
    """Return what keeps the delay low: measured, 2 s of old pictures at the start less.

    FFmpeg checks no certificate unless it is told to.
    """
    options = {
        "rtsp_transport": "tcp",
        "fflags": "nobuffer",
        "analyzeduration": "200000",  # microseconds
    }
    if address.lower().startswith("rtsps:"):
        options["tls_verify"] = "1"
        trusted = get_default_verify_paths().cafile or _DEBIANS_CERTIFICATES
        if Path(trusted).exists():
            options["ca_file"] = trusted
    return options


def _lost(waited_s: float) -> str:
    if waited_s >= STALL_S * 0.9:
        return f"nothing came for {STALL_S:g} s: the stream stalled"
    return "the stream ended"
