from __future__ import annotations

import logging
import sqlite3
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.registry.errors import Unavailable
from poetry_aegis.registry.state.audit import AuditTrail, Entry, Event

if TYPE_CHECKING:
    from pathlib import Path

    from poetry_aegis.registry.state.database import Database


@pytest.fixture
def trail(database: Database) -> AuditTrail:
    return AuditTrail(database)


def test_an_event_is_kept_whole_with_its_time(trail: AuditTrail) -> None:
    event = Event("yank", "ada", "10.0.0.7", "demo", "demo-1.0.tar.gz", "broken", token="t1")

    trail.record(event)

    (entry,) = trail.entries()
    assert entry == Entry(
        "yank", "ada", "10.0.0.7", "demo", "demo-1.0.tar.gz", "broken", "t1", 1, entry.time
    )
    age = datetime.now(timezone.utc) - datetime.fromisoformat(entry.time)
    assert 0 <= age.total_seconds() < 60


def test_entries_come_newest_first_in_pages(trail: AuditTrail) -> None:
    for number in range(5):
        trail.record(Event("upload", str(number), None))

    first = trail.entries(limit=2)
    second = trail.entries(limit=2, before=first[-1].id)

    assert [entry.user for entry in first + second] == ["4", "3", "2", "1"]
    assert [entry.user for entry in trail.entries(10, before=second[-1].id)] == ["0"]
    assert trail.entries(limit=-1) == []


def test_entries_are_chosen_by_all_that_is_asked_for(trail: AuditTrail) -> None:
    trail.record(Event("upload", "ada", None, "demo"))
    trail.record(Event("upload", "bob", None, "demo"))
    trail.record(Event("yank", "ada", None, "demo"))
    trail.record(Event("upload", "ada", None, "other"))

    chosen = trail.entries(project="demo", user="ada", action="upload")

    assert [entry.id for entry in chosen] == [1]
    assert [entry.id for entry in trail.entries(project="demo")] == [3, 2, 1]
    assert trail.entries(user="' OR 1 --") == []


def test_nothing_is_changed_or_deleted(trail: AuditTrail, database: Database) -> None:
    trail.record(Event("upload", "ada", None))

    for statement in ("UPDATE audit SET user = 'eve'", "DELETE FROM audit"):
        with pytest.raises(Unavailable, match="only added to"):
            database.write(lambda connection, text=statement: connection.execute(text))  # type: ignore[misc]
    assert trail.entries()[0].user == "ada"


def test_what_strangers_send_is_cut_and_storable(trail: AuditTrail) -> None:
    trail.record(Event("login-failed", "x" * 100_000, None))
    trail.record(Event("login-failed", "a\udcff\0b", None))

    newest, oldest = trail.entries()
    assert newest.user == "a?\0b"
    assert len(oldest.user or "") == 1000


def test_an_event_that_cannot_be_kept_goes_to_the_log(
    trail: AuditTrail, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with sqlite3.connect(tmp_path / "state.db") as connection:
        connection.execute("DROP TABLE audit")

    with caplog.at_level(logging.ERROR):
        trail.record(Event("upload", "ada", None, "demo"))

    (record,) = caplog.records
    assert record.fields["entry"]["project"] == "demo"  # type: ignore[attr-defined]
