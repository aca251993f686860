"""The families of metrics, made of counts and of files that tell of moments."""

from __future__ import annotations

import contextlib
from itertools import accumulate
from typing import TYPE_CHECKING

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)

from poetry_aegis.registry.metrics import LATENCIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from prometheus_client.core import Metric

    from poetry_aegis.registry.metrics import Counts, Latencies, WebCounts

_LONGEST_MOMENT = 20  # bytes
_LATEST = 2**40  # seconds since 1970
_LOGINS = ("ok", "wrong", "limited")
_UPLOADS = ("created", "unchanged", "signed", "overwritten", "refused", "failed")
_LOOKUPS = ("hit", "miss")
_FAILURES = (
    "timeout", "connection", "redirect", "address", "status", "size", "page", "digest",
)  # fmt: skip
_BOUNDS = [*map(str, LATENCIES), "+Inf"]


def of_requests(counts: Counts) -> Iterator[Metric]:
    """Return what was asked of the registry, and by whom it was let in."""
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
    yield _by_label("aegis_logins", "Credentials checked.", "outcome", counts.logins, _LOGINS)


def of_files(counts: Counts) -> Iterator[Metric]:
    """Return uploads and downloads."""
    yield _by_label("aegis_uploads", "Uploads.", "outcome", counts.uploads, _UPLOADS)
    yield CounterMetricFamily("aegis_downloads", "Distributions downloaded.", counts.downloads)
    yield CounterMetricFamily(
        "aegis_downloaded_bytes", "Size of the distributions downloaded.", counts.downloaded_bytes
    )


def of_upstream(counts: Counts) -> Iterator[Metric]:
    """Return how it went with the index behind this one."""
    yield _by_label(
        "aegis_upstream_cache",
        "Looks into the cache of upstream.",
        "result",
        counts.cache_lookups,
        _LOOKUPS,
    )
    yield _by_label(
        "aegis_upstream_errors", "Upstream's failures.", "kind", counts.upstream_errors, _FAILURES
    )


def of_web_server(web: WebCounts) -> Iterator[Metric]:
    """Return what the web server before the registry answered."""
    requests = CounterMetricFamily(
        "aegis_web_requests",
        "Requests that the web server before the registry answered.",
        labels=("method", "status"),
    )
    for (method, status), count in web.requests.items():
        requests.add_metric((method, str(status)), count)
    yield requests
    yield HistogramMetricFamily(
        "aegis_web_request_seconds",
        "Seconds from a request to the end of the web server's answer.",
        buckets=_buckets(web.latencies),
        sum_value=web.latencies.seconds,
    )
    yield CounterMetricFamily(
        "aegis_web_sent_bytes", "Size of all that the web server sent.", web.sent_bytes
    )


def of_backups(last_backup: Path) -> Iterator[Metric]:
    """Return the age of the file *last_backup*, where there is one."""
    with contextlib.suppress(OSError):
        moment = last_backup.stat().st_mtime
        text = "When the last backup was made, in seconds since 1970."
        yield GaugeMetricFamily("aegis_last_backup_timestamp_seconds", text, moment)


def of_certificate(expiry: Path) -> Iterator[Metric]:
    """Return the moment that the file *expiry* names, where it names one."""
    with contextlib.suppress(OSError, ValueError), expiry.open("rb") as stream:
        moment = int(stream.read(_LONGEST_MOMENT))
        text = "When the web server's certificate ends, in seconds since 1970."
        if 0 <= moment < _LATEST:
            yield GaugeMetricFamily("aegis_certificate_not_after_seconds", text, moment)


def _by_label(
    name: str, text: str, label: str, counter: Mapping[str, int], known: Iterable[str]
) -> Metric:
    """Return a counter; with the *known* values from the start: the first is a rise."""
    family = CounterMetricFamily(name, text, labels=[label])
    for value, count in {**dict.fromkeys(known, 0), **counter}.items():
        family.add_metric([value], count)
    return family


def _buckets(latencies: Latencies) -> list[tuple[str, float]]:
    return list(zip(_BOUNDS, accumulate(latencies.buckets), strict=True))
