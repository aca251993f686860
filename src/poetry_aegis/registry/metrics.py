"""What Prometheus is told: counters in memory, cheap enough for each request to pay.

They are counted here and not by ``prometheus_client``, which only writes them out
(`poetry_aegis.registry.exposition`): a request costs a microsecond instead of several, and a
registry whose metrics nobody asks for imports nothing. No label names a project or a user.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter
from copy import deepcopy
from dataclasses import dataclass, field
from operator import add

LATENCIES = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@dataclass
class Latencies:
    """How long the requests of one route took. *buckets* has one more than `LATENCIES`."""

    buckets: list[int] = field(default_factory=lambda: [0] * (len(LATENCIES) + 1))
    seconds: float = 0.0

    def add(self, seconds: float) -> None:
        """Count one request."""
        self.buckets[bisect_left(LATENCIES, seconds)] += 1
        self.seconds += seconds

    def include(self, others: Latencies) -> None:
        """Count the requests of *others*, too."""
        self.buckets = list(map(add, self.buckets, others.buckets))
        self.seconds += others.seconds


@dataclass
class WebCounts:
    """What a web server before the registry answered, by itself or out of the registry's mouth."""

    requests: Counter[tuple[str, int]] = field(default_factory=Counter)  # method, status
    latencies: Latencies = field(default_factory=Latencies)
    sent_bytes: int = 0

    def add(self, method: str, status: int, size: int, seconds: float | None) -> None:
        """Count an answer of *size* bytes to *method*, which may be anything."""
        self.requests[_label(method), status] += 1
        self.sent_bytes += size
        if seconds is not None:
            self.latencies.add(seconds)

    def include(self, others: WebCounts) -> None:
        """Count what *others* counted, too."""
        self.requests.update(others.requests)
        self.latencies.include(others.latencies)
        self.sent_bytes += others.sent_bytes


@dataclass
class Counts:
    """All there is to tell."""

    requests: Counter[tuple[str, str, int]] = field(
        default_factory=Counter
    )  # route, method, status
    latencies: dict[str, Latencies] = field(default_factory=dict)  # by route
    uploads: Counter[str] = field(default_factory=Counter)  # by outcome
    downloads: int = 0
    downloaded_bytes: int = 0
    logins: Counter[str] = field(default_factory=Counter)  # by outcome
    cache_lookups: Counter[str] = field(default_factory=Counter)  # hit or miss
    upstream_errors: Counter[str] = field(default_factory=Counter)  # by kind
    web: WebCounts | None = None  # of a web server's log, where one is followed


class Metrics:
    """The counters of a process. Any thread may count."""

    def __init__(self) -> None:
        self._counts = Counts()
        self._counting = threading.Lock()

    def counts(self) -> Counts:
        """Return all counts of this moment."""
        with self._counting:
            return deepcopy(self._counts)

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count an answer to *method*, which may be anything, on the *route* of that name."""
        method = _label(method)
        with self._counting:
            self._counts.requests[route, method, status] += 1
            latencies = self._counts.latencies.get(route)
            if latencies is None:
                latencies = self._counts.latencies[route] = Latencies()
            latencies.add(seconds)

    def upload(self, outcome: str) -> None:
        """Count an upload by what became of it, as `http.uploads.Uploads` tells."""
        self._add(self._counts.uploads, outcome)

    def download(self, size: int) -> None:
        """Count a download of *size* bytes."""
        with self._counting:
            self._counts.downloads += 1
            self._counts.downloaded_bytes += size

    def followed(self, web: WebCounts, downloads: int, size: int) -> None:
        """Count what a web server's log tells, *downloads* of *size* bytes in all among it."""
        with self._counting:
            if self._counts.web is None:
                self._counts.web = WebCounts()
            self._counts.web.include(web)
            self._counts.downloads += downloads
            self._counts.downloaded_bytes += size

    def login(self, outcome: str) -> None:
        """Count a credential: ``ok``, ``wrong`` or ``limited``."""
        self._add(self._counts.logins, outcome)

    def cache(self, hit: bool) -> None:  # noqa: FBT001 -- the one argument
        """Count a look into the cache of the index behind this one."""
        self._add(self._counts.cache_lookups, "hit" if hit else "miss")

    def upstream_error(self, kind: str) -> None:
        """Count a failure of the index behind this one; *kind* is one of a few words."""
        self._add(self._counts.upstream_errors, kind)

    def _add(self, counter: Counter[str], label: str) -> None:
        with self._counting:
            counter[label] += 1


def _label(method: str) -> str:
    return method if method in _METHODS else "other"
