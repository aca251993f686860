"""The legacy JSON API, made of the project pages and the core metadata; nothing else is read."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from poetry_aegis.registry.bounded import Bounded
from poetry_aegis.registry.core_metadata import parse_core_fields, read_metadata
from poetry_aegis.registry.errors import NotFound
from poetry_aegis.registry.http.gate import no_such_project
from poetry_aegis.registry.http.legacy_document import (
    Release,
    project_document,
    release_document,
)
from poetry_aegis.registry.http.pages import CachedFile, cached_answer
from poetry_aegis.registry.http.routing import Route
from poetry_aegis.registry.names import parse_version
from poetry_aegis.registry.people.identity import Action
from poetry_aegis.registry.store.listing import latest_file, parse_listing
from poetry_aegis.registry.store.pages import JSON_PAGE

if TYPE_CHECKING:
    from poetry_aegis.registry.core_metadata import CoreFields
    from poetry_aegis.registry.data import DataDirectory
    from poetry_aegis.registry.http.exchange import Answer, Exchange
    from poetry_aegis.registry.http.gate import Gate
    from poetry_aegis.registry.http.pages import FileCache
    from poetry_aegis.registry.http.proxies import Proxies
    from poetry_aegis.registry.store.listing import ListedFile, Listing

_MOST_CACHED = 8 * 1024 * 1024  # bytes


@dataclass(frozen=True)
class Wanted:
    """What was asked for: a project, perhaps one *version* of it, seen from the address *base*."""

    project: str
    version: str | None
    base: str

    @classmethod
    def of(cls, project: str, asked: str | None, base: str) -> Wanted:
        """Return what was asked for, of all spellings of a version the same one (PEP 440)."""
        from packaging.utils import canonicalize_version

        version = None if asked is None else parse_version(asked)
        return cls(project, canonicalize_version(version) if version else asked, base)


class LegacyJson:
    """Answers what other indexes have at ``/pypi/NAME/json``."""

    def __init__(self, data: DataDirectory, gate: Gate, proxies: Proxies, files: FileCache) -> None:
        self._root = str(data.simple)
        self._gate = gate
        self._proxies = proxies
        self._files = files
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
        named = exchange.parameters["project"]
        project = await self._gate.admit_to(exchange, Action.READ, named)
        page = self._files.get(f"{self._root}/{project}/{JSON_PAGE}")
        if page is None:
            raise no_such_project(project)
        version = exchange.parameters.get("version")
        wanted = Wanted.of(project, version, self._proxies.base_url(exchange))
        document = self._documents.known(wanted, page)
        if document is None:
            document = await asyncio.to_thread(self._documents.make, wanted, page)
        headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-cache")]
        return cached_answer(exchange, document, headers)


class Documents:
    """Documents in memory, each as long as the page it was made of stays the same.

    Of each project, and each version, there is but one: a client names the address that it wants
    to see, and must not fill the memory with names. Any thread may use them.
    """

    def __init__(self, data: DataDirectory, most: int = _MOST_CACHED) -> None:
        self._data = data
        self._made: Bounded[tuple[str, str | None], tuple[str, CachedFile]] = Bounded(most)

    def known(self, wanted: Wanted, page: CachedFile) -> CachedFile | None:
        """Return what was made of *page* before."""
        base, document = self._made.get((wanted.project, wanted.version)) or ("", None)
        is_this = document and document.signature == page.signature and base == wanted.base
        return document if is_this else None

    def make(self, wanted: Wanted, page: CachedFile) -> CachedFile:
        """Return the document. Blocking. Raises `NotFound` and ``OSError``."""
        listing = parse_listing(page.body)
        version = _version_in(listing, wanted.version)
        files = [file for file in listing.files if file.version == version]
        release = Release(listing, version, self._core_metadata(wanted.project, files))
        make = project_document if wanted.version is None else release_document
        serial = page.signature[-1] // 1_000_000
        body = json.dumps(make(release, wanted.base, serial)).encode()
        document = CachedFile.of(body, page.signature)
        key = wanted.project, wanted.version
        self._made.put(key, (wanted.base, document), document.weight)
        return document

    def _core_metadata(self, project: str, files: list[ListedFile]) -> CoreFields:
        """Return the metadata of a wheel, else of an sdist, else nothing."""
        wheels_first = sorted(files, key=lambda file: not file.file_name.endswith(".whl"))
        paths = (self._data.metadata(project, file.file_name) for file in wheels_first)
        contents = map(read_metadata, paths)
        return parse_core_fields(next((content for content in contents if content), b""))


def _version_in(listing: Listing, asked: str | None) -> str:
    if asked is None:
        latest = latest_file(listing.files)
        found = latest.version if latest else None
    else:
        version = parse_version(asked)
        files = listing.files_of(str(version)) if version else ()
        found = next((file.version for file in files), None)
    if found is None:
        which = "files to offer" if asked is None else f"version {asked[:100]!a}"
        raise NotFound(f"Project {listing.project} has no {which} in this index.")
    return found
