"""The files of another index: kept under their sha256, and checked against it.

``upstream/<project>/<sha256>`` is a whole file, or its core metadata, that was found to have that
digest. A file goes to the clients while it comes, all but its last byte: that one is sent when the
digest is right, so that nobody takes a wrong file for a whole one.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import time
from typing import TYPE_CHECKING

from poetry_aegis.atomic import fsync_directory, make_durable, write_bytes
from poetry_aegis.registry.errors import StoreFull, UpstreamFailed
from poetry_aegis.registry.upstream.batches import batched
from poetry_aegis.registry.upstream.flights import SingleFlight
from poetry_aegis.registry.upstream.threads import in_thread

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractContextManager
    from pathlib import Path
    from typing import IO

    import httpx

    from poetry_aegis.registry.upstream.client import UpstreamClient
    from poetry_aegis.registry.upstream.pages import UpstreamFile

    Incoming = Callable[[], AbstractContextManager[tuple[IO[bytes], Path]]]

logger = logging.getLogger(__name__)

_PIECE = 256 * 1024  # bytes
_HEAD_START = 64 * 1024
_LARGEST_METADATA = 16 * 1024 * 1024
_LONGEST_DOWNLOAD = 4 * 3600.0  # seconds: an index that drips holds a connection no longer


class Download:
    """A file on its way here. Any number of readers have it while it comes.

    *size* is in bytes, ``None`` where upstream does not tell; it is known once `begun` returns.
    """

    def __init__(
        self,
        file: UpstreamFile,
        target: Path,
        largest: int,
        require_space: Callable[[int], None],
    ) -> None:
        self.size = file.size
        self._file = file
        self._path = self._target = target
        self._largest = largest
        self._require_space = require_space
        self._received = 0
        self._is_whole = False
        self._error: Exception | None = None
        self._news = asyncio.Event()
        self._opening = asyncio.Lock()

    async def begun(self) -> None:
        """Return when there is enough to begin with. Raises what the download fails with.

        A small file is whole then: who asks for a wrong one gets an error, and no cut connection.
        """
        while self._received < _HEAD_START and not self._is_whole:
            await self._hear()

    async def pieces(self) -> AsyncIterator[bytes]:
        """Give the file from its beginning. Raises what the download fails with."""
        sent = 0
        while True:
            ready = self._received - (not self._is_whole)
            if sent < ready:
                piece = await self._read(sent, min(_PIECE, ready - sent))
                sent += len(piece)
                yield piece
            elif self._is_whole:
                return
            else:
                await self._hear()

    def give_up(self) -> None:
        """Tell the readers that nothing more will come, because the download was cancelled."""
        self._error = UpstreamFailed("The download from the index behind this one was given up.")
        self._tell()

    async def run(self, client: UpstreamClient, incoming: Incoming) -> None:
        """Fetch the file, check it and put it in place; nothing is left of a wrong one.

        Raises `UpstreamFailed`, `StoreFull` and ``OSError``.
        """
        try:
            async with self._temporary(incoming) as (stream, path):
                self._path = path
                async with client.file(self._file.address) as response:
                    self._check_size(client, response)
                    await in_thread(self._require_space, self.size or 0)
                    digest = await self._receive(client, response, stream)
                if digest != self._file.sha256:
                    raise client.failure("digest", f"{self._file.file_name} is another file")
                await in_thread(make_durable, stream)
                async with self._opening:
                    stream.close()
                    await in_thread(_put_in_place, path, self._target)
                    self._path = self._target
            self._is_whole = True
        finally:
            self._tell()

    @contextlib.asynccontextmanager
    async def _temporary(self, incoming: Incoming) -> AsyncIterator[tuple[IO[bytes], Path]]:
        """Open the temporary file. It is removed when no reader has it open, as Windows asks."""
        with contextlib.ExitStack() as stack:
            try:
                yield stack.enter_context(incoming())
            except asyncio.CancelledError:
                self.give_up()  # Before the file goes: no reader is to look for it then.
                raise
            except Exception as error:
                self._error = error
                raise
            finally:
                async with self._opening:
                    stack.close()

    async def _receive(
        self, client: UpstreamClient, response: httpx.Response, stream: IO[bytes]
    ) -> str:
        """Write the body to *stream* and return its sha256."""
        digest = hashlib.sha256()

        def take(piece: bytes) -> None:
            self._require_space(len(piece))
            digest.update(piece)
            stream.write(piece)
            stream.flush()

        most = self._largest if self.size is None else self.size
        end = time.monotonic() + _LONGEST_DOWNLOAD
        async with contextlib.aclosing(batched(response.aiter_raw(), _PIECE)) as pieces:
            async for piece in pieces:
                if self._received + len(piece) > most:
                    reason = f"{self._file.file_name} has more bytes than it may"
                    raise client.failure("size", reason)
                if time.monotonic() > end:
                    raise client.failure("timeout", f"{self._file.file_name} takes too long")
                await in_thread(take, piece)
                self._received += len(piece)
                self._tell()
        return digest.hexdigest()

    def _check_size(self, client: UpstreamClient, response: httpx.Response) -> None:
        declared = response.headers.get("content-length", "")
        length = int(declared) if declared.isascii() and declared.isdigit() else None
        if self.size is None:
            self.size = length
        if self.size is not None and self.size > self._largest:
            raise client.failure("size", f"{self._file.file_name} is larger than uploads may be")
        if length not in (None, self.size):
            raise client.failure("size", f"{self._file.file_name} has not the size it should")

    async def _read(self, position: int, size: int) -> bytes:
        async with self._opening:
            if self._error is not None:
                raise self._error
            return await in_thread(_read_part, self._path, position, size)

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    async def _hear(self) -> None:
        if self._error is not None:
            raise self._error
        await self._news.wait()


class UpstreamFiles:
    """The files that are kept in *folder*, and those on their way to it.

    *incoming* opens a temporary file on the same disk, *largest* is in bytes, and *require_space*
    raises `StoreFull` where the disk should not take so many bytes more.
    """

    def __init__(
        self,
        client: UpstreamClient,
        folder: Path,
        incoming: Incoming,
        largest: int,
        require_space: Callable[[int], None],
    ) -> None:
        self._client = client
        self._folder = folder
        self._incoming = incoming
        self._largest = largest
        self._require_space = require_space
        self._downloads: dict[Path, Download] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._metadata: SingleFlight[bytes] = SingleFlight()

    def path(self, project: str, sha256: str) -> Path:
        """Return where the file of that digest is, or would be."""
        return self._folder / project / sha256

    def download(self, project: str, file: UpstreamFile) -> Download:
        """Return the download of *file*, which is begun unless it is under way."""
        target = self.path(project, file.sha256)
        download = self._downloads.get(target)
        if download is None:
            download = Download(file, target, self._largest, self._require_space)
            self._downloads[target] = download
            task = asyncio.create_task(download.run(self._client, self._incoming))
            self._running.add(task)
            task.add_done_callback(lambda done: self._end(target, done))
        return download

    async def core_metadata(self, project: str, file: UpstreamFile, sha256: str) -> bytes:
        """Return the core metadata of *file*, of the digest *sha256*. Raises `UpstreamFailed`."""
        target = self.path(project, sha256)
        return await self._metadata.run(target, lambda: self._core_metadata(file, sha256, target))

    async def _core_metadata(self, file: UpstreamFile, sha256: str, target: Path) -> bytes:
        try:
            return await in_thread(target.read_bytes)
        except FileNotFoundError:
            pass
        body = bytearray()
        async with self._client.file(file.metadata_address) as response:
            async for piece in response.aiter_raw():
                body += piece
                if len(body) > _LARGEST_METADATA:
                    raise self._client.failure("size", f"large metadata of {file.file_name}")
        if hashlib.sha256(body).hexdigest() != sha256:
            raise self._client.failure("digest", f"wrong metadata of {file.file_name}")
        try:
            await in_thread(self._keep, target, bytes(body))
        except (OSError, StoreFull) as error:
            logger.warning("The metadata of %s are not kept: %s", file.file_name, error)
        return bytes(body)

    def _keep(self, target: Path, content: bytes) -> None:
        self._require_space(len(content))
        target.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(target, content)

    def _end(self, target: Path, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        download = self._downloads.pop(target)
        if task.cancelled():
            download.give_up()
        else:
            task.exception()  # Looked at: it is the readers who are told.


def _read_part(path: Path, position: int, size: int) -> bytes:
    with path.open("rb") as stream:
        stream.seek(position)
        return stream.read(size)


def _put_in_place(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    path.replace(target)
    fsync_directory(target.parent)
