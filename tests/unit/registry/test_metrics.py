from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from poetry_aegis.registry.metrics import LATENCIES, Metrics


def test_requests_are_counted_with_their_seconds() -> None:
    metrics = Metrics()

    metrics.request("project", "GET", 200, 0.001)
    metrics.request("project", "GET", 200, 0.0011)
    metrics.request("project", "HEAD", 404, 1000.0)
    counts = metrics.counts()

    assert counts.requests == {("project", "GET", 200): 2, ("project", "HEAD", 404): 1}
    latencies = counts.latencies["project"]
    assert latencies.buckets == [1, 1, *[0] * (len(LATENCIES) - 2), 1]
    assert latencies.seconds == 1000.0021


def test_a_method_that_a_client_made_up_is_no_label() -> None:
    metrics = Metrics()
    for number in range(100):
        metrics.request("none", f"METHOD{number}", 405, 0.1)

    assert metrics.counts().requests == {("none", "other", 405): 100}


def test_what_was_read_does_not_change_any_more() -> None:
    metrics = Metrics()
    metrics.request("home", "GET", 200, 0.1)
    before = metrics.counts()

    metrics.request("home", "GET", 200, 0.1)
    metrics.upload("created")

    assert before.requests["home", "GET", 200] == 1
    assert sum(before.latencies["home"].buckets) == 1
    assert not before.uploads


def test_threads_lose_no_count() -> None:
    metrics = Metrics()

    def work(_number: int) -> None:
        for _ in range(500):
            metrics.request("home", "GET", 200, 0.1)
            metrics.cache(hit=True)
            metrics.download(2)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(work, range(4)))
    counts = metrics.counts()

    assert counts.requests["home", "GET", 200] == 2000
    assert counts.cache_lookups == {"hit": 2000}
    assert (counts.downloads, counts.downloaded_bytes) == (2000, 4000)
