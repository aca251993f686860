"""``state.db``: SQLite for several threads and several processes at once."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
from typing import TYPE_CHECKING, TypeVar

from poetry_aegis.registry.errors import Unavailable, UnusableData
from poetry_aegis.registry.state.schema import MIGRATIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

T = TypeVar("T")

_PATIENCE = 10.0  # seconds that a writer waits for those of other processes


class Database:
    """A database in WAL mode: readers wait for nobody, writers for each other.

    Writes share one connection behind a lock; each read that runs at the same time as another
    has a connection of its own, kept for the next.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writing = threading.Lock()
        self._writer = self._connect()
        self._readers: list[sqlite3.Connection] = []
        self._closed = False

    @classmethod
    def open(cls, path: Path) -> Database:
        """Return the database in the file *path*, made where missing and brought up to date.

        Raises `UnusableData` where it is damaged, of a newer version, or cannot be read.
        """
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            database = cls(path)
        except (OSError, sqlite3.Error) as error:
            raise _unusable(path, error) from error
        try:
            database._migrate()
        except sqlite3.Error as error:
            database.close()
            raise _unusable(path, error) from error
        except UnusableData:
            database.close()
            raise
        return database

    def write(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Return what *function* does in one transaction, which survives a power cut from then on.

        It is undone where *function* raises, and *function* ends it nowhere: no ``executescript``.
        Blocking. Raises `Unavailable` where the database fails.
        """
        with _failures(), self._writing, _transaction(self._writer):
            return function(self._writer)

    def read(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Return what *function* finds. Blocking. Raises `Unavailable` where the database fails."""
        with _failures():
            try:
                connection = self._readers.pop()
            except IndexError:
                connection = self._connect()
            try:
                return function(connection)
            finally:
                self._put_back(connection)

    def check(self) -> None:
        """Return where the database answers. Blocking. Raises `Unavailable`."""
        self.read(_version)

    def close(self) -> None:
        """Close all connections; the last process to do so tidies up the database's files."""
        self._closed = True
        while self._readers:
            self._readers.pop().close()
        with self._writing:
            self._writer.close()

    def _put_back(self, connection: sqlite3.Connection) -> None:
        if self._closed:
            connection.close()
        else:
            self._readers.append(connection)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA synchronous = FULL")  # WAL alone would let a power cut undo.
        return connection

    def _migrate(self) -> None:
        _use_wal(self._writer)
        if _version(self._writer) == len(MIGRATIONS):
            return
        with _transaction(self._writer):
            version = _version(self._writer)  # Another process may have been here just now.
            if version > len(MIGRATIONS):
                raise UnusableData(
                    f"{self._path} was written by a newer version of this registry; install that "
                    "version, or move the file away to begin a new one."
                )
            for statements in MIGRATIONS[version:]:
                for statement in statements:
                    self._writer.execute(statement)
            self._writer.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    # IMMEDIATE: waiting for the lock at the first write could end in a deadlock, and so at once.
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextlib.contextmanager
def _failures() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise Unavailable(f"The registry's database failed: {error}.") from error


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch to WAL. Here SQLite itself does not wait for processes that do the same."""
    deadline = time.monotonic() + _PATIENCE
    while not _tried_wal(connection, last=time.monotonic() > deadline):
        time.sleep(0.01)


def _tried_wal(connection: sqlite3.Connection, *, last: bool) -> bool:
    try:
        connection.execute("PRAGMA journal_mode = WAL")
    except sqlite3.OperationalError as error:
        if last or "locked" not in str(error):
            raise
        return False
    return True


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _unusable(path: Path, error: Exception) -> UnusableData:
    if isinstance(error, sqlite3.OperationalError | OSError):
        reason = getattr(error, "strerror", None) or error
        return UnusableData(f"The database {path} cannot be used: {reason}.")
    return UnusableData(
        f"The database {path} is damaged: {error}. Restore it, or move it away to begin a new "
        "one: the audit trail and the download counts are in it, the packages are not."
    )
