"""``/health``: the process is alive. ``/ready``: it can do its work. Neither needs a user."""

from __future__ import annotations

import asyncio
import shutil
import time
from typing import TYPE_CHECKING

from poetry_aegis.registry.errors import Unavailable, UnreadableUsers
from poetry_aegis.registry.http.exchange import Answer, Exchange, json_answer, text_answer
from poetry_aegis.registry.http.routing import Route
from poetry_aegis.registry.version import version

if TYPE_CHECKING:
    from poetry_aegis.registry.data import DataDirectory
    from poetry_aegis.registry.people.users import Users
    from poetry_aegis.registry.state.database import Database

_LIFETIME = 1.0  # seconds that a check is believed: anybody may ask


class Health:
    """Tells how the registry is."""

    def __init__(
        self, data: DataDirectory, users: Users, database: Database, minimum_free: int
    ) -> None:
        self._data = data
        self._users = users
        self._database = database
        self._minimum_free = minimum_free  # bytes
        self._checked = float("-inf")
        self._problem: str | None = None

    def routes(self) -> list[Route]:
        """Return the routes of probes."""
        return [
            Route("GET", "/health", self.alive, "health"),
            Route("GET", "/ready", self.ready, "ready"),
        ]

    async def alive(self, _exchange: Exchange) -> Answer:
        """Answer ``/health``."""
        return json_answer({"status": "ok", "version": version()})

    async def greet(self, _exchange: Exchange) -> Answer:
        """Answer ``/`` with where to go from here."""
        return text_answer(
            f"A private Python package index (poetry-aegis {version()}).\n"
            "Its projects are listed at /simple/; uploads are posted to /legacy/."
        )

    async def ready(self, _exchange: Exchange) -> Answer:
        """Answer ``/ready``. Raises `Unavailable` with the reason."""
        if time.monotonic() - self._checked > _LIFETIME:
            self._problem = await asyncio.to_thread(self._find_problem)
            self._checked = time.monotonic()
        if self._problem is not None:
            raise Unavailable(self._problem)
        return json_answer({"status": "ready", "version": version()})

    def _find_problem(self) -> str | None:
        try:
            self._data.check_writable()
            free = shutil.disk_usage(self._data.root).free
            if free < self._minimum_free:
                return (
                    f"Only {free} bytes are free, less than the {self._minimum_free} there must be."
                )
            self._users.list()
            self._database.check()
        except OSError as error:
            return f"The data directory cannot be written to: {error.strerror or error}."
        except UnreadableUsers:
            return "The users cannot be read."
        except Unavailable as error:
            return str(error)
        return None
