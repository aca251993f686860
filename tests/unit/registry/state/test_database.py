"""Threads, processes, crashes, and files that are no database."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.registry.errors import Unavailable, UnusableData
from poetry_aegis.registry.state.audit import AuditTrail, Event
from poetry_aegis.registry.state.database import Database
from poetry_aegis.registry.state.schema import MIGRATIONS

if TYPE_CHECKING:
    from pathlib import Path

RECORD_TWENTY = """
import sys
from pathlib import Path
from poetry_aegis.registry.state.audit import AuditTrail, Event
from poetry_aegis.registry.state.database import Database

trail = AuditTrail(Database.open(Path(sys.argv[1])))
for _ in range(20):
    trail.record(Event("upload", sys.argv[2], None))
"""
WRITE_FOR_EVER = """
import sys
from pathlib import Path
from poetry_aegis.registry.state.audit import AuditTrail, Event
from poetry_aegis.registry.state.database import Database

trail = AuditTrail(Database.open(Path(sys.argv[1])))
number = 0
while True:
    number += 1
    trail.record(Event("upload", str(number), None))
    print(number, flush=True)
"""


def pragma(database: Database, name: str) -> object:
    return database.read(lambda connection: connection.execute(f"PRAGMA {name}").fetchone()[0])


def insert(connection: sqlite3.Connection, user: str = "ada") -> None:
    connection.execute(
        "INSERT INTO audit (time, action, user, detail) VALUES ('now', 'upload', ?, '')", (user,)
    )


def count(database: Database) -> int:
    def select(connection: sqlite3.Connection) -> int:
        return int(connection.execute("SELECT count(*) FROM audit").fetchone()[0])

    return database.read(select)


def test_a_new_database_is_durable_private_and_up_to_date(
    database: Database, tmp_path: Path
) -> None:
    assert pragma(database, "journal_mode") == "wal"
    assert pragma(database, "synchronous") == 2  # FULL
    assert pragma(database, "user_version") == len(MIGRATIONS)
    if os.name == "posix":
        assert (tmp_path / "state.db").stat().st_mode & 0o077 == 0


def test_what_fails_is_undone_as_a_whole(database: Database) -> None:
    def insert_and_fail(connection: sqlite3.Connection) -> None:
        insert(connection)
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        database.write(insert_and_fail)
    database.write(insert)

    assert count(database) == 1


def test_an_error_of_sqlite_is_an_answer_503(database: Database) -> None:
    with pytest.raises(Unavailable, match="no such table: nowhere"):
        database.read(lambda connection: connection.execute("SELECT * FROM nowhere"))
    with pytest.raises(Unavailable):
        database.write(lambda connection: connection.execute("DELETE FROM nowhere"))

    database.write(insert)  # Neither left the connections in a transaction.
    assert count(database) == 1


def test_threads_write_and_read_at_the_same_time(database: Database) -> None:
    def work(number: int) -> int:
        database.write(lambda connection: insert(connection, str(number)))
        return count(database)

    with ThreadPoolExecutor(8) as threads:
        seen = list(threads.map(work, range(80)))

    assert max(seen) == count(database) == 80


def test_a_reader_does_not_wait_for_a_writer(database: Database) -> None:
    def read_meanwhile(connection: sqlite3.Connection) -> int:
        insert(connection)
        return count(database)

    assert database.write(read_meanwhile) == 0


def test_processes_make_and_write_one_database_together(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    processes = [
        subprocess.Popen([sys.executable, "-c", RECORD_TWENTY, str(path), str(number)])
        for number in range(4)
    ]

    assert [process.wait(60) for process in processes] == [0, 0, 0, 0]
    trail = AuditTrail(Database.open(path))
    assert [len(trail.entries(user=str(number))) for number in range(4)] == [20, 20, 20, 20]


def test_what_was_recorded_outlives_a_killed_process(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    process = subprocess.Popen(
        [sys.executable, "-c", WRITE_FOR_EVER, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    for _ in range(20):
        process.stdout.readline()
    process.kill()
    told = [20, *map(int, process.stdout.read().split())][-1]
    process.wait()

    users = {int(entry.user or 0) for entry in AuditTrail(Database.open(path)).entries(1000)}
    assert set(range(1, told + 1)) <= users


def test_a_damaged_file_is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    path.write_bytes(b"not a database at all" * 400)

    with pytest.raises(UnusableData, match=r"damaged.*move it away"):
        Database.open(path)
    assert path.read_bytes().startswith(b"not a database")


def test_a_database_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    Database.open(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 999")

    with pytest.raises(UnusableData, match="newer version"):
        Database.open(path)


def test_a_place_that_cannot_hold_a_database_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnusableData, match="cannot be used"):
        Database.open(tmp_path / "missing" / "state.db")


def test_a_closed_database_answers_no_more(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "state.db")
    AuditTrail(database).record(Event("upload", "ada", None))
    database.check()
    database.close()

    with pytest.raises(Unavailable):
        database.write(insert)
    assert not (tmp_path / "state.db-wal").exists()
