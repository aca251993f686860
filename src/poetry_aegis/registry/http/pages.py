"""Serves the rendered pages, from memory while their files stay the same."""

from __future__ import annotations

import asyncio
import hashlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from poetry_aegis.registry.errors import NotAcceptable, NotFound
from poetry_aegis.registry.http.exchange import Answer, Exchange
from poetry_aegis.registry.http.negotiation import Format, negotiate, takes_gzip
from poetry_aegis.registry.http.routing import Route
from poetry_aegis.registry.names import is_normalized, is_project_name, normalized
from poetry_aegis.registry.people.identity import Action
from poetry_aegis.registry.store.pages import (
    GZIP_SUFFIX,
    list_document,
    render_json,
    render_list_html,
)

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from poetry_aegis.registry.http.gate import Gate
    from poetry_aegis.registry.http.upstream import Upstream
    from poetry_aegis.registry.store.store import Store

_MOST_CACHED = 32 * 1024 * 1024  # bytes
_VARY = (b"vary", b"Accept, Accept-Encoding")
# The page may be kept, and asked about each time: an upload is seen at once.
_REVALIDATE = (b"cache-control", b"no-cache")


@dataclass(frozen=True)
class CachedFile:
    """A small file in memory, with what tells whether it is still the one on disk."""

    signature: tuple[int, int, int]
    body: bytes
    etag: bytes

    @classmethod
    def of(cls, body: bytes, signature: tuple[int, int, int] = (0, 0, 0)) -> CachedFile:
        """Return *body* with its entity tag."""
        return cls(signature, body, f'"{hashlib.sha256(body).hexdigest()[:32]}"'.encode())


class FileCache:
    """Small files in memory, each checked against the disk by one stat."""

    def __init__(self, most: int = _MOST_CACHED) -> None:
        self._most = most
        self._size = 0
        self._files: dict[str, CachedFile] = {}

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
        return self._keep(path, CachedFile.of(body, signature))

    def _keep(self, path: str, file: CachedFile) -> CachedFile:
        replaced = self._files.pop(path, None)
        self._size += len(file.body) - (len(replaced.body) if replaced else 0)
        self._files[path] = file
        while self._size > self._most:
            self._size -= len(self._files.pop(next(iter(self._files))).body)
        return file


class Pages:
    """The project list and the project pages."""

    def __init__(self, store: Store, gate: Gate, upstream: Upstream) -> None:
        self._root = str(store.data.simple)
        self._store = store
        self._gate = gate
        self._upstream = upstream
        self._cache = FileCache()

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
        return self._page(exchange, self._root, "The project list is missing.")

    async def project(self, exchange: Exchange) -> ASGIApp:
        """Answer ``/simple/<name>/``, or send to where it is spelled so."""
        bare = exchange.parameters["project"]
        has_slash = exchange.path.endswith("/")
        is_plain = is_normalized(bare)
        await self._gate.admit(exchange, Action.READ, bare if is_plain else None)
        if not is_project_name(bare):
            raise NotFound("There is no such project in this index.")
        if not is_plain:
            up = "../" if has_slash else ""
            return _moved(exchange, f"{up}{normalized(bare)}/")
        if not has_slash:
            return _moved(exchange, f"{bare}/")
        missing = f"There is no project {bare} in this index."
        try:
            return self._page(exchange, f"{self._root}/{bare}", missing)
        except NotFound:
            answer = await self._upstream.page(exchange, bare)
            if answer is None:
                raise
            return answer

    def _known_projects(self, exchange: Exchange) -> Answer:
        """Answer with the list of those projects that the user may know of."""
        accepted = accepted_format(exchange)
        names = [name for name in self._store.projects() if self._gate.knows(exchange, name)]
        if accepted is Format.JSON_V1:
            body = render_json(list_document(names))
        else:
            body = render_list_html(names)
        headers = [(b"content-type", accepted.content_type), _VARY, _REVALIDATE]
        return cached_answer(exchange, CachedFile.of(body), headers)

    def _page(self, exchange: Exchange, folder: str, missing: str) -> Answer:
        accepted = accepted_format(exchange)
        path = f"{folder}/{accepted.page}"
        headers = [(b"content-type", accepted.content_type), _VARY, _REVALIDATE]
        page = None
        if takes_gzip(exchange.header(b"accept-encoding")):
            page = self._cache.get(path + GZIP_SUFFIX)
            if page is not None:
                headers.append((b"content-encoding", b"gzip"))
        page = page or self._cache.get(path)
        if page is None:
            raise NotFound(missing)
        return cached_answer(exchange, page, headers)


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
    headers.append((b"content-length", str(len(file.body)).encode()))
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
