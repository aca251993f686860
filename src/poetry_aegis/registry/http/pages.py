"""Serves the rendered pages, from memory while their files stay the same."""

from __future__ import annotations

import asyncio
import hashlib
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from poetry_aegis.registry.bounded import Bounded
from poetry_aegis.registry.errors import NotAcceptable, NotFound
from poetry_aegis.registry.http.exchange import Answer, Exchange
from poetry_aegis.registry.http.gate import no_such_project
from poetry_aegis.registry.http.negotiation import Format, negotiate, takes_gzip
from poetry_aegis.registry.http.routing import Route
from poetry_aegis.registry.people.identity import Action
from poetry_aegis.registry.store.listing import parse_project_list
from poetry_aegis.registry.store.pages import (
    GZIP_SUFFIX,
    JSON_PAGE,
    list_document,
    render_json,
    render_list_html,
)

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from poetry_aegis.registry.http.gate import Gate
    from poetry_aegis.registry.http.upstream import Upstream
    from poetry_aegis.registry.store.store import Store

    _ListKey = tuple[tuple[str, ...], tuple[str, ...], Format]

_MOST_CACHED = 24 * 1024 * 1024  # bytes
_MOST_LISTS = 4 * 1024 * 1024  # bytes
_ENTRY = 512  # bytes of a cached file beside its content
_NO_LIST = "The project list is missing."
_VARY = (b"vary", b"Accept, Accept-Encoding")
# The page may be kept, and asked about each time: an upload is seen at once.
_REVALIDATE = (b"cache-control", b"no-cache")


@dataclass(frozen=True)
class CachedFile:
    """A small file in memory, with what tells whether it is still the one on disk."""

    signature: tuple[int, int, int]
    body: bytes
    etag: bytes
    length: bytes = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "length", str(len(self.body)).encode())

    @property
    def weight(self) -> int:
        """How much memory it takes, in bytes."""
        return len(self.body) + _ENTRY

    @classmethod
    def of(cls, body: bytes, signature: tuple[int, int, int] = (0, 0, 0)) -> CachedFile:
        """Return *body* with its entity tag."""
        return cls(signature, body, f'"{hashlib.sha256(body).hexdigest()[:32]}"'.encode())


class FileCache:
    """Small files in memory, each checked against the disk by one stat; one cache for all rooms."""

    def __init__(self, most: int = _MOST_CACHED) -> None:
        self._files: Bounded[str, CachedFile] = Bounded(most)

    def get(self, path: str) -> CachedFile | None:
        """Return the file, ``None`` where there is none."""
        try:
            if (cached := self._files.get(path)) and cached.signature == _signature(os.stat(path)):  # noqa: PTH116 -- no Path is made on the hot way
                return cached
            with open(path, "rb") as stream:  # noqa: PTH123 -- the same
                signature = _signature(os.fstat(stream.fileno()))
                body = stream.read()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        file = CachedFile.of(body, signature)
        return self._files.put(path, file, file.weight)


