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
def follower(database: Database, log: Path) -> LogFollower:
    return LogFollower(database, log)


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
    follower: LogFollower, log: Path, database: Database, tmp_path: Path
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

    with sqlite3.connect(tmp_path / "state.db") as connection:
        connection.execute("DROP TABLE followed_logs")
        connection.execute(table)
    assert follower.catch_up() == 2
    assert counted(database) == 2


def test_a_second_follower_counts_only_what_is_left(log: Path, tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    one, other = (LogFollower(Database.open(path), log) for _ in range(2))
    append(log, line())
    piece = one._next_piece(log)
    assert piece is not None
    append(log, line())
    assert other.catch_up() == 2

    assert one._database.write(lambda connection: one._take(*piece, connection)) == 0
    assert counted(one._database) == 2


class Server:
    """A web server with its log, and a follower that counts."""

    def __init__(self, folder: Path) -> None:
        self.log, self.path = folder / "access.log", folder / "state.db"
        self.database = Database.open(self.path)
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
        LogFollower(self.database, self.log).catch_up()

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
    server.database.close()
