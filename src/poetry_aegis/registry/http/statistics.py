"""What is counted of requests, and how the counts and the audit trail are read.

::

    GET /api/v1/audit[?project=&user=&action=&before=ID&limit=100]
    GET /api/v1/downloads/PROJECT[?days=30&by=version|client|python|day]
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import TYPE_CHECKING

from poetry_aegis.registry.errors import BadRequest, Forbidden
from poetry_aegis.registry.http.exchange import Answer, Exchange, json_answer
from poetry_aegis.registry.http.gate import no_such_project
from poetry_aegis.registry.http.routing import Route
from poetry_aegis.registry.names import is_file_name
from poetry_aegis.registry.people.identity import Action
from poetry_aegis.registry.people.tokens import looks_like_token
from poetry_aegis.registry.state.audit import ACTIONS, MOST, Event
from poetry_aegis.registry.state.downloads import DIMENSIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from poetry_aegis.registry.http.gate import Gate, LoginOutcome
    from poetry_aegis.registry.state.downloads import Dimension
    from poetry_aegis.registry.state.state import State
    from poetry_aegis.registry.store.store import Store

FILE_ROUTE = "file"  # the route whose answers are downloads

_MOST_DAYS = 3660
_LARGEST_ID = 2**63 - 1


class Observer:
    """Counts each request. It is told when the answer is out, and takes a few microseconds."""

    def __init__(self, state: State) -> None:
        self._metrics = state.metrics
        self._downloads = state.downloads

    def __call__(self, exchange: Exchange, status: int, seconds: float) -> None:
        """Count one request, and the download that it may have been."""
        method = exchange.method
        self._metrics.request(exchange.route, method, status, seconds)
        if exchange.route == FILE_ROUTE and status in (200, 206) and method == "GET":
            self._count_download(exchange, status)

    def _count_download(self, exchange: Exchange, status: int) -> None:
        file_name = exchange.parameters["file_name"]
        if not is_file_name(file_name):  # metadata, provenance
            return
        headers = dict(exchange.answer_headers)
        # A client that goes on with a file, or looks into it, has not begun another download.
        if status == 206 and not headers.get(b"content-range", b"").startswith(b"bytes 0-"):
            return
        size = int(headers.get(b"content-length", b"0"))
        self._metrics.download(size)
        agent = exchange.header(b"user-agent")
        self._downloads.count(exchange.parameters["project"], file_name, agent, size)


class Logins:
    """Counts logins, and has those that failed in the audit trail."""

    def __init__(self, state: State) -> None:
        self._metrics = state.metrics
        self._audit = state.audit
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="audit")

    def close(self) -> None:
        """Return when all that was noted is written."""
        self._writer.shutdown()

    def __call__(self, exchange: Exchange, outcome: LoginOutcome, name: str | None) -> None:
        """Take note of one login; *name* is the one that was tried."""
        self._metrics.login(outcome)
        if outcome == "wrong":  # Those that were not even looked at could fill the disk.
            if name is not None and looks_like_token(name):
                name = None  # It was put where a user's name belongs, and may be a good one.
            event = Event("login-failed", name, exchange.address, detail=exchange.route)
            self._writer.submit(self._audit.record, event)


class Statistics:
    """Answers with the audit trail and the downloads."""

    def __init__(self, state: State, store: Store, gate: Gate) -> None:
        self._state = state
        self._store = store
        self._gate = gate

    def routes(self) -> list[Route]:
        """Return the routes of both."""
        return [
            Route("GET", "/api/v1/audit", self.audit, "api-audit"),
            Route("GET", "/api/v1/downloads/{project}", self.downloads, "api-downloads"),
        ]

    async def audit(self, exchange: Exchange) -> Answer:
        """Answer with entries of the audit trail, the newest first, and where to go on."""
        project = await admit_to_audit(self._gate, exchange, exchange.query("project"))
        limit = _number(exchange, "limit", default=100, most=MOST)
        before = _number(exchange, "before", default=_LARGEST_ID, most=_LARGEST_ID)
        found = await asyncio.to_thread(
            self._state.audit.entries,
            limit,
            before,
            project=project,
            user=exchange.query("user") or None,
            action=_one_of(exchange, "action", ACTIONS),
        )
        more = found[-1].id if len(found) == limit else None
        return json_answer({"entries": [asdict(entry) for entry in found], "before": more})

    async def downloads(self, exchange: Exchange) -> Answer:
        """Answer with the downloads of a project."""
        named = exchange.parameters["project"]
        project = await self._gate.admit_to(exchange, Action.READ, named)
        if not await asyncio.to_thread(self._store.exists, project):
            raise no_such_project(project)
        days = _number(exchange, "days", default=30, most=_MOST_DAYS)
        by: Dimension = _one_of(exchange, "by", DIMENSIONS) or "day"  # type: ignore[assignment]
        counts = await asyncio.to_thread(self._state.downloads.by, project, by, days)
        return json_answer(
            {
                "project": project,
                "days": days,
                "by": by,
                "total": sum(count.downloads for count in counts),
                "downloads": [
                    {by: count.name, "downloads": count.downloads, "bytes": count.size}
                    for count in counts
                ],
            }
        )


async def admit_to_audit(gate: Gate, exchange: Exchange, named: str | None) -> str | None:
    """Return the project, as PEP 503 spells it, whose audit trail the request may read.

    That is the one *named*; ``None``, for no name, stands for the whole trail. An admin of some
    projects is not told of others, nor of logins. Raises as `Gate.admit_to`.
    """
    if named:
        return await gate.admit_to(exchange, Action.AUDIT, named)
    await gate.admit(exchange, Action.AUDIT)
    user = exchange.user
    if not (user and user.knows_all and "*" in user.publishes):
        raise Forbidden("Your rights end at some projects; ask for the trail of one of them.")
    return None


def _number(exchange: Exchange, name: str, *, default: int, most: int) -> int:
    text = exchange.query(name)
    if not text:
        return default
    if text.isascii() and text.isdigit() and len(text) < 20 and 1 <= int(text) <= most:
        return int(text)
    raise BadRequest(f"{name}={text[:40]!a} is not a number from 1 to {most}.")


def _one_of(exchange: Exchange, name: str, words: Sequence[str]) -> str | None:
    text = exchange.query(name)
    if text and text not in words:
        raise BadRequest(f"{name}={text[:40]!a} is none of {', '.join(words)}.")
    return text or None
