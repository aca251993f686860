"""The catalogue: a line per project, to search and to count by. All of it can be made anew."""

from __future__ import annotations

import contextlib
import logging
import threading
import unicodedata
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from poetry_aegis.registry.core_metadata import parse_core_fields, read_metadata
from poetry_aegis.registry.errors import HttpError
from poetry_aegis.registry.names import normalized
from poetry_aegis.registry.store.listing import latest_file

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from poetry_aegis.registry.data import DataDirectory
    from poetry_aegis.registry.state.database import Database
    from poetry_aegis.registry.store.listing import ListedFile, Listing
    from poetry_aegis.registry.store.store import Store

logger = logging.getLogger(__name__)

_MOST_WORDS = 8
_LONGEST_WORD = 60  # characters
_BATCH = 100  # projects in a transaction

_UPSERT = "INSERT OR REPLACE INTO catalog VALUES (?, ?, ?, ?, ?, ?, ?, ?)"


class Entry(NamedTuple):
    """A project of the catalogue. *version* is the latest, empty where there are no files.

    *updated* is when its newest file came, as PEP 700 writes it; *size* is in bytes.
    """

    project: str
    version: str
    summary: str
    status: str
    updated: str
    files: int
    size: int


@dataclass(frozen=True)
class Found:
    """A piece of a search's results, and how many there are in all."""

    entries: tuple[Entry, ...]
    total: int


@dataclass(frozen=True)
class Totals:
    """How much the index holds. *size* is in bytes."""

    projects: int
    files: int
    size: int


