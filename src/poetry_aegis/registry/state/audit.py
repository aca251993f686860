"""The audit trail: each change and each failed login, for good."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from poetry_aegis.registry.errors import Unavailable

if TYPE_CHECKING:
    import sqlite3

    from poetry_aegis.registry.state.database import Database

logger = logging.getLogger(__name__)

ACTIONS = (
    "upload",
    "overwrite",
    "sign",
    "upload-refused",
    "yank",
    "unyank",
    "delete-file",
    "delete-project",
    "status",
    "locations",
    "login-failed",
    "token-created",
    "token-revoked",
    "user-added",
    "user-changed",
    "user-removed",
    "import",
    "prune",
    "reindex",
    "restore",
)
MOST = 1000  # entries of one answer

_LONGEST = 1000  # characters of one value: what strangers send is in here, too
_VALUES = ("action", "user", "address", "project", "file", "detail", "token")
_INSERT = (
    f"INSERT INTO audit (time, {', '.join(_VALUES)}) "  # noqa: S608 -- names of columns, all ours
    f"VALUES (:time, {', '.join(f':{value}' for value in _VALUES)})"
)


@dataclass(frozen=True)
class Event:
    """What somebody did: one of `ACTIONS`.

    *user* is the name that was given, also where the login failed; *address* is where the request
    came from, ``None`` for the command line; *token* is the id of the API token that was used.
    None of them is a secret.
    """

    action: str
    user: str | None
    address: str | None
    project: str | None = None
    file: str | None = None
    detail: str = ""
    token: str | None = None


@dataclass(frozen=True)
class Entry(Event):
    """An event of the trail, with its number and its *time*, UTC in ISO 8601."""

    id: int = 0
    time: str = ""


class AuditTrail:
    """The events in a database, which takes more of them and never changes one."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, event: Event) -> None:
        """Add *event*. Blocking: it is on the disk afterwards.

        Never raises for a database that fails, since what is told of has happened already; then
        the event goes to the log.
        """
        values = {key: _kept(value) for key, value in asdict(event).items()}
        values["time"] = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        try:
            self._database.write(lambda connection: connection.execute(_INSERT, values))
        except Unavailable as error:
            logger.error(
                "The audit trail could not be written: %s",
                error,
                extra={"event": "audit", "fields": {"entry": values}},
            )

    def entries(
        self,
        limit: int = 100,
        before: int | None = None,
        *,
        project: str | None = None,
        user: str | None = None,
        action: str | None = None,
    ) -> list[Entry]:
        """Return at most *limit* entries, the newest first, older than the one with id *before*.

        Blocking. Raises `Unavailable`.
        """
        conditions = {
            "id < :before": before,
            "project = :project": project,
            "user = :user": user,
            "action = :action": action,
        }
        given = {text: value for text, value in conditions.items() if value is not None}
        values = {text.rpartition(":")[2]: value for text, value in given.items()}
        query = (
            f"SELECT id, time, {', '.join(_VALUES)} FROM audit "  # noqa: S608 -- values are bound
            f"WHERE {' AND '.join(given) or '1'} ORDER BY id DESC LIMIT :limit"
        )
        values["limit"] = max(0, min(limit, MOST))

        def select(connection: sqlite3.Connection) -> list[Entry]:
            return [_entry(row) for row in connection.execute(query, values)]

        return self._database.read(select)


def _entry(row: tuple[int | str | None, ...]) -> Entry:
    number, time, *values = row
    return Entry(**dict(zip(_VALUES, values, strict=True)), id=number, time=time)  # type: ignore[arg-type]


def _kept(value: str | None) -> str | None:
    """Return *value* as SQLite can hold it, and not longer than it needs to be."""
    return value and value[:_LONGEST].encode("utf-8", "replace").decode("utf-8")
