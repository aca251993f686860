"""Serves distributions, and the core metadata beside them."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, cast

from starlette.responses import FileResponse

from poetry_aegis.registry.data import WITHHELD
from poetry_aegis.registry.errors import BadRange, NotFound
from poetry_aegis.registry.http.exchange import Answer
from poetry_aegis.registry.http.pages import cached_answer, is_known
from poetry_aegis.registry.http.routing import Route
from poetry_aegis.registry.names import (
    METADATA_SUFFIX,
    PROVENANCE_SUFFIX,
    is_file_name,
)
from poetry_aegis.registry.people.identity import Action

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from poetry_aegis.registry.data import DataDirectory
    from poetry_aegis.registry.http.exchange import Exchange
    from poetry_aegis.registry.http.gate import Gate
    from poetry_aegis.registry.http.pages import FileCache


_BESIDE = {
    METADATA_SUFFIX: b"text/plain; charset=utf-8",
    PROVENANCE_SUFFIX: b"application/json",
}


class Files:
    """What is under ``/packages/``."""

    def __init__(
        self, data: DataDirectory, gate: Gate, files: FileCache, *, immutable: bool
    ) -> None:
        """Serve *data*'s files, which clients may keep for good where they are *immutable*."""
        self._root = str(data.packages)
        self._pages = str(data.simple)
        self._gate = gate
        self._small = files
        audience = "public" if gate.anonymous_read else "private"
        self._asked_for = f"{audience}, no-cache".encode()
        # A file that an admin may overwrite is kept, too, and asked for each time.
        lifetime = "max-age=31536000, immutable" if immutable else "no-cache"
        self._cache_control = f"{audience}, {lifetime}"

    def routes(self) -> list[Route]:
        """Return the one route of files."""
        return [Route("GET", "/packages/{project}/{file_name}", self.serve, "file")]

    async def serve(self, exchange: Exchange) -> ASGIApp:
        """Answer ``/packages/<project>/<file>``, ``….metadata`` and ``….provenance``."""
        named, file_name = exchange.parameters["project"], exchange.parameters["file_name"]
        project = await self._gate.admit_to(exchange, Action.READ, named)
        bare, dot, kind = file_name.rpartition(".")
        media_type = _BESIDE.get(dot + kind)
        # Nothing but these three shapes ever reaches the disk.
        if project != named or not is_file_name(file_name if media_type is None else bare):
            raise _no_such_file()
        if os.path.exists(f"{self._pages}/{project}/{WITHHELD}"):  # noqa: PTH110 -- the hot way
            raise NotFound(f"The project {project} is quarantined; its files are not served.")
        path = f"{self._root}/{project}/{file_name}"
        if media_type is not None:
            return self._beside(exchange, path, media_type)
        return distribution_answer(exchange, path, self._cache_control)

    def _beside(self, exchange: Exchange, path: str, media_type: bytes) -> Answer:
        """Answer with what is said of a distribution; it may yet change, so it is asked for."""
        file = self._small.get(path)
        if file is None:
            raise _no_such_file()
        headers = [(b"content-type", media_type), (b"cache-control", self._asked_for)]
        return cached_answer(exchange, file, headers)


def distribution_answer(exchange: Exchange, path: str, cache_control: str) -> ASGIApp:
    """Return the answer with the file at *path*, or a range of it. Raises `NotFound`."""
    try:
        found = os.stat(path)  # noqa: PTH116 -- no Path is made on the hot way
    except (FileNotFoundError, NotADirectoryError):
        raise _no_such_file() from None
    if not stat.S_ISREG(found.st_mode):
        raise _no_such_file()
    headers = {"cache-control": cache_control, "x-content-type-options": "nosniff"}
    response = _Distribution(
        path, stat_result=found, headers=headers, media_type="application/octet-stream"
    )
    etag = response.headers["etag"].encode()
    if is_known(exchange, etag):
        return Answer(304, [(b"etag", etag), (b"cache-control", cache_control.encode())])
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
