"""Access logs: rotated by name, copied and cut, torn, hostile; crashes in between."""

from __future__ import annotations

import gzip
import json
import shutil
import sqlite3
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poetry_aegis.registry.errors import Unavailable
from poetry_aegis.registry.metrics import LATENCIES, Metrics
from poetry_aegis.registry.state import follow as module
from poetry_aegis.registry.state.database import Database
from poetry_aegis.registry.state.downloads import Count, Downloads
from poetry_aegis.registry.state.follow import LogFollower
from poetry_aegis.registry.state.schema import MIGRATIONS

if TYPE_CHECKING:
    from pathlib import Path

WHEEL = "/packages/demo/demo-1.0.0-py3-none-any.whl"
_numbers = iter(range(10**9))


def line(uri: str | None = WHEEL, **fields: object) -> str:
    """Return a line that is like no other, as those of a server are by their time."""
    entry = {
        "time": "2026-11-23T04:00:00+00:00",
        "method": "GET",
        "uri": uri,
        "status": 200,
        "user_agent": "pip/24.0",
        "bytes": 10,
        "id": next(_numbers),
    }
    return json.dumps({**entry, **fields}) + "\n"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "access.log"


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def follower(database: Database, log: Path, metrics: Metrics) -> LogFollower:
    return LogFollower(database, log, metrics)


def append(log: Path, *lines: str) -> None:
    with log.open("a", encoding="utf-8") as stream:
        stream.writelines(lines)


def counted(database: Database) -> int:
    return Downloads(database).of("demo").downloads


def test_downloads_are_counted_once(follower: LogFollower, log: Path, database: Database) -> None:
    assert follower.catch_up() == 0  # There is no log yet.
    append(log, line(), line(user_agent="uv/0.5"))
    assert follower.catch_up() == 2
    assert follower.catch_up() == 0
    append(log, line())
    assert follower.catch_up() == 1

    downloads = Downloads(database)
    assert downloads.by("demo", "client") == [Count("pip", 2, 20), Count("uv", 1, 10)]
    assert downloads.by("demo", "day") == [Count("2026-11-23", 3, 30)]
    assert downloads.by("demo", "version") == [Count("1.0.0", 3, 30)]


@pytest.mark.parametrize(
    ("entry", "count"),
    [
        (line(method="HEAD"), 0),
        (line(status=304), 0),
        (line(status=404), 0),
        (line(status=206, range="bytes=0-499"), 1),
        (line(status="206", range="bytes=0-"), 1),
        (line(status=206, range="bytes=500-"), 0),
        (line(status=206, range="bytes=-500"), 0),
        (line(status=206), 0),
        (line(WHEEL + ".metadata"), 0),
        (line(WHEEL + "?x=y"), 1),
        (line(upstream="127.0.0.1:8080"), 0),  # The registry has counted it already.
        (line(upstream="127.0.0.1:1, 127.0.0.1:8080"), 0),
        (line(upstream=["127.0.0.1:8080"]), 0),
        (line(upstream=""), 1),
        (line(upstream="-"), 1),
        (line(upstream=None), 1),
        (line(WHEEL.replace("demo-1", "demo%2D1")), 1),
        (line("/packages/demo/../demo/demo-1.0.0.tar.gz"), 0),
        (line("/packages/Demo/demo-1.0.0.tar.gz"), 0),
        (line("/simple/demo/"), 0),
        (line(time=1795406400.25), 1),
        (line(time="1795406400"), 1),
        (line(time="2026-11-23T04:00:00Z"), 1),
        (line(time="2026-11-23T04:00:00+09:00"), 1),
        (line(time="yesterday"), 0),
        (line(time=1e300), 0),
        (line(time=float("nan")), 0),
        (line(time=-5), 0),
        (line(bytes="-"), 0),
        (line(bytes=10**40), 1),
        (line(bytes=-5), 1),
        (line(user_agent=None), 1),
        (line(uri=None), 0),
        ("[" * 50_000 + "\n", 0),
        ("[]\n", 0),
        ("null\n", 0),
        ("{}\n", 0),
        ("\n", 0),
    ],
)
def test_only_a_whole_download_counts_and_no_line_stops_the_rest(
    entry: str, count: int, follower: LogFollower, log: Path
) -> None:
    append(log, entry, line())

    assert follower.catch_up() == count + 1


