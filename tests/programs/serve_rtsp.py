"""Serve moving squares over RTSP; run by the system's Python (python3-gi).

Prints the port once it listens. The pictures are those of tests/videos.py, made
without numpy, which the system's Python may lack.
"""

import argparse
from typing import Any

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gio, GLib, Gst, GstRtspServer  # noqa: E402 - versions first

HEIGHT, WIDTH = 48, 64
LAUNCH = (
    "( appsrc name=pictures is-live=true do-timestamp=true format=time "
    "max-buffers=2 leaky-type=downstream "
    "caps=video/x-raw,format=RGB,width={width},height={height},framerate={fps}/1 "
    "! videoconvert ! video/x-raw,format=I420 "
    "! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=10 quantizer=15 "
    "pass=quant ! rtph264pay name=pay0 pt=96 config-interval=-1 )"
)


def picture(index: int) -> bytes:
    rows = []
    top = index % (HEIGHT - 8)
    for row in range(HEIGHT):
        line = b"\xe6\0\0" * (WIDTH // 2) + b"\0\0\xe6" * (WIDTH // 2)
        if top <= row < top + 8:
            left = 3 * (WIDTH // 2 - 4)
            line = line[:left] + b"\x80" * 24 + line[left + 24 :]
        rows.append(line)
    return b"".join(rows)


PICTURES = [picture(index) for index in range(HEIGHT - 8)]


def feed(_: Any, media: Any, fps: int) -> None:
    source = media.get_element().get_by_name("pictures")
    count = iter(range(10**9))

    def push() -> bool:
        data = PICTURES[next(count) % len(PICTURES)]
        source.emit("push-buffer", Gst.Buffer.new_wrapped(data))
        return True

    GLib.timeout_add(round(1000 / fps), push)


def guard(
    server: Any, factory: Any, certificate: str | None, login: str | None
) -> None:
    """Ask for TLS, a login, or both."""
    auth = GstRtspServer.RTSPAuth()
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "viewer")
    if certificate:
        auth.set_tls_certificate(Gio.TlsCertificate.new_from_file(certificate))
    if login:
        user, _, password = login.partition(":")
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
    else:
        auth.set_default_token(token)
    permissions = GstRtspServer.RTSPPermissions()
    permissions.add_role("viewer")
    for what in ("media.factory.access", "media.factory.construct"):
        permissions.add_permission_for_role("viewer", what, True)
    factory.set_permissions(permissions)
    server.set_auth(auth)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--fps", type=int, default=60)
    parser.add_argument("--certificate")
    parser.add_argument("--login")
    arguments = parser.parse_args()

    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service("0")
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(LAUNCH.format(width=WIDTH, height=HEIGHT, fps=arguments.fps))
    factory.set_shared(True)
    factory.connect("media-configure", feed, arguments.fps)
    if arguments.certificate or arguments.login:
        guard(server, factory, arguments.certificate, arguments.login)
    server.get_mount_points().add_factory("/live", factory)
    server.attach(None)
    print(server.get_bound_port(), flush=True)
    GLib.MainLoop().run()


main()
