"""What a registry counts of real requests, and who may read it."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from poetry_aegis.registry.data import DataDirectory
from poetry_aegis.registry.errors import PortInUse, UnusableData
from poetry_aegis.registry.people.users import Users
from poetry_aegis.registry.people.uses import last_uses
from poetry_aegis.registry.state.audit import Event
from poetry_aegis.registry.state.state import State
from tests.support.distributions import make_sdist, make_wheel
from tests.support.registry import (
    CHEAP_ROUNDS,
    HTTP,
    PATIENCE,
    USERS,
    RegistryServer,
    read,
    running_registry,
    upload,
)
from tests.support.server import busy_port, free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

WHEEL = "demo-1.0.0-py3-none-any.whl"
FILE = f"/packages/demo/{WHEEL}"
METRICS: dict[str, str] = {}  # the address of the registry's metrics


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    folder = tmp_path_factory.mktemp("statistics")
    port = free_port()
    METRICS["url"] = f"http://127.0.0.1:{port}/metrics"
    with running(folder, f"metrics_port = {port}") as server:
        assert upload(server, make_wheel(folder)).status_code == 200
        yield server


@contextlib.contextmanager
def running(folder: Path, settings: str = "") -> Iterator[RegistryServer]:
    file = folder / "settings.toml"
    file.write_text(settings, encoding="utf-8")
    with running_registry(folder / "data", arguments=["--settings", str(file)]) as server:
        yield server


def downloads(server: RegistryServer, query: str = "") -> dict[str, Any]:
    answer = read(server, f"/api/v1/downloads/demo{query}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def settled(server: RegistryServer, total: int) -> dict[str, Any]:
    """Return the downloads as soon as there are *total*; they are written once a second."""
    assert eventually(lambda: downloads(server)["total"] >= total)
    return downloads(server)


def test_only_a_download_from_its_beginning_counts(registry: RegistryServer) -> None:
    before = downloads(registry)["total"]  # No test before this one downloads.
    etag = read(registry, FILE).headers["etag"]
    part = read(registry, FILE, headers={"range": "bytes=0-99"})
    assert (part.status_code, len(part.content)) == (206, 100)
    for headers, status in (
        ({"range": "bytes=100-199"}, 206),
        ({"range": "bytes=-10"}, 206),
        ({"if-none-match": etag}, 304),
        ({"range": "bytes=999999-"}, 416),
    ):
        assert read(registry, FILE, headers=headers).status_code == status
    assert read(registry, f"{FILE}.metadata").status_code == 200
    assert read(registry, FILE, user=None).status_code == 401
    assert read(registry, "/packages/demo/demo-9.9.tar.gz").status_code == 404
    assert HTTP.head(registry.url + FILE, auth=("rae", USERS["rae"][0])).status_code == 200
    read(registry, FILE)  # The last one: what is wrong above would be written with it.

    assert settled(registry, before + 3)["total"] == before + 3


def test_downloads_are_told_by_client_python_version_and_day(registry: RegistryServer) -> None:
    before = downloads(registry)["total"]
    read(registry, FILE, headers={"user-agent": 'pip/24.0 {"python":"3.12.1"}'})
    settled(registry, before + 1)

    assert "pip" in [count["client"] for count in downloads(registry, "?by=client")["downloads"]]
    assert "3.12" in [count["python"] for count in downloads(registry, "?by=python")["downloads"]]
    (version,) = downloads(registry, "?by=version&days=1")["downloads"]
    assert version["version"] == "1.0.0"
    assert version["bytes"] >= version["downloads"] > 0
    found = downloads(registry)
    assert (found["project"], found["by"], found["days"]) == ("demo", "day", 30)


@pytest.mark.parametrize(
    ("path", "user", "status"),
    [
        ("/api/v1/downloads/demo", None, 401),
        ("/api/v1/downloads/nothing", "rae", 404),
        ("/api/v1/downloads/..", "rae", 404),
        ("/api/v1/downloads/demo?by=user", "rae", 400),
        ("/api/v1/downloads/demo?days=0", "rae", 400),
        ("/api/v1/downloads/demo?days=99999999999999999999999", "rae", 400),
        ("/api/v1/downloads/DEMO", "rae", 200),
        ("/api/v1/audit", None, 401),
        ("/api/v1/audit", "rae", 403),
        ("/api/v1/audit", "pub", 403),
        ("/api/v1/audit", "ada", 200),
        ("/api/v1/audit?action=drop", "ada", 400),
        ("/api/v1/audit?limit=1001", "ada", 400),
        ("/api/v1/audit?before=x", "ada", 400),
        ("/metrics", "ada", 404),
    ],
)
def test_who_may_read_what(
    path: str, user: str | None, status: int, registry: RegistryServer
) -> None:
    assert read(registry, path, user=user).status_code == status


def audit(server: RegistryServer, query: str) -> dict[str, Any]:
    answer = read(server, f"/api/v1/audit{query}", user="ada")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_a_failed_login_is_in_the_trail_without_its_password(registry: RegistryServer) -> None:
    answer = HTTP.get(registry.url + "/simple/", auth=("mallory", "a-wrong-password"))
    assert answer.status_code == 401

    assert eventually(lambda: audit(registry, "?user=mallory")["entries"])
    (entry,) = audit(registry, "?user=mallory")["entries"]

    assert (entry["action"], entry["address"]) == ("login-failed", "127.0.0.1")
    assert "a-wrong-password" not in str(entry)
    assert "a-wrong-password" not in registry.log()


def test_the_trail_is_read_in_pages(registry: RegistryServer) -> None:
    trail = State.open(DataDirectory(registry.data)).audit  # as a command beside the server does
    for number in range(3):
        trail.record(Event("prune", "paged", None, "demo", f"demo-{number}.tar.gz"))

    first = audit(registry, "?user=paged&limit=2")
    second = audit(registry, f"?user=paged&limit=2&before={first['before']}")

    files = [entry["file"] for entry in first["entries"] + second["entries"]]
    assert files == ["demo-2.tar.gz", "demo-1.tar.gz", "demo-0.tar.gz"]
    assert second["before"] is None
    assert audit(registry, "?action=prune&project=Demo&user=paged")["entries"][0]["id"]
    assert audit(registry, "?project=other&user=paged")["entries"] == []


def test_an_admin_of_some_projects_reads_their_trail_alone(registry: RegistryServer) -> None:
    users = Users(registry.data / "auth", rounds=CHEAP_ROUNDS)
    users.add("some", "some-secret", "admin", reads=["demo*"])

    def status(query: str) -> int:
        url = f"{registry.url}/api/v1/audit{query}"
        return HTTP.get(url, auth=("some", "some-secret")).status_code

    assert status("?project=Demo") == 200
    assert status("?project=other") == 404
    assert status("") == status("?user=some") == 403
    page = f"{registry.url}/audit"
    assert HTTP.get(page, auth=("some", "some-secret")).status_code == 403


def metric(name: str, **labels: str) -> float:
    families = text_string_to_metric_families(HTTP.get(METRICS["url"]).text)
    samples = (sample for family in families for sample in family.samples)
    return sum(sample.value for sample in samples if (sample.name, sample.labels) == (name, labels))


def eventually(condition: Callable[[], object]) -> bool:
    """Wait for what happens just after an answer, which a client may have before."""
    deadline = time.monotonic() + PATIENCE
    while not (met := bool(condition())) and time.monotonic() < deadline:
        time.sleep(0.02)
    return met


def test_prometheus_is_told_of_requests(registry: RegistryServer) -> None:
    credential = ("rae", USERS["rae"][0])
    assert HTTP.head(f"{registry.url}/simple/demo/", auth=credential).status_code == 200
    served = metric("aegis_downloads_total")
    read(registry, FILE)
    HTTP.get(registry.url + "/simple/", auth=("rae", "not-it"))

    labels = {"route": "project", "method": "HEAD", "status": "200"}
    assert eventually(lambda: metric("aegis_requests_total", **labels) == 1)
    assert eventually(lambda: metric("aegis_downloads_total") > served)
    assert eventually(lambda: metric("aegis_logins_total", outcome="wrong"))
    assert metric("aegis_downloaded_bytes_total") > 0
    assert metric("aegis_projects") == 1
    text = HTTP.get(METRICS["url"]).text
    assert "demo" not in text
    assert "rae" not in text


def test_the_access_log_names_the_route(registry: RegistryServer) -> None:
    read(registry, "/simple/demo/", headers={"user-agent": "route-asked"})

    def routes() -> list[str]:
        return [one["route"] for one in registry.log_lines() if one.get("agent") == "route-asked"]

    assert eventually(lambda: routes() == ["project"])


def test_what_was_counted_last_is_kept_when_the_server_stops(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        assert upload(server, make_sdist(tmp_path)).status_code == 200
        for _ in range(5):
            assert read(server, "/packages/demo/demo-1.0.0.tar.gz").status_code == 200
        assert server.terminate() == 0

    assert State.open(DataDirectory(server.data)).downloads.of("demo").downloads == 5


def test_downloads_that_a_web_server_logged_are_counted_beside_ours(tmp_path: Path) -> None:
    log = tmp_path / "access.json"
    lines = [
        {"time": time.time(), "method": "GET", "uri": FILE, "status": 200, "bytes": 7, **more}
        for more in ({"upstream": ""}, {"upstream": "127.0.0.1:8080"}, {})
    ]
    log.write_text("".join(json.dumps({**line, "id": n}) + "\n" for n, line in enumerate(lines)))
    with running(tmp_path, f"followed_log = {json.dumps(str(log))}") as server:
        assert upload(server, make_wheel(tmp_path)).status_code == 200
        assert read(server, FILE).status_code == 200
        assert settled(server, 3)["total"] == 3
        with log.open("a") as stream:
            stream.write(json.dumps({**lines[0], "id": 9}) + "\n")
        assert server.terminate() == 0  # What was logged last is counted at the end.

    assert State.open(DataDirectory(server.data)).downloads.of("demo").downloads == 4


def test_nothing_is_left_open_when_the_server_stops(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        _, secret = Users(server.data / "auth", rounds=CHEAP_ROUNDS).create_token("pub")
        token = HTTP.get(f"{server.url}/simple/", auth=("__token__", secret))
        assert token.status_code == 200
        assert HTTP.get(f"{server.url}/simple/", auth=("rae", "not-it")).status_code == 401
        assert server.terminate() == 0
        assert "not brought up to date" not in server.log()
        # SQLite tidies up after the last connection that is closed, and not after a process.
        assert not server.data.joinpath("state.db-wal").exists()

    state = State.open(DataDirectory(server.data))
    assert len(last_uses(state.database)) == 1
    assert [entry.action for entry in state.audit.entries(user="rae")] == ["login-failed"]


def test_files_are_served_while_the_database_fails(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        assert upload(server, make_wheel(tmp_path)).status_code == 200
        with sqlite3.connect(server.data / "state.db") as connection:
            for table in ("downloads", "audit"):
                connection.execute(f"DROP TABLE {table}")
        assert read(server, FILE).status_code == 200
        assert eventually(lambda: "Downloads cannot be counted" in server.log())

        assert read(server, FILE).status_code == 200
        assert read(server, "/simple/demo/").status_code == 200
        assert read(server, "/api/v1/audit", user="ada").status_code == 503
        newer = make_wheel(tmp_path, version="1.1.0")
        assert upload(server, newer).status_code == 200  # It is stored; the log has the event.
        assert '"event": "audit"' in server.log()


def started(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "poetry_aegis.registry", "serve", "--data", str(data)]
    return subprocess.run(
        [*command, "--port", "0", *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def test_a_damaged_database_is_an_error_at_start(tmp_path: Path) -> None:
    (tmp_path / "state.db").write_bytes(b"garbage " * 1000)

    done = started(tmp_path)

    assert done.returncode == UnusableData.exit_code
    assert "state.db is damaged" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_for_metrics_that_is_taken_is_an_error_at_start(tmp_path: Path) -> None:
    settings = tmp_path / "settings.toml"
    with busy_port() as port:
        settings.write_text(f"metrics_port = {port}\n")
        done = started(tmp_path / "data", "--settings", str(settings))

    assert done.returncode == PortInUse.exit_code
    assert f"Port {port} of 127.0.0.1 is in use" in done.stderr
    assert "listening" not in done.stderr