class Catalog:
    """A line per project of the index. Methods block, and raise `Unavailable`."""

    def __init__(self, database: Database, data: DataDirectory) -> None:
        self._database = database
        self._data = data
        self._ending = False

    def update(self, project: str, listing: Listing | None) -> None:
        """Take in what became of *project*; ``None`` where it is gone. Raises ``OSError``, too."""
        row = None if listing is None else self._row(listing)
        self._database.write(lambda connection: _replace(connection, [(project, row)]))

    def search(
        self,
        words: Sequence[str],
        limit: int,
        offset: int = 0,
        knows: Callable[[str], bool] | None = None,
    ) -> Found:
        """Return the projects that have each of *words* in their name or summary.

        Those named so come first; without words, those with the newest files. *knows* tells which
        projects may be found at all, ``None`` for every one.
        """
        query = _Query.of(words)
        if knows is None:
            return self._database.read(lambda connection: query.page(connection, limit, offset))
        names = [name for name in self._database.read(query.names) if knows(name)]
        shown = names[offset : offset + limit]
        entries = self._database.read(lambda connection: _entries(connection, shown))
        return Found(entries, len(names))

    def totals(self) -> Totals:
        """Return how much there is."""
        statement = "SELECT count(*), coalesce(sum(files), 0), coalesce(sum(size), 0) FROM catalog"
        row = self._database.read(lambda connection: connection.execute(statement).fetchone())
        return Totals(*row)

    @contextlib.contextmanager
    def filling(self, store: Store) -> Iterator[None]:
        """Do `fill` in a thread, as far as it comes until the block ends."""
        thread = threading.Thread(target=self.fill, args=(store,), name="catalog", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._ending = True
            thread.join()

    def fill(self, store: Store) -> None:
        """Take in the projects of *store* that are missing, and drop those that are gone.

        Never raises: what fails is logged, and tried again at the next start.
        """
        try:
            projects, known = store.projects(), self._names()
            missing = [project for project in projects if project not in known]
            self._take_in(store, missing, known.difference(projects))
        except (OSError, HttpError) as error:
            logger.error("The catalogue could not be brought up to date: %s", error)

    def rebuild(self, store: Store) -> None:
        """Make the catalogue anew from the pages of *store*. Raises ``OSError``, too."""
        projects = store.projects()
        self._take_in(store, projects, self._names().difference(projects))

    def _names(self) -> set[str]:
        return set(self._database.read(_Query.of(()).names))

    def _take_in(self, store: Store, projects: Sequence[str], gone: Iterable[str]) -> None:
        """Take in *projects* of *store* and drop those that are *gone*, while they may change.

        Their pages are read in the very transaction that writes what they say. Whoever changes one
        meanwhile, in whatever process, comes to write here after it.
        """
        names = [*projects, *gone]
        for start in range(0, len(names), _BATCH):
            if self._ending:
                return
            rows = self._rows(store, names[start : start + _BATCH])
            self._database.write(partial(_replace, rows=rows))

    def _rows(
        self, store: Store, projects: Iterable[str]
    ) -> Iterator[tuple[str, tuple[object, ...] | None]]:
        for project in projects:
            is_here = store.exists(project)
            yield project, self._row(store.listing(project)) if is_here else None

    def _row(self, listing: Listing) -> tuple[object, ...]:
        file = latest_file(listing.offered)
        summary = self._summary(listing.project, file) if file else ""
        return (
            listing.project,
            file.version if file else "",
            summary,
            _folded(summary),
            listing.status,
            max((file.upload_time for file in listing.files), default=""),
            len(listing.files),
            sum(file.size for file in listing.files),
        )

    def _summary(self, project: str, file: ListedFile) -> str:
        content = read_metadata(self._data.metadata(project, file.file_name))
        return parse_core_fields(content).summary


@dataclass(frozen=True)
class _Query:
    """A search as SQL. `instr` on folded text, not LIKE: any script, and no wildcards."""

    order: str
    condition: str
    parameters: dict[str, str]

    @classmethod
    def of(cls, words: Sequence[str]) -> _Query:
        folded = [_folded(word)[:_LONGEST_WORD] for word in words[:_MOST_WORDS]]
        parameters = {"whole": normalized("-".join(folded))}
        named, found = [], []
        for number, word in enumerate(filter(None, folded)):
            parameters[f"name{number}"] = normalized(word)
            parameters[f"word{number}"] = word
            named.append(f"instr(project, :name{number})")
            found.append(f"({named[-1]} OR instr(folded, :word{number}))")
        if not found:
            return cls("updated DESC, project", "TRUE", {})
        rank = (
            f"CASE WHEN project = :whole THEN 0 WHEN {named[0]} = 1 THEN 1 "
            f"WHEN {' AND '.join(named)} THEN 2 ELSE 3 END, project"
        )
        return cls(rank, " AND ".join(found), parameters)

    def page(self, connection: sqlite3.Connection, limit: int, offset: int) -> Found:
        """Return so many results from *offset* on, and the number of all."""
        count = f"SELECT count(*) FROM catalog WHERE {self.condition}"  # noqa: S608 -- its parts are constants
        (total,) = connection.execute(count, self.parameters).fetchone()
        rows = connection.execute(
            "SELECT project, version, summary, status, updated, files, size FROM catalog "  # noqa: S608 -- the same
            f"WHERE {self.condition} ORDER BY {self.order} LIMIT :limit OFFSET :offset",
            {**self.parameters, "limit": limit, "offset": offset},
        )
        return Found(tuple(map(Entry._make, rows)), total)

    def names(self, connection: sqlite3.Connection) -> list[str]:
        """Return the names of all results, in order."""
        statement = f"SELECT project FROM catalog WHERE {self.condition} ORDER BY {self.order}"  # noqa: S608 -- the same
        return [name for (name,) in connection.execute(statement, self.parameters)]


def _replace(
    connection: sqlite3.Connection, rows: Iterable[tuple[str, tuple[object, ...] | None]]
) -> None:
    for project, row in rows:
        if row is None:
            connection.execute("DELETE FROM catalog WHERE project = ?", (project,))
        else:
            connection.execute(_UPSERT, row)


def _entries(connection: sqlite3.Connection, projects: Sequence[str]) -> tuple[Entry, ...]:
    statement = (
        "SELECT project, version, summary, status, updated, files, size FROM catalog "
        "WHERE project = ?"
    )
    rows = (connection.execute(statement, (project,)).fetchone() for project in projects)
    return tuple(Entry._make(row) for row in rows if row)


def _folded(text: str) -> str:
    """Return *text* in the one form in which spellings that look the same are the same."""
    return unicodedata.normalize("NFKC", text).casefold()
