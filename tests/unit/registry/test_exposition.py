"""The metrics, read by a real client from a real port."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families

from poetry_aegis.registry import exposition
from poetry_aegis.registry.errors import Unavailable
from poetry_aegis.registry.exposition import Moments, RegistryCollector, serving_metrics
from poetry_aegis.registry.metrics import Metrics, WebCounts
from poetry_aegis.registry.state.catalog import Totals
from tests.support.registry import HTTP, PATIENCE, running_registry
from tests.support.server import free_port

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from prometheus_client.samples import Sample


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def collector(metrics: Metrics, tmp_path: Path) -> RegistryCollector:
    moments = Moments(tmp_path / "last-backup", tmp_path / "certificate-expiry")
    return RegistryCollector(metrics, lambda: Totals(3, 5, 700), tmp_path, moments, "1.2")


def samples(collector: RegistryCollector) -> list[Sample]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with serving_metrics(collector, listener):
            text = HTTP.get(f"http://127.0.0.1:{port}/metrics").text
    return [sample for family in text_string_to_metric_families(text) for sample in family.samples]


def value(read: list[Sample], name: str, labels: Mapping[str, str] | None = None) -> float | None:
    found = [
        sample.value for sample in read if (sample.name, sample.labels) == (name, labels or {})
    ]
    return found[0] if found else None


def test_each_counter_is_there(
    metrics: Metrics, collector: RegistryCollector, tmp_path: Path
) -> None:
    metrics.request("project", "GET", 200, 0.003)
    metrics.upload("created")
    metrics.download(1234)
    metrics.login("wrong")
    metrics.cache(hit=False)
    metrics.upstream_error("timeout")
    backup = tmp_path / "last-backup"
    backup.touch()
    os.utime(backup, (1_700_000_000, 1_700_000_000))

    read = samples(collector)

    request = {"route": "project", "method": "GET", "status": "200"}
    assert value(read, "aegis_requests_total", request) == 1
    assert value(read, "aegis_uploads_total", {"outcome": "created"}) == 1
    assert value(read, "aegis_downloads_total") == 1
    assert value(read, "aegis_downloaded_bytes_total") == 1234
    assert value(read, "aegis_logins_total", {"outcome": "wrong"}) == 1
    assert value(read, "aegis_upstream_cache_total", {"result": "miss"}) == 1
    assert value(read, "aegis_upstream_errors_total", {"kind": "timeout"}) == 1
    assert value(read, "aegis_projects") == 3
    assert value(read, "aegis_files") == 5
    assert value(read, "aegis_storage_bytes") == 700
    assert value(read, "aegis_last_backup_timestamp_seconds") == 1_700_000_000
    assert value(read, "aegis_info", {"version": "1.2"}) == 1
    size, free = (value(read, name) for name in ("aegis_disk_bytes", "aegis_disk_free_bytes"))
    assert size is not None
    assert free is not None
    assert 0 < free < size


def test_what_the_web_server_before_the_registry_answered_is_told(
    metrics: Metrics, collector: RegistryCollector
) -> None:
    assert value(samples(collector), "aegis_web_sent_bytes_total") is None  # No log is followed.

    web = WebCounts()
    web.add("GET", 200, 700, 0.003)
    web.add("GET", 499, 0, None)
    metrics.followed(web, downloads=1, size=700)
    metrics.followed(web, downloads=1, size=700)
    read = samples(collector)

    for status in ("200", "499"):
        labels = {"method": "GET", "status": status}
        assert value(read, "aegis_web_requests_total", labels) == 2
    assert value(read, "aegis_web_request_seconds_bucket", {"le": "0.0025"}) == 0
    assert value(read, "aegis_web_request_seconds_bucket", {"le": "0.005"}) == 2
    assert value(read, "aegis_web_request_seconds_count") == 2
    assert value(read, "aegis_web_request_seconds_sum") == pytest.approx(0.006)
    assert value(read, "aegis_web_sent_bytes_total") == 1400
    assert value(read, "aegis_downloads_total") == 2
    assert value(read, "aegis_downloaded_bytes_total") == 1400


def test_outcomes_are_there_before_the_first_of_them(collector: RegistryCollector) -> None:
    read = samples(collector)

    assert value(read, "aegis_logins_total", {"outcome": "wrong"}) == 0
    assert value(read, "aegis_uploads_total", {"outcome": "refused"}) == 0
    assert value(read, "aegis_upstream_cache_total", {"result": "hit"}) == 0
    assert value(read, "aegis_upstream_errors_total", {"kind": "digest"}) == 0


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1800000000", 1_800_000_000),
        ("1800000000\n", 1_800_000_000),
        ("", None),
        ("soon", None),
        ("9" * 1000, None),
        ("\0\xff", None),
    ],
)
def test_the_end_of_the_certificate_is_read_out_of_a_file(
    text: str, moment: int | None, collector: RegistryCollector, tmp_path: Path
) -> None:
    name = "aegis_certificate_not_after_seconds"
    assert value(samples(collector), name) is None
    (tmp_path / "certificate-expiry").write_text(text, encoding="latin-1")

    assert value(samples(collector), name) == moment


def test_the_histogram_is_cumulative(metrics: Metrics, collector: RegistryCollector) -> None:
    for seconds in (0.0005, 0.003, 0.003, 100.0):
        metrics.request("file", "GET", 200, seconds)

    read = samples(collector)

    buckets = {
        sample.labels["le"]: sample.value
        for sample in read
        if sample.name == "aegis_request_seconds_bucket"
    }
    assert (buckets["0.001"], buckets["0.005"], buckets["60.0"], buckets["+Inf"]) == (1, 3, 3, 4)
    assert value(read, "aegis_request_seconds_count", {"route": "file"}) == 4


def test_without_a_backup_there_is_no_sample_of_one(collector: RegistryCollector) -> None:
    assert value(samples(collector), "aegis_last_backup_timestamp_seconds") is None


def test_a_database_that_fails_takes_only_its_own_metrics(metrics: Metrics, tmp_path: Path) -> None:
    def fail() -> Totals:
        raise Unavailable("no database")

    metrics.login("ok")
    read = samples(RegistryCollector(metrics, fail, tmp_path, Moments(tmp_path / "none"), "1"))

    assert value(read, "aegis_logins_total", {"outcome": "ok"}) == 1
    assert value(read, "aegis_projects") is None


def test_nothing_else_is_on_the_port(collector: RegistryCollector) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with serving_metrics(collector, listener):
            assert HTTP.get(f"{url}/metrics?name[]=x").status_code == 200
            assert HTTP.get(f"{url}/").status_code == 404
            assert HTTP.get(f"{url}/simple/").status_code == 404
            assert HTTP.post(f"{url}/metrics").status_code == 501


def test_idle_connections_are_bounded_and_given_up(
    collector: RegistryCollector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exposition._Handler, "timeout", 2.0)
    with contextlib.ExitStack() as held:
        listener = held.enter_context(socket.create_server(("127.0.0.1", 0)))
        address = listener.getsockname()
        held.enter_context(serving_metrics(collector, listener))
        idle = [held.enter_context(socket.create_connection(address)) for _ in range(17)]
        first, last = idle[0], idle[-1]

        assert last.recv(1) == b""  # There was no thread left for it,
        first.settimeout(0)
        with pytest.raises(BlockingIOError):  # and the others have not been given up yet,
            first.recv(1)
        first.settimeout(20)
        assert first.recv(1) == b""  # as they are after a while.
        assert HTTP.get(f"http://127.0.0.1:{address[1]}/metrics").status_code == 200


def test_a_server_tells_of_the_log_it_follows_and_of_the_certificate(tmp_path: Path) -> None:
    log, expiry, port = tmp_path / "log", tmp_path / "expiry", free_port()
    file = "/packages/demo/demo-1.0.0.tar.gz"
    entry = {"time": 1795406400, "method": "GET", "uri": file, "status": "200", "bytes": 700}
    log.write_text(json.dumps({**entry, "request_time": "0.003"}) + "\n")
    expiry.write_text("1800000000\n")
    settings = (
        f"metrics_port = {port}\n"
        f"followed_log = {json.dumps(str(log))}\n"
        f"certificate_expiry = {json.dumps(str(expiry))}\n"
    )
    with running_registry(tmp_path / "data", settings=settings):
        text = HTTP.get(f"http://127.0.0.1:{port}/metrics").text
        deadline = time.monotonic() + PATIENCE
        while "aegis_web_requests_total" not in text and time.monotonic() < deadline:
            time.sleep(0.1)
            text = HTTP.get(f"http://127.0.0.1:{port}/metrics").text
    lines = text.splitlines()

    assert 'aegis_web_requests_total{method="GET",status="200"} 1.0' in lines
    assert 'aegis_web_request_seconds_bucket{le="0.005"} 1.0' in lines
    assert "aegis_web_sent_bytes_total 700.0" in lines
    assert "aegis_downloads_total 1.0" in lines
    assert "aegis_downloaded_bytes_total 700.0" in lines
    assert "aegis_certificate_not_after_seconds 1.8e+09" in lines