def test_a_time_zone_decides_on_the_day(
    follower: LogFollower, log: Path, database: Database
) -> None:
    append(log, line(time="2026-11-23T04:00:00+09:00"))
    follower.catch_up()

    assert [day for day, _, _ in Downloads(database).by("demo", "day")] == ["2026-11-22"]


def test_half_a_line_is_waited_for(follower: LogFollower, log: Path) -> None:
    entry = line()
    append(log, entry[:20])
    assert follower.catch_up() == 0
    append(log, entry[20:], line()[:30])
    assert follower.catch_up() == 1


@pytest.mark.parametrize("rotated", ["access.log.1", "access.log-20261123"])
def test_a_renamed_log_is_read_to_its_end(rotated: str, follower: LogFollower, log: Path) -> None:
    append(log, line())
    assert follower.catch_up() == 1
    append(log, line())
    renamed = log.rename(log.with_name(rotated))
    append(renamed, line())  # The server goes on with it until it is told.
    append(log, line())

    assert follower.catch_up() == 3
    append(renamed, line())
    append(log, line())
    assert follower.catch_up() == 2
    assert follower.catch_up() == 0


def test_several_rotations_between_two_looks_lose_nothing(follower: LogFollower, log: Path) -> None:
    append(log, line())
    follower.catch_up()
    append(log, line())
    log.rename(log.with_name("access.log.2"))
    append(log, line(), line())
    log.rename(log.with_name("access.log.1"))
    append(log, line())

    assert follower.catch_up() == 4


def test_a_log_that_is_copied_and_cut_is_counted_once(follower: LogFollower, log: Path) -> None:
    append(log, line())
    assert follower.catch_up() == 1
    append(log, line())
    shutil.copy(log, log.with_name("access.log.1"))
    assert follower.catch_up() == 1  # One of the two, which are the same log.
    append(log, line())
    shutil.copy(log, log.with_name("access.log.1"))
    log.write_text("")
    append(log, line())

    assert follower.catch_up() == 2
    assert follower.catch_up() == 0


def test_a_compressed_log_is_left_alone(follower: LogFollower, log: Path) -> None:
    log.with_name("access.log.2.gz").write_bytes(gzip.compress(line().encode()))
    append(log, line())

    assert follower.catch_up() == 1


