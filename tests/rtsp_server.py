"""An RTSP server of GStreamer's, run by the system's Python in a process of its own."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import pytest

from tests.system_python import system_python, without_python_paths

__all__ = ["RtspServer", "rtsp_server"]

_PROGRAM = Path(__file__).parent / "programs" / "serve_rtsp.py"
_PACKAGES = (
    "python3-gi gir1.2-gst-rtsp-server-1.0 gir1.2-gst-plugins-base-1.0 "
    "gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-ugly "
    "glib-networking"
)
_CHECK = (
    "import gi; gi.require_version('GstRtspServer', '1.0'); "
    "from gi.repository import Gst, GstRtspServer, Gio; Gst.init(None); "
    "assert all(map(Gst.ElementFactory.find, ['x264enc', 'appsrc', 'rtph264pay'])); "
    "assert Gio.TlsBackend.get_default().supports_tls()"
)


class RtspServer:
    """A server that runs.

    Attributes:
        url: Of its stream.
    """

    def __init__(self, process: "subprocess.Popen[str]", url: str) -> None:
        self.url = url
        self._process = process

    def freeze(self) -> None:
        """Stop answering without closing anything, as a camera that hangs."""
        self._process.send_signal(signal.SIGSTOP)

    def kill(self) -> None:
        """End at once."""
        self._process.kill()
        self._process.wait()


@lru_cache(maxsize=1)
def _has_gstreamer() -> bool:
    done = subprocess.run(
        [system_python(), "-c", _CHECK],
        capture_output=True,
        check=False,
        env=without_python_paths(),
    )
    return done.returncode == 0


@contextmanager
def rtsp_server(
    *, certificate: Path | None = None, login: str | None = None, fps: int = 60
) -> Iterator[RtspServer]:
    """Serve moving squares until the block ends, or skip the test.

    Args:
        certificate: PEM with key and certificate: serve ``rtsps``.
        login: ``user:password`` that is asked for.
        fps: Pictures a second.
    """
    if not _has_gstreamer():
        pytest.skip(f"system package: {_PACKAGES}")
    arguments = [f"--fps={fps}"]
    if certificate is not None:
        arguments.append(f"--certificate={certificate}")
    if login is not None:
        arguments.append(f"--login={login}")
    with subprocess.Popen(
        [system_python(), _PROGRAM, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env=without_python_paths(),
    ) as process:
        try:
            assert process.stdout is not None
            scheme = "rtsp" if certificate is None else "rtsps"
            port = int(process.stdout.readline())
            yield RtspServer(process, f"{scheme}://127.0.0.1:{port}/live")
        finally:
            process.kill()
