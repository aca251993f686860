"""The parts of the benchmark of publishing, and one small publication that is measured."""

from __future__ import annotations

import base64
import hashlib
import random
import socket
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from benchmarks.publish.__main__ import publish
from benchmarks.publish.clients import PEERS, Aegis, Client
from benchmarks.publish.delaying import Line, Traffic
from benchmarks.publish.link import Link, linked
from benchmarks.publish.report import Publication, Result, huge_line, missed, table
from benchmarks.publish.servers import Index, Site, fresh_site
from benchmarks.publish.wheels import MEGABYTE, TAGS, bytes_in, make_huge_project, make_project
from benchmarks.registry.servers import Lab

from poetry_aegis.publish.distributions import find_distributions
from poetry_aegis.registry.data import DataDirectory
from tests.support.needs import needs_program

if TYPE_CHECKING:
    from collections.abc import Iterator

DELAY = 0.03
PAYLOAD = 1_000_000


@pytest.fixture
def echo() -> Iterator[int]:
    """Return the port of a server that sends back all it has got once that has ended."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                heard = b"".join(iter(lambda: connection.recv(65536), b""))
                connection.sendall(heard)

        thread = threading.Thread(target=answer)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(10)


def test_a_link_holds_back_what_it_carries_and_carries_all_of_it(echo: int) -> None:
    sent = random.Random(1).randbytes(3_000_000)  # noqa: S311 - no secret
    with (
        linked(echo, Line(DELAY)) as link,
        socket.create_connection(("127.0.0.1", link.port)) as client,
    ):
        began = time.monotonic()
        client.sendall(sent)
        client.shutdown(socket.SHUT_WR)
        first = client.recv(65536)
        took = time.monotonic() - began
        received = first + b"".join(iter(lambda: client.recv(65536), b""))

    assert received == sent
    assert 4 * DELAY <= took < 4 * DELAY + 1  # a round trip to connect, and one for the answer
    assert link.traffic == Traffic(connections=1, received=len(sent), returned=len(sent))


def test_a_link_with_a_window_takes_a_round_trip_for_each(echo: int) -> None:
    sent = random.Random(1).randbytes(100_000)  # noqa: S311 - no secret
    line = Line(DELAY, window=10_000)
    with linked(echo, line) as link, socket.create_connection(("127.0.0.1", link.port)) as client:
        began = time.monotonic()
        client.sendall(sent)
        client.shutdown(socket.SHUT_WR)
        received = b"".join(iter(lambda: client.recv(65536), b""))
        took = time.monotonic() - began

    assert received == sent
    assert 2 * 10 * 2 * DELAY <= took < 2 * 10 * 2 * DELAY + 1  # there and back again


def test_a_link_to_nowhere_ends_what_comes() -> None:
    with socket.create_server(("127.0.0.1", 0)) as vacant:
        port = vacant.getsockname()[1]
    with (
        linked(port, Line(DELAY)) as link,
        socket.create_connection(("127.0.0.1", link.port)) as client,
    ):
        assert client.recv(1) == b""


def test_the_wheels_are_whole_and_the_same_each_time(tmp_path: Path) -> None:
    root = make_project(tmp_path / "one", wheels=20, size=1000)
    again = make_project(tmp_path / "two", wheels=20, size=1000)

    found = find_distributions(root / "dist", "bench-publish", "1.0.0")
    assert len(found) == len({file.sha256 for file in found}) == len(TAGS) == 20
    assert [
        file.sha256 for file in find_distributions(again / "dist", "bench-publish", "1.0.0")
    ] == [file.sha256 for file in found]
    for file in found:
        assert_whole(file.path)


def assert_whole(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        assert archive.testzip() is None
        rows = archive.read(next(name for name in archive.namelist() if "RECORD" in name))
        for row in rows.decode().splitlines():
            name, digest, size = row.split(",")
            if digest:
                content = archive.read(name)
                hashed = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=")
                assert (digest, int(size)) == (f"sha256={hashed.decode()}", len(content))


@pytest.mark.skipif(sys.platform != "linux", reason="not every file system has holes")
def test_a_huge_wheel_is_whole_and_takes_no_space(tmp_path: Path) -> None:
    root = make_huge_project(tmp_path / "huge", 8 * MEGABYTE)

    (wheel,) = (root / "dist").iterdir()
    assert_whole(wheel)
    assert wheel.stat().st_size > 8 * MEGABYTE
    assert wheel.stat().st_blocks * 512 < MEGABYTE


def result(name: str, *seconds: float, ours: bool = False, **changed: object) -> Result:
    values = {
        "megabytes": 60.0,
        "connections": 1,
        "received": PAYLOAD + 1000,
        "requests": ("POST /legacy/ 200",),
        "complete": True,
        **changed,
    }
    runs = [Publication(seconds=second, **values) for second in seconds]  # type: ignore[arg-type]
    return Result(name, ours, PAYLOAD, runs)


def test_goals_that_are_met_are_not_told_of() -> None:
    results = [result("we", 1.0, 9.0, 1.0, ours=True), result("they", 4.0)]

    assert list(missed(results, result("we", 9.0, ours=True))) == []


@pytest.mark.parametrize(
    ("results", "huge", "told"),
    [
        ([result("we", 1.0, ours=True), result("they", 3.9)], None, "3.90 times as fast as they"),
        ([result("we", 1.0, ours=True, received=2 * PAYLOAD)], None, "sent 2.00 times"),
        ([result("we", 1.0, ours=True, complete=False)], None, "did not publish everything"),
        ([], result("we", 1.0, ours=True, megabytes=101.0), "101 MB held"),
        ([], result("we", 1.0, ours=True, complete=False), "did not publish everything"),
    ],
    ids=["speed", "twice", "failed", "memory", "huge failed"],
)
def test_each_goal_that_is_missed_is_told_of(
    results: list[Result], huge: Result | None, told: str
) -> None:
    (goal,) = missed(results, huge)

    assert told in goal


def test_a_client_that_failed_is_never_counted_as_beaten() -> None:
    results = [
        result("we", 2.0, ours=True),
        result("fast", 1.0, complete=False),
        result("never run"),
    ]

    assert list(missed(results, None)) == []
    assert table(results).count("| failed |") == 2
    assert "| we | 2.00 (2.00-2.00) | 1.00 |" in table(results)


def test_one_huge_wheel_is_told_of_in_a_sentence() -> None:
    huge = Result("we", True, 2**30, result("we", 8.0, received=2**30).runs)  # noqa: FBT003

    assert (
        huge_line(huge) == "One wheel of 1,024 MiB by we: 8.0 s, 60 MB held, 1.000 of it received."
    )
    assert "not published" in huge_line(result("we", 1.0, complete=False))


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Return a site that nobody serves."""
    index = Index(Lab(tmp_path, tmp_path, DataDirectory.open(tmp_path / "corpus")))
    (tmp_path / "home").mkdir()
    ca = tmp_path / "ca.crt"
    return Site(tmp_path / "home", "https://127.0.0.1:9", ca, "t0p-secret", index, Link(9))


