"""The API of the registry: what an index is administered with. JSON in and out.

::

    GET    /api/v1/whoami[?project=NAME]                  who asks, and what they may do
    GET    /api/v1/projects/NAME                          versions, files, yanks, status
    PATCH  /api/v1/projects/NAME                          {"status", "reason", "tracks",
                                                           "alternate_locations"}
    DELETE /api/v1/projects/NAME
    DELETE /api/v1/projects/NAME/versions/VERSION
    DELETE /api/v1/projects/NAME/files/FILE
    PUT    /api/v1/projects/NAME/versions/VERSION/yank    {"reason"}; DELETE takes it back
    PUT    /api/v1/projects/NAME/files/FILE/yank          {"reason"}; DELETE takes it back

A yank or deletion is answered with ``{"project", "files", "changed"}``: the files that were meant,
and those that are different now; a change to a project with its record. Errors are problem details
(RFC 9457) where JSON is asked for. Names are normalised (PEP 503), versions compared (PEP 440).
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from poetry_aegis.registry.errors import BadRequest, Forbidden
from poetry_aegis.registry.http.api_changes import Changes, Selection
from poetry_aegis.registry.http.api_documents import ProjectChange, YankRequest, project_record
from poetry_aegis.registry.http.body import read_request
from poetry_aegis.registry.http.exchange import Answer, Exchange, json_answer
from poetry_aegis.registry.http.routing import Route
from poetry_aegis.registry.names import is_project_name, normalized, parse_version
from poetry_aegis.registry.people.identity import Action

if TYPE_CHECKING:
    from packaging.version import Version

    from poetry_aegis.registry.http.gate import Gate
    from poetry_aegis.registry.state.audit import AuditTrail
    from poetry_aegis.registry.store.store import Store

_PROJECT = "/api/v1/projects/{project}"
_VERSION = f"{_PROJECT}/versions/{{version}}"
_FILE = f"{_PROJECT}/files/{{file_name}}"


class Api:
    """Answers what is under ``/api/v1/`` about projects and the user who asks."""

    def __init__(self, store: Store, gate: Gate, audit: AuditTrail, *, overwrites: bool) -> None:
        """Take what it works on; *overwrites* is whether anybody may replace a file."""
        self._forbidden = frozenset[Action]() if overwrites else frozenset({Action.OVERWRITE})
        self._store = store
        self._gate = gate
        self._audit = audit

    def routes(self) -> list[Route]:
        """Return the routes of the API."""
        return [
            Route("GET", "/api/v1/whoami", self.whoami, "api-whoami"),
            Route("GET", _PROJECT, self.show, "api-project"),
            Route("PATCH", _PROJECT, self.change, "api-project"),
            Route("DELETE", _PROJECT, self.delete_project, "api-project"),
            *(
                route
                for path in (_VERSION, _FILE)
                for route in (
                    Route("DELETE", path, self.delete, "api-delete"),
                    Route("PUT", f"{path}/yank", self.yank, "api-yank"),
                    Route("DELETE", f"{path}/yank", self.unyank, "api-yank"),
                )
            ),
        ]

    async def whoami(self, exchange: Exchange) -> Answer:
        """Answer ``{"user", "role", "token", "may"}``; *user* is ``null`` for an anonymous one.

        *may* tells of each action whether it is allowed, on ``?project=`` where that is given.
        """
        with suppress(Forbidden):  # A token for uploads alone may ask what it is for.
            await self._gate.admit(exchange, Action.READ)
        asked = exchange.query("project")
        if asked is not None and not is_project_name(asked):
            raise BadRequest(f"{asked[:100]!a} is not a project's name.")
        project = None if asked is None else normalized(asked)
        user = exchange.user
        return json_answer(
            {
                "user": user.name if user else None,
                "role": user.role if user else None,
                "token": user.token if user else None,
                "may": {
                    action.name.lower(): action not in self._forbidden
                    and self._gate.may(exchange, action, project)
                    for action in Action
                },
            }
        )

    async def show(self, exchange: Exchange) -> Answer:
        """Answer a project's record, see `project_record`. Raises `NotFound`."""
        project = await self._admit(exchange, Action.READ)
        listing = await asyncio.to_thread(self._changes(exchange).record_of, project)
        return json_answer(project_record(listing))

    async def change(self, exchange: Exchange) -> Answer:
        """Change what `ProjectChange` names; answer the record."""
        project = await self._admit(exchange, Action.MANAGE)
        change = await read_request(exchange, ProjectChange)
        listing = await asyncio.to_thread(self._changes(exchange).change, project, change)
        return json_answer(project_record(listing))

    async def delete_project(self, exchange: Exchange) -> Answer:
        """Delete a project with all its files."""
        project = await self._admit(exchange, Action.DELETE)
        changes = self._changes(exchange)
        return json_answer(await asyncio.to_thread(changes.delete_project, project))

    async def delete(self, exchange: Exchange) -> Answer:
        """Delete the files of a version, or one file."""
        project = await self._admit(exchange, Action.DELETE)
        changes, selection = self._changes(exchange), _selection(exchange, project)
        return json_answer(await asyncio.to_thread(changes.delete, selection))

    async def yank(self, exchange: Exchange) -> Answer:
        """Yank the files of a version, or one file, for the reason in `YankRequest` (PEP 592)."""
        project = await self._admit(exchange, Action.YANK)
        selection = _selection(exchange, project)
        request = await read_request(exchange, YankRequest)
        return await self._yank(exchange, selection, request.reason)

    async def unyank(self, exchange: Exchange) -> Answer:
        """Take the yank of a version's files, or of one file, back."""
        project = await self._admit(exchange, Action.YANK)
        return await self._yank(exchange, _selection(exchange, project), None)

    async def _yank(self, exchange: Exchange, selection: Selection, reason: str | None) -> Answer:
        outcome: dict[str, Any] = await asyncio.to_thread(
            self._changes(exchange).yank, selection, reason
        )
        return json_answer(outcome)

    def _changes(self, exchange: Exchange) -> Changes:
        return Changes(self._store, self._audit, exchange)

    async def _admit(self, exchange: Exchange, action: Action) -> str:
        return await self._gate.admit_to(exchange, action, exchange.parameters["project"])


def _selection(exchange: Exchange, project: str) -> Selection:
    version = exchange.parameters.get("version")
    if version is None:
        return Selection(project, file_name=exchange.parameters["file_name"])
    return Selection(project, version=_version(version))


def _version(text: str) -> Version:
    version = parse_version(text)
    if version is None:
        raise BadRequest(f"{text[:100]!a} is not a version (PEP 440).")
    return version