class Pages:
    """The project list and the project pages."""

    def __init__(self, store: Store, gate: Gate, upstream: Upstream, files: FileCache) -> None:
        self._root = str(store.data.simple)
        self._store = store
        self._gate = gate
        self._upstream = upstream
        self._files = files
        self._lists: Bounded[_ListKey, CachedFile] = Bounded(_MOST_LISTS)

    def routes(self) -> list[Route]:
        """Return the routes of the simple API."""
        return [
            Route("GET", "/simple/{project}/", self.project, "project"),
            Route("GET", "/simple/{project}", self.project, "project"),
            Route("GET", "/simple/", self.project_list, "projects"),
            Route("GET", "/simple", self.project_list, "projects"),
        ]

    async def project_list(self, exchange: Exchange) -> Answer:
        """Answer ``/simple/``."""
        await self._gate.admit(exchange, Action.READ)
        if not exchange.path.endswith("/"):
            return _moved(exchange, "simple/")
        if not self._store.project_list.is_settled:
            await asyncio.to_thread(self._store.project_list.settle)
        if not self._gate.knows_all(exchange):
            return await asyncio.to_thread(self._known_projects, exchange)
        page = self._page(exchange, self._root)
        if page is None:
            raise NotFound(_NO_LIST)
        return page

    async def project(self, exchange: Exchange) -> ASGIApp:
        """Answer ``/simple/<name>/``, or send to where it is spelled so."""
        bare = exchange.parameters["project"]
        project = await self._gate.admit_to(exchange, Action.READ, bare)
        has_slash = exchange.path.endswith("/")
        if project != bare:
            return _moved(exchange, f"{'../' if has_slash else ''}{project}/")
        if not has_slash:
            return _moved(exchange, f"{project}/")
        page = self._page(exchange, f"{self._root}/{project}")
        if page is not None:
            return page
        outside = await self._upstream.page(exchange, project)
        if outside is None:
            raise no_such_project(project)
        return outside

    def _known_projects(self, exchange: Exchange) -> Answer:
        """Answer with the list of those projects that the user may know of."""
        accepted = accepted_format(exchange)
        every = self._files.get(f"{self._root}/{JSON_PAGE}")
        user = exchange.user
        if every is None or user is None:  # Who is nobody knows all, or was not let in.
            raise NotFound(_NO_LIST)
        # Users have the same list where they have the same rights.
        key = (user.reads, user.scope.projects, accepted)
        known = self._lists.get(key)
        if known is None or known.signature != every.signature:
            names = list(filter(user.knows, parse_project_list(every.body)))
            body = (
                render_json(list_document(names))
                if accepted is Format.JSON_V1
                else render_list_html(names)
            )
            known = CachedFile.of(body, every.signature)
            self._lists.put(key, known, known.weight)
        headers = [(b"content-type", accepted.content_type), _VARY, _REVALIDATE]
        return cached_answer(exchange, known, headers)

    def _page(self, exchange: Exchange, folder: str) -> Answer | None:
        """Return the answer with the page in *folder*, ``None`` where there is none."""
        accepted = accepted_format(exchange)
        path = f"{folder}/{accepted.page}"
        headers = [(b"content-type", accepted.content_type), _VARY, _REVALIDATE]
        page = None
        if takes_gzip(exchange.header(b"accept-encoding")):
            page = self._files.get(path + GZIP_SUFFIX)
            if page is not None:
                headers.append((b"content-encoding", b"gzip"))
        page = page or self._files.get(path)
        return cached_answer(exchange, page, headers) if page else None


def accepted_format(exchange: Exchange) -> Format:
    """Return the format that the client takes. Raises `NotAcceptable`."""
    accepted = negotiate(exchange.header(b"accept"), exchange.query("format"))
    if accepted is None:
        formats = ", ".join(form.media_type for form in Format)
        raise NotAcceptable(f"This page comes only as {formats}.")
    return accepted


def cached_answer(
    exchange: Exchange, file: CachedFile, headers: list[tuple[bytes, bytes]]
) -> Answer:
    """Return the file, or 304 for a client that has it (RFC 9110)."""
    headers += ((b"etag", file.etag), (b"x-content-type-options", b"nosniff"))
    if is_known(exchange, file.etag):
        return Answer(304, headers)
    headers.append((b"content-length", file.length))
    return Answer(200, headers, file.body)


def is_known(exchange: Exchange, etag: bytes) -> bool:
    """Tell whether the client says that it has what *etag* names."""
    known = exchange.headers.get(b"if-none-match")
    if known is None:
        return False
    tags = {tag.strip().removeprefix(b"W/") for tag in known.split(b",")}
    return etag in tags or b"*" in tags


def _moved(exchange: Exchange, location: str) -> Answer:
    """Return a redirect, relative so that it holds behind a proxy's prefix."""
    query = exchange.scope["query_string"]
    target = location.encode() + (b"?" + query if query else b"")
    return Answer(301, [(b"location", target), (b"content-length", b"0")])


def _signature(found: os.stat_result) -> tuple[int, int, int]:
    return (found.st_ino, found.st_size, found.st_mtime_ns)
