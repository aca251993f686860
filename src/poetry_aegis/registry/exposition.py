"""``/metrics``: the counters as Prometheus reads them, on a port of their own."""

from __future__ import annotations

import contextlib
import threading
from itertools import accumulate
from socketserver import ThreadingTCPServer
from typing import TYPE_CHECKING, Any

from prometheus_client import (
    CollectorRegistry,
    MetricsHandler,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
)
from prometheus_client.registry import Collector

from poetry_aegis.registry.errors import Unavailable
from poetry_aegis.registry.metrics import LATENCIES

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from prometheus_client.core import Metric

    from poetry_aegis.registry.metrics import Counts, Latencies, Metrics
    from poetry_aegis.registry.state.catalog import Totals

_MOST_AT_ONCE = 16  # connections: each has a thread
_POLL = 0.1  # seconds until the thread sees that it should end
_BOUNDS = [*map(str, LATENCIES), "+Inf"]


class RegistryCollector(Collector):
    """The metrics of a registry, put together whenever they are asked for.

    *last_backup* is a file as old as the last backup, missing where there was none.
    """

    def __init__(
        self, metrics: Metrics, totals: Callable[[], Totals], last_backup: Path, version: str
    ) -> None:
        self._metrics = metrics
        self._totals = totals
        self._last_backup = last_backup
        self._version = version

    def collect(self) -> Iterator[Metric]:
        """Return the families of metrics."""
        counts = self._metrics.counts()
        yield InfoMetricFamily("aegis", "The registry.", {"version": self._version})
        yield from _of_requests(counts)
        yield from _of_files(counts)
        yield from _of_upstream(counts)
        yield from self._of_holdings()
        yield from self._of_backups()

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

    def _of_backups(self) -> Iterator[Metric]:
        with contextlib.suppress(OSError):
            moment = self._last_backup.stat().st_mtime
            text = "When the last backup was made, in seconds since 1970."
            yield GaugeMetricFamily("aegis_last_backup_timestamp_seconds", text, moment)


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

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer one connection."""
        try:
            super().process_request_thread(request, client_address)
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


def _of_requests(counts: Counts) -> Iterator[Metric]:
    requests = CounterMetricFamily(
        "aegis_requests", "Requests answered.", labels=("route", "method", "status")
    )
    for (route, method, status), count in counts.requests.items():
        requests.add_metric((route, method, str(status)), count)
    yield requests
    seconds = HistogramMetricFamily(
        "aegis_request_seconds",
        "Seconds from a request to the end of its answer.",
        labels=["route"],
    )
    for route, latencies in counts.latencies.items():
        seconds.add_metric([route], _buckets(latencies), latencies.seconds)
    yield seconds
    yield _by_label("aegis_logins", "Credentials checked.", "outcome", counts.logins)


def _of_files(counts: Counts) -> Iterator[Metric]:
    yield _by_label("aegis_uploads", "Uploads.", "outcome", counts.uploads)
    yield CounterMetricFamily("aegis_downloads", "Distributions downloaded.", counts.downloads)
    yield CounterMetricFamily(
        "aegis_downloaded_bytes", "Size of the distributions downloaded.", counts.downloaded_bytes
    )


def _of_upstream(counts: Counts) -> Iterator[Metric]:
    yield _by_label(
        "aegis_upstream_cache", "Looks into the cache of upstream.", "result", counts.cache_lookups
    )
    yield _by_label("aegis_upstream_errors", "Upstream's failures.", "kind", counts.upstream_errors)


def _by_label(name: str, text: str, label: str, counter: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(name, text, labels=[label])
    for value, count in counter.items():
        family.add_metric([value], count)
    return family


def _buckets(latencies: Latencies) -> list[tuple[str, float]]:
    return list(zip(_BOUNDS, accumulate(latencies.buckets), strict=True))
