"""The pages for people, under the rules that reads have."""

from __future__ import annotations

import asyncio
import hashlib
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, ParamSpec
from urllib.parse import parse_qsl, quote

from poetry_aegis.registry.errors import HttpError, NotFound
from poetry_aegis.registry.http.exchange import Answer, Exchange
from poetry_aegis.registry.http.pages import is_known
from poetry_aegis.registry.http.routing import Route
from poetry_aegis.registry.http.statistics import admit_to_audit
from poetry_aegis.registry.people.identity import Action
from poetry_aegis.registry.web.rendering import Visit, rendered, static_files

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import ASGIApp

    from poetry_aegis.registry.http.gate import Gate
    from poetry_aegis.registry.http.proxies import Proxies
    from poetry_aegis.registry.web.views import Views

    Handler = Callable[[Exchange], Awaitable[ASGIApp]]

P = ParamSpec("P")

_WORKERS = 4
_LONGEST_QUERY = 2_000  # bytes
_MOST_FIELDS = 10

_POLICY = (
    b"default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    b"base-uri 'none'; frame-ancestors 'none'"
)
_SECURITY = (
    (b"content-security-policy", _POLICY),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_PRIVATE = ((b"cache-control", b"private, no-cache"), (b"vary", b"Accept, Authorization"))
_FOR_GOOD = ((b"cache-control", b"public, max-age=31536000, immutable"),)


class Web:
    """Search, projects and the audit trail.

    ``/`` is a page only for browsers; *greet* answers all others, as nothing there is secret.
    """

    def __init__(self, views: Views, gate: Gate, proxies: Proxies, greet: Handler) -> None:
        self._views = views
        self._gate = gate
        self._proxies = proxies
        self._greet = greet
        # Of its own, so that a description that is long to render holds up no uploads.
        self._workers = ThreadPoolExecutor(_WORKERS, thread_name_prefix="web")

    def close(self) -> None:
        """Return when the last page is made."""
        self._workers.shutdown(cancel_futures=True)

    def routes(self) -> list[Route]:
        """Return the routes of pages and of what they load."""
        return [
            Route("GET", "/", self.home, "home"),
            Route("GET", "/project/{project}", self.project, "web-project"),
            Route("GET", "/project/{project}/", self.project, "web-project"),
            Route("GET", "/project/{project}/{version}", self.project, "web-project"),
            Route("GET", "/project/{project}/{version}/", self.project, "web-project"),
            Route("GET", "/audit", self.audit, "web-audit"),
            Route("GET", "/static/{file}", self.static, "static"),
        ]

    async def home(self, exchange: Exchange) -> ASGIApp:
        """Answer ``/`` with the search."""
        if not _is_browser(exchange):
            return await self._greet(exchange)
        return await self._page(exchange, self._search)

    async def project(self, exchange: Exchange) -> ASGIApp:
        """Answer ``/project/<name>/`` and ``/project/<name>/<version>/``."""
        return await self._page(exchange, self._project)

    async def audit(self, exchange: Exchange) -> ASGIApp:
        """Answer ``/audit``."""
        return await self._page(exchange, self._audit)

    async def static(self, exchange: Exchange) -> Answer:
        """Answer what pages load, which tells nothing and so needs no user."""
        file = static_files().get(exchange.parameters["file"])
        if file is None:
            raise NotFound("There is no such file.")
        headers = ((b"content-type", file.media_type.encode()), *_FOR_GOOD)
        return _answer(exchange, HTTPStatus.OK, file.content, headers)

    async def _search(self, exchange: Exchange) -> Answer:
        await self._gate.admit(exchange, Action.READ)
        form = _form(exchange)
        visit = self._visit(exchange, form.get("q", ""))
        knows = self._knows(exchange)
        return await self._made(exchange, self._views.search, visit, form.get("page", ""), knows)

    async def _project(self, exchange: Exchange) -> Answer:
        name, version = exchange.parameters["project"], exchange.parameters.get("version")
        project = await self._gate.admit_to(exchange, Action.READ, name)
        if not (project == name and exchange.path.endswith("/")):
            return _moved(exchange, project, version)
        knows = partial(self._gate.knows, exchange)
        visit = self._visit(exchange)
        return await self._made(exchange, self._views.project, visit, project, version, knows)

    async def _audit(self, exchange: Exchange) -> Answer:
        form = _form(exchange)
        project = await admit_to_audit(self._gate, exchange, form.get("project"))
        visit = self._visit(exchange)
        return await self._made(exchange, self._views.audit, visit, project, form)

    async def _made(
        self, exchange: Exchange, make: Callable[P, bytes], *arguments: P.args, **more: P.kwargs
    ) -> Answer:
        """Return the page that *make* makes, in a thread: it reads, renders and may wait."""
        work = partial(make, *arguments, **more)
        body = await asyncio.get_running_loop().run_in_executor(self._workers, work)
        return _html(exchange, body)

    async def _page(
        self, exchange: Exchange, answer: Callable[[Exchange], Awaitable[Answer]]
    ) -> ASGIApp:
        """Return the page, or one that tells a browser why there is none."""
        try:
            return await answer(exchange)
        except HttpError as error:
            if not _is_browser(exchange):
                raise
            title = HTTPStatus(error.status).phrase
            body = rendered("error.html", self._visit(exchange), title=title, error=str(error))
            return _html(exchange, body, error.status, tuple(error.headers))

    def _visit(self, exchange: Exchange, query: str = "") -> Visit:
        return Visit(
            root="../" * (exchange.path.count("/") - 1) or "./",
            base_url=self._proxies.base_url(exchange),
            user=exchange.user.name if exchange.user else None,
            may_audit=self._gate.may(exchange, Action.AUDIT),
            query=query,
        )

    def _knows(self, exchange: Exchange) -> Callable[[str], bool] | None:
        return None if self._gate.knows_all(exchange) else partial(self._gate.knows, exchange)


def _is_browser(exchange: Exchange) -> bool:
    return "text/html" in exchange.header(b"accept")


def _form(exchange: Exchange) -> dict[str, str]:
    """Return what a form of ours sent, nothing where it is not one of ours."""
    query = exchange.scope["query_string"][:_LONGEST_QUERY].decode("latin-1")
    try:
        fields = parse_qsl(query, max_num_fields=_MOST_FIELDS)
    except ValueError:
        return {}
    return {key: value.strip() for key, value in fields if value.strip()}


def _html(
    exchange: Exchange, body: bytes, status: int = 200, more: tuple[tuple[bytes, bytes], ...] = ()
) -> Answer:
    headers = ((b"content-type", b"text/html; charset=utf-8"), *_PRIVATE, *more)
    return _answer(exchange, status, body, headers)


def _answer(
    exchange: Exchange, status: int, body: bytes, headers: tuple[tuple[bytes, bytes], ...]
) -> Answer:
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'.encode()
    every = [*headers, *_SECURITY, (b"etag", etag)]
    if status == HTTPStatus.OK and is_known(exchange, etag):
        return Answer(304, every)
    return Answer(status, [*every, (b"content-length", str(len(body)).encode())], body)


def _moved(exchange: Exchange, project: str, version: str | None) -> Answer:
    """Return a redirect to the page's one address, relative so that it holds behind a prefix."""
    up = "../" * (exchange.path.count("/") - 2)
    segment = f"{quote(version, safe='')}/" if version else ""
    location = f"{up}{project}/{segment}".encode()
    return Answer(301, [(b"location", location), (b"content-length", b"0")])
