"""When API tokens were used last."""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from poetry_aegis.registry.errors import Unavailable

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from poetry_aegis.registry.state.database import Database

logger = logging.getLogger(__name__)

_INTERVAL = 60.0  # seconds between two notes on a token
_SET = """
    INSERT INTO token_uses (token, used) VALUES (?, ?)
    ON CONFLICT (token) DO UPDATE SET used = excluded.used
"""


class TokenUses:
    """The last use of each token in a database, to the minute."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._noted: dict[str, float] = {}
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="token-uses")

    def note(self, token: str) -> None:
        """Note that the id *token* is used now. Cheap, and returns before it is written."""
        now = self._clock()
        if now - self._noted.get(token, -_INTERVAL) >= _INTERVAL:
            self._noted[token] = now
            self._worker.submit(self._write, token, datetime.now(timezone.utc))

    def close(self) -> None:
        """Return when all that was noted is written."""
        self._worker.shutdown()

    def _write(self, token: str, moment: datetime) -> None:
        values = (token, moment.isoformat(timespec="seconds"))
        try:
            self._database.write(lambda connection: connection.execute(_SET, values))
        except Unavailable as error:
            logger.error("The use of token %s was not noted: %s", token, error)


def last_uses(database: Database) -> dict[str, datetime]:
    """Return when each token was used last, by id. Blocking. Raises `Unavailable`."""

    def select(connection: sqlite3.Connection) -> dict[str, datetime]:
        rows = connection.execute("SELECT token, used FROM token_uses")
        return {token: datetime.fromisoformat(used) for token, used in rows}

    return database.read(select)
