"""A camera over HTTP that can be killed: serves one JPEG again and again.

    python -m benchmarks.mjpeg_child PORT FILE.jpg [SILENT_AFTER]

prints the monotonic nanoseconds at which it listens. After so many pictures a stream
falls silent in the middle of one, if that is asked for. Started by ``reconnect``.
"""

import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

_PERIOD_S = 1 / 30


class _Camera(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=next")
        self.end_headers()
        head = f"--next\r\nContent-Type: image/jpeg\r\nContent-Length: {len(JPEG)}"
        for _ in range(SILENT_AFTER):
            self.wfile.write(head.encode() + b"\r\n\r\n" + JPEG + b"\r\n")
            time.sleep(_PERIOD_S)
        self.wfile.write(head.encode() + b"\r\n\r\n" + JPEG[: len(JPEG) // 2])
        time.sleep(3600)

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


JPEG = Path(sys.argv[2]).read_bytes()
SILENT_AFTER = int(sys.argv[3]) if len(sys.argv) > 3 else sys.maxsize

server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), _Camera)
print(time.monotonic_ns(), flush=True)
server.serve_forever()
