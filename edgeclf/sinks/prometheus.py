"""A page that Prometheus reads: counters, histograms, what is true now."""

import re
import socket
import threading
from collections.abc import Sequence
from http.server import ThreadingHTTPServer

from prometheus_client import MetricsHandler

from edgeclf.errors import SinkError
from edgeclf.machine import MachineReader
from edgeclf.sinks import SINKS, SinkOptions
from edgeclf.sinks.buffered import BufferedSink
from edgeclf.sinks.metrics import LiveMetrics
from edgeclf.sinks.picking import PickKinds
from edgeclf.sinks.query import Query
from edgeclf.sinks.record import Record

__all__ = ["PrometheusOutlet", "open_prometheus"]

_ADDRESS = re.compile(r"(?://)?(?:(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):)?([0-9]{1,5})")


class _Handler(MetricsHandler):
    timeout = 5  # seconds that somebody who connects may say nothing


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_port = False


class _Server6(_Server):
    address_family = socket.AF_INET6


class PrometheusOutlet:
    """Counts records, and answers scrapes from threads of its own.

    Args:
        metrics: Takes the records.
        server: Answers the scrapes; shut down with the outlet.
    """

    batch = 64

    def __init__(self, metrics: LiveMetrics, server: ThreadingHTTPServer) -> None:
        self._metrics = metrics
        self._server = server
        threading.Thread(
            target=server.serve_forever, name="prometheus", daemon=True
        ).start()

    def ready(self) -> None:
        """Do nothing: whoever wants something comes here."""

    def deliver(self, records: Sequence[Record]) -> int:
        """Count them."""
        for record in records:
            self._metrics.take(record)
        return len(records)

    def close(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()


def open_prometheus(_: str, rest: str, *, options: SinkOptions) -> BufferedSink:
    """Open ``prometheus:[HOST:]PORT``: for this machine only, unless a host is given."""
    address, _, query_text = rest.partition("?")
    match = _ADDRESS.fullmatch(address)
    if match is None or int(match[2]) > 65_535:
        raise SinkError(
            f"prometheus:{address} is no address: write {SINKS['prometheus'].form}"
        )
    host, port = (match[1] or "127.0.0.1").strip("[]"), int(match[2])
    Query(query_text, sink=f"prometheus:{address}").done()
    reader = MachineReader()
    metrics = LiveMetrics(
        model_name=options.model_name,
        others=options.others,
        frames=options.frames,
        temperature_c=lambda: reader.read(throttle=False).temperature_c,
    )
    kind = _Server6 if ":" in host else _Server
    try:
        server = kind((host, port), _Handler.factory(metrics.registry))
    except OSError as error:
        raise SinkError(
            f"cannot listen on prometheus:{address}: "
            f"{(error.strerror or str(error)).lower()}"
        ) from error
    shown = f"[{host}]" if ":" in host else host
    return BufferedSink(
        PrometheusOutlet(metrics, server),
        PickKinds({"decision", "event"}),
        name=f"prometheus:{shown}:{server.server_port}",
        notify=options.notify,
        size=10_000,
    )
