from __future__ import annotations

import logging
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.registry.state import downloads as module
from poetry_aegis.registry.state.downloads import Count, Downloads
from poetry_aegis.registry.state.schema import MIGRATIONS

if TYPE_CHECKING:
    from pathlib import Path

    from poetry_aegis.registry.state.database import Database

POETRY = "poetry/2.1.0 CPython/3.11.4 Linux/6"
WHEEL = "demo-1.0.0-py3-none-any.whl"
SDIST = "demo-1.1.0.tar.gz"


@pytest.fixture
def downloads(database: Database) -> Downloads:
    return Downloads(database)


def today() -> str:
    return datetime.now(timezone.utc).date().isoformat()


def test_downloads_are_told_by_each_dimension(downloads: Downloads) -> None:
    for _ in range(3):
        downloads.count("demo", WHEEL, POETRY, 100)
    downloads.count("demo", SDIST, "curl/8.5.0", 7)
    downloads.count("other", "other-1.0.tar.gz", "", 1)
    downloads.flush()

    assert downloads.by("demo", "version") == [Count("1.0.0", 3, 300), Count("1.1.0", 1, 7)]
    assert downloads.by("demo", "client") == [Count("poetry", 3, 300), Count("curl", 1, 7)]
    assert downloads.by("demo", "python") == [Count("3.11", 3, 300), Count("unknown", 1, 7)]
    assert downloads.by("demo", "day") == [Count(today(), 4, 307)]
    assert downloads.of("demo") == Count("demo", 4, 307)
    assert downloads.totals() == [Count("demo", 4, 307), Count("other", 1, 1)]
    assert downloads.totals(limit=1) == [Count("demo", 4, 307)]
    with pytest.raises(ValueError, match="user"):
        downloads.by("demo", "user")  # type: ignore[arg-type]


def test_what_is_not_flushed_is_not_there_and_flushed_once(downloads: Downloads) -> None:
    downloads.count("demo", WHEEL, POETRY)
    assert downloads.of("demo").downloads == 0

    downloads.flush()
    downloads.flush()
    assert downloads.of("demo").downloads == 1

    downloads.count("demo", WHEEL, POETRY)
    downloads.flush()
    assert downloads.of("demo").downloads == 2


def test_each_day_has_its_own_number(downloads: Downloads, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    for days_ago in (0, 1, 1, 3):
        monkeypatch.setattr(time, "time", lambda back=days_ago: now - back * 86400)
        downloads.count("demo", WHEEL, POETRY)
    monkeypatch.undo()
    downloads.flush()

    per_day = downloads.per_day("demo", 3)

    last = datetime.fromtimestamp(now, timezone.utc).date()
    assert per_day == [(last - timedelta(2), 0), (last - timedelta(1), 2), (last, 1)]
    assert downloads.of("demo", 3).downloads == 3
    assert downloads.of("demo").downloads == 4
    assert downloads.totals(days=1)[0].downloads == 1


def test_threads_count_together(downloads: Downloads) -> None:
    def count(_number: int) -> None:
        for _ in range(200):
            downloads.count("demo", WHEEL, POETRY, 1)
        downloads.flush()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(count, range(4)))

    assert downloads.of("demo") == Count("demo", 800, 800)


def test_a_file_of_no_version_is_counted_all_the_same(downloads: Downloads) -> None:
    downloads.count("demo", "demo-nonsense-1.whl", POETRY)
    downloads.flush()

    assert downloads.by("demo", "version") == [Count("unknown", 1, 0)]


def test_nothing_is_lost_while_the_database_fails(
    downloads: Downloads, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (table,) = [text for text in MIGRATIONS[0] if "CREATE TABLE downloads " in text]
    with sqlite3.connect(tmp_path / "state.db") as connection:
        connection.execute("DROP TABLE downloads")

    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            downloads.count("demo", WHEEL, POETRY, 5)
            downloads.flush()
    assert len(caplog.records) == 1  # and not one a second

    with sqlite3.connect(tmp_path / "state.db") as connection:
        connection.execute(table)
    downloads.flush()
    assert downloads.of("demo") == Count("demo", 3, 15)


def test_memory_is_bounded_while_the_database_fails(
    downloads: Downloads, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_PENDING", 10)
    with sqlite3.connect(tmp_path / "state.db") as connection:
        connection.execute("DROP TABLE downloads")
    for number in range(50):
        downloads.count("demo", f"demo-{number}.tar.gz", POETRY)
    downloads.flush()

    assert len(downloads._pending.downloads) == 10
