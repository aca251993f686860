"""How often distributions are downloaded: counted in memory, kept in the database."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

from poetry_aegis.registry.errors import BadUpload, Unavailable
from poetry_aegis.registry.names import is_file_name, is_normalized, parse_file_name
from poetry_aegis.registry.state.agents import UNKNOWN, parse_agent

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from poetry_aegis.registry.state.database import Database

logger = logging.getLogger(__name__)

Dimension = Literal["version", "client", "python", "day"]
DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)

_MOST_PENDING = 100_000  # kinds of downloads in memory, while the database takes none
_DAY = 24 * 60 * 60  # seconds
_ADD = """
    INSERT INTO downloads (project, day, version, client, python, downloads, bytes)
    VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET
        downloads = downloads + excluded.downloads, bytes = bytes + excluded.bytes
"""


class Kind(NamedTuple):
    """What is counted together. *day* is the number of days since 1970, in UTC."""

    project: str
    day: int
    file_name: str
    client: str
    python: str


class Count(NamedTuple):
    """How many downloads something had, and how many bytes that were."""

    name: str
    downloads: int
    size: int


class Tally:
    """Downloads counted in memory, by their `Kind`."""

    def __init__(self) -> None:
        self.downloads: Counter[Kind] = Counter()
        self.sizes: Counter[Kind] = Counter()

    def add(self, kind: Kind, downloads: int, size: int) -> None:
        """Count so many downloads, of so many bytes in all."""
        self.downloads[kind] += downloads
        self.sizes[kind] += size

    def save(self, connection: sqlite3.Connection) -> None:
        """Add what was counted to the tables, in a transaction of the caller's."""
        rows = [
            (kind.project, _written(kind.day), _version_of(kind.file_name), *kind[3:], count, size)
            for kind, count in self.downloads.items()
            for size in (self.sizes[kind],)
        ]
        connection.executemany(_ADD, rows)


class Downloads:
    """The downloads of a registry."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._pending = Tally()
        self._counting = threading.Lock()
        self._failing = False

    def count(self, project: str, file_name: str, user_agent: str, size: int = 0) -> None:
        """Count a download of *size* bytes. It is in memory until `flush`."""
        kind = Kind(project, day_of(time.time()), file_name, *parse_agent(user_agent))
        with self._counting:
            self._pending.add(kind, 1, size)

    def flush(self) -> None:
        """Write what was counted in one transaction. Blocking.

        Never raises for a database that fails: what was counted is kept for the next time.
        """
        with self._counting:
            tally, self._pending = self._pending, Tally()
        if not tally.downloads:
            return
        try:
            self._database.write(tally.save)
        except Unavailable as error:
            self._keep(tally, error)
        else:
            self._failing = False

    def _keep(self, tally: Tally, error: Unavailable) -> None:
        if not self._failing:
            self._failing = True
            logger.error("Downloads cannot be counted for now: %s", error)
        with self._counting:
            for kind, count in tally.downloads.items():
                if len(self._pending.downloads) < _MOST_PENDING:
                    self._pending.add(kind, count, tally.sizes[kind])

    def per_day(self, project: str, days: int) -> list[tuple[date, int]]:
        """Return the downloads of each of the last *days* days (UTC), today's last.

        Blocking, as what follows. Raises `Unavailable`.
        """
        counted = {count.name: count.downloads for count in self.by(project, "day", days)}
        wanted = [_days_ago(back) for back in range(days - 1, -1, -1)]
        return [(day, counted.get(day.isoformat(), 0)) for day in wanted]

    def by(self, project: str, dimension: Dimension, days: int | None = None) -> list[Count]:
        """Return a project's downloads by *dimension*, the most first, or by day in their order.

        Of the last *days* days, or of all time. Raises ``ValueError`` for another dimension.
        """
        if dimension not in DIMENSIONS:
            raise ValueError(f"{dimension!r} is not one of {', '.join(DIMENSIONS)}")
        order = "day" if dimension == "day" else f"2 DESC, {dimension}"
        return self._select(
            f"SELECT {dimension}, sum(downloads), sum(bytes) FROM downloads "  # noqa: S608 -- one of four
            f"WHERE project = :project AND day >= :since GROUP BY {dimension} ORDER BY {order}",
            {"project": project, "since": _since(days)},
        )

    def of(self, project: str, days: int | None = None) -> Count:
        """Return all downloads of *project*."""
        (count,) = self._select(
            "SELECT :project, coalesce(sum(downloads), 0), coalesce(sum(bytes), 0) "
            "FROM downloads WHERE project = :project AND day >= :since",
            {"project": project, "since": _since(days)},
        )
        return count

    def totals(self, days: int | None = None, limit: int = 20) -> list[Count]:
        """Return the *limit* projects with the most downloads."""
        return self._select(
            "SELECT project, sum(downloads), sum(bytes) FROM downloads WHERE day >= :since "
            "GROUP BY project ORDER BY 2 DESC, project LIMIT :limit",
            {"since": _since(days), "limit": limit},
        )

    def _select(self, query: str, values: Mapping[str, object]) -> list[Count]:
        return self._database.read(
            lambda connection: [Count._make(row) for row in connection.execute(query, values)]
        )


def kind_of(path: str, day: int, user_agent: str) -> Kind | None:
    """Return what a request for *path* counts as, ``None`` where it is no distribution's."""
    folder, _, rest = path.lstrip("/").partition("/")
    project, _, file_name = rest.partition("/")
    if folder != "packages" or not (is_normalized(project) and is_file_name(file_name)):
        return None
    return Kind(project, day, file_name, *parse_agent(user_agent))


def day_of(moment: float) -> int:
    """Return the number of the day of *moment*, in seconds since 1970."""
    return int(moment) // _DAY


@lru_cache(maxsize=4096)
def _version_of(file_name: str) -> str:
    try:
        return str(parse_file_name(file_name).version)
    except BadUpload:
        return UNKNOWN


def _written(day: int) -> str:
    return (date(1970, 1, 1) + timedelta(day)).isoformat()


def _since(days: int | None) -> str:
    return "" if days is None else _days_ago(days - 1).isoformat()


def _days_ago(days: int) -> date:
    return datetime.now(timezone.utc).date() - timedelta(days)
