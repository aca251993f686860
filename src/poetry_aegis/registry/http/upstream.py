"""Shows the projects of another index where this one has none of the name."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from poetry_aegis.registry.errors import NotFound, UpstreamFailed
from poetry_aegis.registry.http.exchange import Answer
from poetry_aegis.registry.http.files import distribution_answer
from poetry_aegis.registry.http.negotiation import Format, takes_gzip
from poetry_aegis.registry.http.pages import CachedFile, accepted_format, cached_answer
from poetry_aegis.registry.http.routing import Route
from poetry_aegis.registry.names import METADATA_SUFFIX, is_file_name, is_normalized
from poetry_aegis.registry.people.identity import Action
from poetry_aegis.registry.space import require_space
from poetry_aegis.registry.upstream.client import UpstreamClient
from poetry_aegis.registry.upstream.files import UpstreamFiles
from poetry_aegis.registry.upstream.index import UpstreamIndex
from poetry_aegis.registry.upstream.policy import Policy, may_look_outside
from poetry_aegis.registry.upstream.records import Records
from poetry_aegis.registry.upstream.threads import in_thread
from poetry_aegis.registry.version import version

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Receive, Scope, Send

    from poetry_aegis.registry.http.exchange import Exchange
    from poetry_aegis.registry.http.gate import Gate
    from poetry_aegis.registry.options import RegistrySettings
    from poetry_aegis.registry.store.store import Store
    from poetry_aegis.registry.upstream.files import Download
    from poetry_aegis.registry.upstream.pages import UpstreamFile


class Upstream:
    """The projects of another index, if there is one, and what is under ``/upstream/``.

    *failed* is told the kind of each failure of that index, *looked_up* of each page or file that
    was asked for whether it was here already.
    """

    def __init__(
        self,
        store: Store,
        gate: Gate,
        settings: RegistrySettings,
        *,
        failed: Callable[[str], None],
        looked_up: Callable[[bool], None],
    ) -> None:
        self._store = store
        self._gate = gate
        self._policy = Policy.of(settings)
        self._looked_up = looked_up
        self._client = UpstreamClient(settings.upstream, version(), failed)
        folder = store.data.upstream
        require_room = partial(require_space, store.data.root, settings.minimum_free_bytes)
        self._index = UpstreamIndex(
            self._client,
            Records(folder, self._client.index, require_room),
            self._policy,
            settings.upstream.fresh,
            looked_up,
        )
        self._files = UpstreamFiles(
            self._client, folder, store.incoming, settings.max_upload_bytes, require_room
        )
        audience = "public" if gate.anonymous_read else "private"
        # An index that gives out other bytes under a name breaks each lock file that has it.
        self._cache_control = f"{audience}, max-age=31536000, immutable"

    def routes(self) -> list[Route]:
        """Return the one route of files."""
        return [Route("GET", "/upstream/{project}/{file_name}", self.serve, "upstream-file")]

    async def page(self, exchange: Exchange, project: str) -> ASGIApp | None:
        """Return the answer with *project*'s page, ``None`` where there is none outside either.

        The request is one that may read it. Raises `UpstreamFailed`.
        """
        if not self._is_outside(project):
            return None
        shown = await exchange.unless_gone(self._index.page(project))
        # It may have been uploaded here since.
        if shown is None or not self._is_outside(project):
            return None
        accepted = accepted_format(exchange)
        headers = [
            (b"content-type", accepted.content_type),
            (b"vary", b"Accept, Accept-Encoding"),
            (b"cache-control", b"no-cache"),
            # The status on it is of the project there; one of that name may be uploaded here.
            (b"aegis-shown-from", b"upstream"),
        ]
        zipped = takes_gzip(exchange.header(b"accept-encoding"))
        if zipped:
            headers.append((b"content-encoding", b"gzip"))
        as_json = accepted is Format.JSON_V1
        rendering = in_thread(shown.rendered, as_json=as_json, zipped=zipped)
        return cached_answer(exchange, CachedFile.of(await rendering), headers)

    async def serve(self, exchange: Exchange) -> ASGIApp:
        """Answer ``/upstream/<project>/<file>`` and ``….metadata``."""
        project, file_name = exchange.parameters["project"], exchange.parameters["file_name"]
        is_plain = is_normalized(project)
        await self._gate.admit(exchange, Action.READ, project if is_plain else None)
        distribution = file_name.removesuffix(METADATA_SUFFIX)
        if not (is_plain and is_file_name(distribution) and self._is_outside(project)):
            raise _no_such_file()
        file = await exchange.unless_gone(self._index.file(project, distribution))
        if file is None or not self._is_outside(project):
            raise _no_such_file()
        if distribution != file_name:
            return await self._core_metadata(exchange, project, file)
        return await self._distribution(exchange, project, file)

    def _is_outside(self, project: str) -> bool:
        """Tell whether *project* may be shown from outside, whether or not it is there.

        A folder of files keeps its name to itself even before they are indexed.
        """
        files = self._store.data.project_files(project)
        is_here = self._store.exists(project) or files.exists()
        return may_look_outside(project, self._policy, is_here=is_here)

    async def _core_metadata(self, exchange: Exchange, project: str, file: UpstreamFile) -> Answer:
        sha256 = file.metadata_sha256
        if sha256 is None:
            raise _no_such_file()
        metadata = self._files.core_metadata(project, file, sha256)
        try:
            body = await exchange.unless_gone(metadata)
        except UpstreamFailed as error:
            # Installers take them from the file then; at a 502 they would stop.
            raise _no_such_file() from error
        headers = [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"cache-control", self._cache_control.encode()),
        ]
        return cached_answer(exchange, CachedFile.of(body), headers)

    async def _distribution(self, exchange: Exchange, project: str, file: UpstreamFile) -> ASGIApp:
        path = self._files.path(project, file.sha256)
        is_kept = path.is_file()
        self._looked_up(is_kept)
        if not is_kept:
            if exchange.method == "HEAD":
                return Answer(200, self._file_headers(file.size))
            download = self._files.download(project, file)
            await exchange.unless_gone(download.begun())
            if not path.is_file():
                return self._passing_on(exchange, download)
        return distribution_answer(exchange, str(path), self._cache_control)

    def _passing_on(self, exchange: Exchange, download: Download) -> ASGIApp:
        """Return the answer with a file that is still on its way; all of it, whatever the range."""
        headers = self._file_headers(download.size)

        async def send_pieces(send: Send) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            async for piece in download.pieces():
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body"})

        async def pass_on(_scope: Scope, _receive: Receive, send: Send) -> None:
            await exchange.unless_gone(send_pieces(send))

        return pass_on

    def _file_headers(self, size: int | None) -> list[tuple[bytes, bytes]]:
        headers = [
            (b"content-type", b"application/octet-stream"),
            (b"cache-control", self._cache_control.encode()),
            (b"x-content-type-options", b"nosniff"),
        ]
        return headers if size is None else [*headers, (b"content-length", str(size).encode())]


def _no_such_file() -> NotFound:
    return NotFound("There is no such file in this index.")