def test_a_large_log_is_taken_in_pieces(
    follower: LogFollower, log: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PIECE", 1000)
    append(log, *(line() for _ in range(100)), "x" * 5000 + "\n", line())

    assert follower.catch_up() == 101
    assert counted(database) == 101


def test_counts_and_place_are_kept_together_or_not_at_all(
    follower: LogFollower, log: Path, database: Database, metrics: Metrics, tmp_path: Path
) -> None:
    (table,) = [text for text in MIGRATIONS[0] if "CREATE TABLE followed_logs " in text]
    append(log, line(), line())
    with sqlite3.connect(tmp_path / "state.db") as connection:
        connection.execute(
            "CREATE TRIGGER crash BEFORE INSERT ON followed_logs "
            "BEGIN SELECT RAISE(ABORT, 'crash'); END"
        )

    with pytest.raises(Unavailable, match="crash"):
        follower.catch_up()
    assert counted(database) == 0
    assert metrics.counts().web is None

    with sqlite3.connect(tmp_path / "state.db") as connection:
        connection.execute("DROP TABLE followed_logs")
        connection.execute(table)
    assert follower.catch_up() == 2
    assert counted(database) == 2
    assert metrics.counts().downloads == 2


def test_the_metrics_tell_of_every_line_whoever_answered(
    follower: LogFollower, log: Path, metrics: Metrics
) -> None:
    append(
        log,
        line(request_time="0.003"),
        line("/simple/demo/", bytes=700, request_time=0.0004),
        line("/simple/demo/", status=401, bytes=20, upstream="127.0.0.1:8080", request_time="1.5"),
        line(method="POST", uri="/", status="502", bytes="0", upstream="127.0.0.1:8080"),
        line(method="MADE-UP", status=405, bytes=0, request_time="-"),
        line(method="", uri="", status=400, bytes=0, request_time="NaN"),
    )
    assert follower.catch_up() == 1
    assert follower.catch_up() == 0

    counts = metrics.counts()
    assert counts.web is not None
    assert counts.web.requests == {
        ("GET", 200): 2,
        ("GET", 401): 1,
        ("POST", 502): 1,
        ("other", 405): 1,
        ("other", 400): 1,
    }
    assert counts.web.sent_bytes == 730
    assert sum(counts.web.latencies.buckets) == 3
    assert counts.web.latencies.seconds == pytest.approx(1.5034)
    assert (counts.downloads, counts.downloaded_bytes) == (1, 10)


def test_downloads_of_the_registry_and_of_the_web_server_are_one_number(
    follower: LogFollower, log: Path, metrics: Metrics
) -> None:
    metrics.download(5)
    append(log, line(), line(upstream="127.0.0.1:8080"))
    follower.catch_up()
    append(log, line())
    follower.catch_up()

    counts = metrics.counts()
    assert (counts.downloads, counts.downloaded_bytes) == (3, 25)


@pytest.mark.parametrize(
    "entry",
    [
        line(status=0),
        line(status=600),
        line(status=10**30),
        line(status="ok"),
        line(bytes="many"),
        '{"status": 000, "method": "GET"}\n',
        "[]\n",
    ],
)
def test_what_is_no_answer_is_in_no_metric(
    entry: str, follower: LogFollower, log: Path, metrics: Metrics
) -> None:
    append(log, entry)
    follower.catch_up()

    counts = metrics.counts()
    assert counts.web is not None
    assert not counts.web.requests
    assert not counts.web.sent_bytes


@pytest.mark.parametrize("seconds", ["-1", -1, "1e400", 1e300, "inf", None, [], {}, "soon"])
def test_a_time_that_none_can_have_taken_leaves_the_request_counted(
    seconds: object, follower: LogFollower, log: Path, metrics: Metrics
) -> None:
    append(log, line(request_time=seconds))
    follower.catch_up()

    counts = metrics.counts()
    assert counts.web is not None
    assert counts.web.requests == {("GET", 200): 1}
    assert counts.web.latencies.buckets == [0] * (len(LATENCIES) + 1)


def test_a_second_follower_counts_only_what_is_left(log: Path, tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    one, other = (LogFollower(Database.open(path), log, Metrics()) for _ in range(2))
    append(log, line())
    piece = one._next_piece(log)
    assert piece is not None
    append(log, line())
    assert other.catch_up() == 2

    tally, web = one._database.write(lambda connection: one._take(*piece, connection))
    assert (tally.downloads, web.requests) == ({}, {})
    assert counted(one._database) == 2
    assert one._metrics.counts().web is None
    assert other._metrics.counts().downloads == 2


class Server:
    """A web server with its log, and a follower that counts."""

    def __init__(self, folder: Path) -> None:
        self.log, self.path = folder / "access.log", folder / "state.db"
        self.database = Database.open(self.path)
        self.metrics = Metrics()
        self.written = self.rotations = 0
        self.torn = ""

    def write(self) -> None:
        self.finish()
        append(self.log, line())
        self.written += 1

    def tear(self) -> None:
        self.finish()
        entry = line()
        append(self.log, entry[:30])
        self.torn = entry[30:]

    def finish(self) -> None:
        if self.torn:
            append(self.log, self.torn)
            self.written, self.torn = self.written + 1, ""

    def rename(self) -> None:
        if target := self._rotated():
            self.log.rename(target)

    def copy(self) -> None:
        if target := self._rotated():
            shutil.copy(self.log, target)
            self.log.write_text("")

    def look(self) -> None:
        LogFollower(self.database, self.log, self.metrics).catch_up()

    def restart(self) -> None:
        self.database.close()
        self.database = Database.open(self.path)

    def _rotated(self) -> Path | None:
        self.finish()
        self.rotations += 1
        target = self.log.with_name(f"access.log.{self.rotations}")
        return target if self.log.exists() else None


@settings(max_examples=30, deadline=None)
@given(
    steps=st.lists(
        st.sampled_from(["write", "tear", "finish", "rename", "copy", "look", "restart"]),
        max_size=25,
    )
)
def test_whatever_happens_to_the_log_each_download_counts_once(
    steps: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    server = Server(tmp_path_factory.mktemp("follow"))
    for step in [*steps, "finish", "look"]:
        getattr(server, step)()

    assert counted(server.database) == server.written
    assert server.metrics.counts().downloads == server.written
    server.database.close()
