"""The legacy JSON API, made of the project pages and the core metadata; nothing else is read."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from poetry_aegis.registry.core_metadata import LARGEST, parse_core_fields
from poetry_aegis.registry.errors import NotFound
from poetry_aegis.registry.http.legacy_document import (
    Release,
    latest_version,
    project_document,
    release_document,
)
from poetry_aegis.registry.http.pages import CachedFile, FileCache, cached_answer
from poetry_aegis.registry.http.routing import Route
from poetry_aegis.registry.names import is_project_name, normalized, parse_version
from poetry_aegis.registry.people.identity import Action
from poetry_aegis.registry.store.listing import parse_listing
from poetry_aegis.registry.store.pages import JSON_PAGE

if TYPE_CHECKING:
    from pathlib import Path

    from poetry_aegis.registry.core_metadata import CoreFields
    from poetry_aegis.registry.data import DataDirectory
    from poetry_aegis.registry.http.exchange import Answer, Exchange
    from poetry_aegis.registry.http.gate import Gate
    from poetry_aegis.registry.http.proxies import Proxies
    from poetry_aegis.registry.store.listing import ListedFile, Listing

_MOST_CACHED = 16 * 1024 * 1024  # bytes
_HOST = re.compile(r"[A-Za-z0-9.-]+(?::\d+)?|\[[0-9A-Fa-f:.]+\](?::\d+)?")


@dataclass(frozen=True)
class Wanted:
    """What was asked for: a project, perhaps one *version* of it, seen from the address *base*."""

    project: str
    version: str | None
    base: str


class LegacyJson:
    """Answers what other indexes have at ``/pypi/NAME/json``."""

    def __init__(self, data: DataDirectory, gate: Gate, proxies: Proxies) -> None:
        self._data = data
        self._gate = gate
        self._proxies = proxies
        self._pages = FileCache()
        self._documents = Documents(data)

    def routes(self) -> list[Route]:
        """Return the routes of the legacy JSON API."""
        return [
            Route("GET", "/pypi/{project}/json", self.answer, "legacy-json"),
            Route("GET", "/pypi/{project}/{version}/json", self.answer, "legacy-json"),
            Route("GET", "/{project}/json", self.answer, "legacy-json"),
        ]

    async def answer(self, exchange: Exchange) -> Answer:
        """Answer a project, or a version of it, 304 where the client has it.

        Raises `NotFound`, also for a project without a file to offer.
        """
        name, version = exchange.parameters["project"], exchange.parameters.get("version")
        if not is_project_name(name):
            await self._gate.admit(exchange, Action.READ)
            raise NotFound("There is no such project in this index.")
        project = normalized(name)
        await self._gate.admit(exchange, Action.READ, project)
        page = self._pages.get(str(self._data.project_pages(project) / JSON_PAGE))
        if page is None:
            raise NotFound(f"There is no project {project} in this index.")
        wanted = Wanted(project, version, base_url(exchange, self._proxies))
        document = self._documents.known(wanted, page)
        if document is None:
            document = await asyncio.to_thread(self._documents.make, wanted, page)
        headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-cache")]
        return cached_answer(exchange, document, headers)


class Documents:
    """Documents in memory, each as long as the page it was made of stays the same."""

    def __init__(self, data: DataDirectory, most: int = _MOST_CACHED) -> None:
        self._data = data
        self._most = most
        self._size = 0
        self._made: dict[Wanted, CachedFile] = {}

    def known(self, wanted: Wanted, page: CachedFile) -> CachedFile | None:
        """Return what was made of *page* before."""
        made = self._made.get(wanted)
        return made if made and made.signature == page.signature else None

    def make(self, wanted: Wanted, page: CachedFile) -> CachedFile:
        """Return the document. Blocking. Raises `NotFound` and ``OSError``."""
        listing = parse_listing(page.body)
        version = _version_in(listing, wanted.version)
        files = [file for file in listing.files if file.version == version]
        release = Release(listing, version, self._core_metadata(wanted.project, files))
        make = project_document if wanted.version is None else release_document
        serial = page.signature[-1] // 1_000_000
        body = json.dumps(make(release, wanted.base, serial)).encode()
        etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'.encode()
        return self._keep(wanted, CachedFile(page.signature, body, etag))

    def _core_metadata(self, project: str, files: list[ListedFile]) -> CoreFields:
        """Return the metadata of a wheel, else of an sdist, else nothing."""
        wheels_first = sorted(files, key=lambda file: not file.file_name.endswith(".whl"))
        contents = (_head_of(self._data.metadata(project, one.file_name)) for one in wheels_first)
        return parse_core_fields(next((content for content in contents if content), b""))

    def _keep(self, wanted: Wanted, document: CachedFile) -> CachedFile:
        replaced = self._made.pop(wanted, None)
        self._size += len(document.body) - (len(replaced.body) if replaced else 0)
        self._made[wanted] = document
        while self._size > self._most:
            self._size -= len(self._made.pop(next(iter(self._made))).body)
        return document


def base_url(exchange: Exchange, proxies: Proxies) -> str:
    """Return the address of this index as the client knows it, without a slash at its end.

    It is empty, and addresses relative to the host, where the client gives no host's name.
    """
    scheme, host = exchange.scope["scheme"], exchange.header(b"host")
    if proxies.brought(exchange.scope):
        scheme = exchange.header(b"x-forwarded-proto") or scheme
        host = exchange.header(b"x-forwarded-host") or host
    plausible = scheme in ("http", "https") and _HOST.fullmatch(host)
    return f"{scheme}://{host}" if plausible else ""


def _head_of(path: Path) -> bytes:
    """Return as much of a file as is read, nothing where it is not there."""
    try:
        with path.open("rb") as stream:
            return stream.read(LARGEST)
    except FileNotFoundError:
        return b""


def _version_in(listing: Listing, asked: str | None) -> str:
    if asked is None:
        found = latest_version(listing)
    else:
        version = parse_version(asked)
        files = listing.files_of(str(version)) if version else ()
        found = next((file.version for file in files), None)
    if found is None:
        which = "files to offer" if asked is None else f"version {asked[:100]!a}"
        raise NotFound(f"Project {listing.project} has no {which} in this index.")
    return found
