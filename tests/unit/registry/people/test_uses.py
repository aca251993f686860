from __future__ import annotations

import logging
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.registry.people.uses import TokenUses, last_uses
from poetry_aegis.registry.state.database import Database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database.open(tmp_path / "state.db")
    yield opened
    opened.close()


def test_the_last_use_is_kept_at_most_once_a_minute(database: Database) -> None:
    times = iter((0.0, 1.0, 59.9, 60.0, 60.0))
    uses = TokenUses(database, clock=lambda: next(times))
    writes: list[str] = []
    write = uses._write

    def counting(token: str, moment: datetime) -> None:
        writes.append(token)
        write(token, moment)

    uses._write = counting  # type: ignore[method-assign]
    for _ in range(4):
        uses.note("abc")
    uses.note("def")
    uses.close()

    assert writes == ["abc", "abc", "def"]
    found = last_uses(database)
    assert found.keys() == {"abc", "def"}
    assert datetime.now(timezone.utc) - found["abc"] < timedelta(minutes=1)


def test_a_later_use_replaces_the_one_before(database: Database) -> None:
    uses = TokenUses(database)
    early = datetime(2020, 1, 1, tzinfo=timezone.utc)
    uses._write("abc", early)
    uses._write("abc", early + timedelta(days=1))

    assert last_uses(database) == {"abc": early + timedelta(days=1)}


def test_a_database_that_fails_stops_nobody(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    database.write(lambda connection: connection.execute("DROP TABLE token_uses"))
    uses = TokenUses(database)

    uses.note("abc")
    uses.close()

    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert "token abc was not noted" in record.getMessage()
