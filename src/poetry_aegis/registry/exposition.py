"""``/metrics``: the counters as Prometheus reads them, on a port of their own."""

from __future__ import annotations

import contextlib
import shutil
import threading
from dataclasses import dataclass
from socketserver import ThreadingTCPServer
from typing import TYPE_CHECKING, Any

from prometheus_client import (
    CollectorRegistry,
    MetricsHandler,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.registry import Collector

from poetry_aegis.registry.errors import Unavailable
from poetry_aegis.registry.families import (
    of_backups,
    of_certificate,
    of_files,
    of_requests,
    of_upstream,
    of_web_server,
)

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from prometheus_client.core import Metric

    from poetry_aegis.registry.metrics import Metrics
    from poetry_aegis.registry.state.catalog import Totals

_MOST_AT_ONCE = 16  # connections: each has a thread
_POLL = 0.1  # seconds until the thread sees that it should end


@dataclass(frozen=True)
class Moments:
    """The files that tell of moments in time; each may be missing.

    *last_backup* is as old as the last backup. *certificate_expiry* holds the seconds since 1970 at
    which the web server's certificate ends.
    """

    last_backup: Path
    certificate_expiry: Path | None = None


class RegistryCollector(Collector):
    """The metrics of a registry, put together whenever they are asked for.

    *root* is a folder on the disk that it stores on.
    """

    def __init__(
        self,
        metrics: Metrics,
        totals: Callable[[], Totals],
        root: Path,
        moments: Moments,
        version: str,
    ) -> None:
        self._metrics = metrics
        self._totals = totals
        self._root = root
        self._moments = moments
        self._version = version

    def collect(self) -> Iterator[Metric]:
        """Return the families of metrics."""
        counts = self._metrics.counts()
        yield InfoMetricFamily("aegis", "The registry.", {"version": self._version})
        yield from of_requests(counts)
        yield from of_files(counts)
        yield from of_upstream(counts)
        if counts.web is not None:
            yield from of_web_server(counts.web)
        yield from self._of_holdings()
        yield from self._of_disk()
        yield from of_backups(self._moments.last_backup)
        if self._moments.certificate_expiry is not None:
            yield from of_certificate(self._moments.certificate_expiry)

    def describe(self) -> Iterator[Metric]:
        """Return nothing, so that the database is not read at start."""
        return iter(())

    def _of_holdings(self) -> Iterator[Metric]:
        try:
            totals = self._totals()
        except Unavailable:
            return  # The other metrics are wanted all the more.
        yield GaugeMetricFamily("aegis_projects", "Projects of the index.", totals.projects)
        yield GaugeMetricFamily("aegis_files", "Distributions of the index.", totals.files)
        yield GaugeMetricFamily("aegis_storage_bytes", "Size of all distributions.", totals.size)

    def _of_disk(self) -> Iterator[Metric]:
        with contextlib.suppress(OSError):
            usage = shutil.disk_usage(self._root)
            text = "Size of the disk with the distributions."
            yield GaugeMetricFamily("aegis_disk_bytes", text, usage.total)
            text = "What is free on it."
            yield GaugeMetricFamily("aegis_disk_free_bytes", text, usage.free)


@contextlib.contextmanager
def serving_metrics(collector: Collector, listener: socket.socket) -> Iterator[None]:
    """Answer ``/metrics`` at *listener*, this process's own metrics too, until the block ends."""
    registry = CollectorRegistry()
    registry.register(collector)
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    with _Server(listener, _Handler.factory(registry)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(_POLL,), name="metrics")
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


class _Server(ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, listener: socket.socket, handler: type[MetricsHandler]) -> None:
        super().__init__(listener.getsockname(), handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self._free = threading.BoundedSemaphore(_MOST_AT_ONCE)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread, or not at all where there are too many of them."""
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Answer one connection; whoever sees it closed then finds its thread free."""
        try:
            super().finish_request(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, *_request: object) -> None:
        """Say nothing of a client that went away."""


class _Handler(MetricsHandler):
    timeout = 5  # seconds without a byte until a client is given up

    def do_GET(self) -> None:  # noqa: N802 -- named by http.server
        if self.path.partition("?")[0] == "/metrics":
            super().do_GET()
        else:
            self.send_error(404, "Only /metrics is here.")