@pytest.mark.parametrize("kind", [Aegis, *PEERS], ids=lambda kind: kind.name)
def test_each_client_is_given_all_it_needs_and_no_secret_as_an_argument(
    kind: type[Client], site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for steering in ("REQUESTS_CA_BUNDLE", "UV_INDEX", "https_proxy", "POETRY_HTTP_BASIC_X"):
        monkeypatch.setenv(steering, "of this machine")
    client = kind(tmp_path)

    command = client.command(site, ["dist/a.whl"])
    settings = client.settings(site)

    written = "".join(path.read_text() for path in site.home.rglob("*") if path.is_file())
    given = written + "".join([*settings.values(), *command])
    assert site.token in written + "".join(settings.values())
    assert site.token not in "".join(command)
    assert {f"{site.url}/legacy/", str(site.authority)} <= {
        word for word in (f"{site.url}/legacy/", str(site.authority)) if word in given
    }
    assert "of this machine" not in given
    assert ("dist/a.whl" in command) == client.takes_files


def test_nginx_takes_its_configuration(tmp_path: Path) -> None:
    nginx = needs_program("nginx")
    index = Index(Lab(tmp_path, tmp_path, DataDirectory.open(tmp_path / "corpus")))
    index.prepare()
    (_, command) = index.commands(8)

    checked = subprocess.run(
        [*command.arguments, "-t"], capture_output=True, text=True, check=False
    )

    assert command.arguments[0] == nginx
    assert "syntax is ok" in checked.stderr


class _Here(Aegis):
    """This project as it is in the environment of the tests."""

    @property
    def _programs(self) -> Path:
        return Path(sys.executable).parent


def test_a_publication_is_measured_and_everything_arrives_once(tmp_path: Path) -> None:
    needs_program("nginx")
    project = make_project(tmp_path / "project", wheels=3, size=100_000)

    done = publish(_Here(tmp_path), project, tmp_path / "run", Line(DELAY))

    assert done.complete
    assert done.uploads == 3
    assert bytes_in(project / "dist") < done.received < 1.05 * bytes_in(project / "dist") + 50_000
    assert done.seconds > 4 * DELAY
    assert not (tmp_path / "run").exists()


def test_what_does_not_arrive_is_no_publication(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    needs_program("nginx")
    project = make_project(tmp_path / "project", wheels=1, size=1000)
    monkeypatch.setattr(Aegis, "verb", ("--version",))

    done = publish(_Here(tmp_path), project, tmp_path / "run", Line(0.0))

    assert not done.complete
    assert done.uploads == 0
    assert "failed, exit" in capsys.readouterr().err


def test_a_site_is_empty_and_asks_who_comes(tmp_path: Path) -> None:
    needs_program("nginx")
    with fresh_site(tmp_path / "site", Line(0.0), http2=False) as site:
        assert site.index.hashes() == {}
        assert (site.index.home / "tls").stat().st_mode & 0o077 == 0
