"""Serves distributions, and the core metadata beside them."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, cast

from starlette.responses import FileResponse

from poetry_aegis.registry.errors import BadRange, NotFound
from poetry_aegis.registry.http.exchange import Answer
from poetry_aegis.registry.http.pages import FileCache, cached_answer, is_known
from poetry_aegis.registry.http.routing import Route
from poetry_aegis.registry.names import METADATA_SUFFIX, is_file_name, is_normalized
from poetry_aegis.registry.people.identity import Action

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from poetry_aegis.registry.data import DataDirectory
    from poetry_aegis.registry.http.exchange import Exchange
    from poetry_aegis.registry.http.gate import Gate


class Files:
    """What is under ``/packages/``."""

    def __init__(self, data: DataDirectory, gate: Gate) -> None:
        self._root = str(data.packages)
        self._gate = gate
        self._metadata = FileCache()
        audience = "public" if gate.anonymous_read else "private"
        # Kept, but asked for each time: an admin may overwrite a file.
        self._cache_control = f"{audience}, no-cache"

    def routes(self) -> list[Route]:
        """Return the one route of files."""
        return [Route("GET", "/packages/{project}/{file_name}", self.serve, "file")]

    async def serve(self, exchange: Exchange) -> ASGIApp:
        """Answer ``/packages/<project>/<file>`` and ``….metadata``."""
        await self._gate.admit(exchange, Action.READ)
        project, file_name = exchange.parameters["project"], exchange.parameters["file_name"]
        distribution = file_name.removesuffix(METADATA_SUFFIX)
        # Nothing but these two shapes ever reaches the disk.
        if not (is_normalized(project) and is_file_name(distribution)):
            raise _no_such_file()
        path = f"{self._root}/{project}/{file_name}"
        if distribution != file_name:
            return self._core_metadata(exchange, path)
        return self._distribution(exchange, path)

    def _core_metadata(self, exchange: Exchange, path: str) -> Answer:
        file = self._metadata.get(path)
        if file is None:
            raise _no_such_file()
        headers = [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"cache-control", self._cache_control.encode()),
        ]
        return cached_answer(exchange, file, headers)

    def _distribution(self, exchange: Exchange, path: str) -> ASGIApp:
        try:
            found = os.stat(path)  # noqa: PTH116 -- no Path is made on the hot way
        except (FileNotFoundError, NotADirectoryError):
            raise _no_such_file() from None
        if not stat.S_ISREG(found.st_mode):
            raise _no_such_file()
        headers = {
            "cache-control": self._cache_control,
            "x-content-type-options": "nosniff",
        }
        response = _Distribution(
            path, stat_result=found, headers=headers, media_type="application/octet-stream"
        )
        etag = response.headers["etag"].encode()
        if is_known(exchange, etag):
            return Answer(304, [(b"etag", etag), (b"cache-control", self._cache_control.encode())])
        return cast("ASGIApp", response)


class _MalformedRange(Exception):
    """A ``Range`` in another unit than bytes, or in none."""


class _Distribution(FileResponse):
    """A file in large pieces. A malformed range of it is the whole (RFC 9110, section 14.2)."""

    chunk_size = 256 * 1024

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_unless_refused(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 416:
                raise BadRange(int(self.headers["content-length"]))
            if message["type"] == "http.response.start" and message["status"] == 400:
                raise _MalformedRange
            await send(message)

        try:
            await super().__call__(scope, receive, send_unless_refused)
        except _MalformedRange:
            headers = [header for header in scope["headers"] if header[0] != b"range"]
            await super().__call__({**scope, "headers": headers}, receive, send)


def _no_such_file() -> NotFound:
    return NotFound("There is no such file in this index.")
