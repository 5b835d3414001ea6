"""Why a camera gives no RTSP stream, asked of itself: FFmpeg's reason stays hidden."""

import re
import socket
import ssl
from urllib.parse import SplitResult, urlsplit

from edgeclf.errors import SourceError
from edgeclf.sources.http_address import checked_address
from edgeclf.sources.live import STALL_S

__all__ = ["check_certificate", "what_it_answers"]

_PORTS = {"rtsp": 554, "rtsps": 322}
_STATUS = re.compile(rb"RTSP/1\.[0-9] ([0-9]{3}) ")


def check_certificate(address: str) -> None:
    """Connect as FFmpeg will, and look at the server's certificate.

    Raises:
        SourceError: Nothing listens there, or the certificate is not trusted.
    """
    shown = checked_address(address)
    try:
        _connected(urlsplit(address)).close()
    except OSError as error:
        raise SourceError(f"{shown}: {_reason(error)}") from error


def what_it_answers(address: str) -> str:
    """Ask for the stream without a login, and return what the answer means."""
    parts = urlsplit(address)
    try:
        with _connected(parts) as connection:
            connection.sendall(_question(parts))
            answer = _STATUS.match(connection.recv(4096))
    except OSError as error:
        return _reason(error)
    if answer is None:
        return "what answers there does not speak RTSP"
    return _meaning(int(answer[1]), has_login=parts.username is not None)


def _connected(parts: SplitResult) -> socket.socket:
    port = parts.port or _PORTS[parts.scheme.lower()]
    plain = socket.create_connection((parts.hostname or "", port), timeout=STALL_S)
    if parts.scheme.lower() == "rtsp":
        return plain
    with plain:
        context = ssl.create_default_context()
        return context.wrap_socket(plain, server_hostname=parts.hostname)


def _question(parts: SplitResult) -> bytes:
    """Return a request for the stream's description.

    Source:
        RFC 2326 section 10.2.
    """
    host = parts.netloc.rpartition("@")[2]
    place = parts._replace(netloc=host, fragment="").geturl()
    return (
        f"DESCRIBE {place} RTSP/1.0\r\nCSeq: 1\r\nUser-Agent: edgeclf\r\n"
        "Accept: application/sdp\r\n\r\n"
    ).encode()


def _meaning(status: int, *, has_login: bool) -> str:
    if status == 401:
        return (
            "the server refuses this user and password"
            if has_login
            else "the server asks for a login: write USER:PASSWORD@ before the host"
        )
    if status == 404:
        return "the server has no such stream: look up the path in the camera's manual"
    if status == 200:
        return (
            "the server has this stream, but OpenCV gets no video out of it; "
            "H.264, H.265 and MJPEG are known to work"
        )
    return f"the server answers {status}"


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"its certificate is not trusted ({error.verify_message}); for one that "
            "you made, set SSL_CERT_FILE to it"
        )
    if isinstance(error, TimeoutError):
        return f"no answer for {STALL_S:g} s; is the camera on?"
    words = (error.strerror or type(error).__name__).lower()
    return f"cannot connect ({words}); is the camera on, and is this its address?"
