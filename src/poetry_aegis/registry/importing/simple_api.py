"""Distributions of another index, read through its simple API (PEP 503, PEP 691, PEP 700)."""

from __future__ import annotations

import threading
import warnings
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from mousebender import simple

from poetry_aegis.registry.errors import ImportFailed
from poetry_aegis.registry.importing.client import IndexClient
from poetry_aegis.registry.importing.interrupts import interrupts_held_back
from poetry_aegis.registry.importing.patience import retried
from poetry_aegis.registry.importing.sources import (
    Candidate,
    Finding,
    SourceBroke,
    Survey,
    sort_out,
)
from poetry_aegis.registry.names import (
    is_normalized,
    is_project_name,
    matches_any,
    normalized,
    parse_file_name,
)
from poetry_aegis.registry.times import parse_moment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from poetry_aegis.registry.importing.client import Page
    from poetry_aegis.registry.importing.sources import Surveyed

AT_A_TIME = 4  # requests to another's server
_GLANCE = 0.2  # seconds between two looks for Ctrl-C
# What reading a page of any shape may raise where it is not of the shape that it should be.
_MALFORMED = (
    AssertionError,  # of the parser of HTML
    AttributeError,
    KeyError,
    TypeError,
    ValueError,
    OverflowError,
    RecursionError,
)

MOST_PROJECTS = 10_000  # beyond it an index is a public one, and hardly meant as a whole


class SimpleIndex:
    """The index whose simple API is at *url*, which may hold a user and password."""

    def __init__(self, url: str) -> None:
        # Versions of the API that mousebender does not know are read for what they share.
        warnings.filterwarnings("ignore", category=simple.APIVersionWarning)
        self._client = IndexClient(url)
        self._root = self._client.url.rstrip("/") + "/"
        self._stopped = threading.Event()

    @property
    def description(self) -> str:
        """The address, without a credential."""
        return self._root

    def survey(self, only: Sequence[str], surveyed: Surveyed) -> Survey:
        """Return what the project pages list. A page that cannot be read is told of."""
        projects = self._projects(only)
        surveys: list[Survey] = []
        with interrupts_held_back() as let_in, ThreadPoolExecutor(AT_A_TIME) as pool:
            try:
                reading = {pool.submit(self._project, project) for project in projects}
                while reading:
                    let_in()
                    read, reading = wait(reading, _GLANCE, return_when=FIRST_COMPLETED)
                    surveys += [page.result() for page in read]
                    surveyed(len(surveys), len(projects))
            except BaseException:
                self._stopped.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return Survey(
            tuple(candidate for survey in surveys for candidate in survey.candidates),
            tuple(finding for survey in surveys for finding in survey.skipped),
            tuple(finding for survey in surveys for finding in survey.failed),
        )

    def _projects(self, only: Sequence[str]) -> list[str]:
        if only and all(map(is_normalized, only)):
            return sorted(set(only))  # Names, not patterns: there is nothing to look up.
        try:
            names = retried(self._listed_projects, self._stopped)
        except SourceBroke as error:
            raise ImportFailed(f"{error}.") from error
        projects = sorted(name for name in names if not only or matches_any(name, only))
        if len(projects) > MOST_PROJECTS and not only:
            raise ImportFailed(
                f"{self._root} has {len(projects)} projects; say which are meant with --only."
            )
        return projects

    def _listed_projects(self) -> set[str]:
        page = self._client.page(self._root, simple.ACCEPT_SUPPORTED)
        if page is None:
            raise ImportFailed(f"{self._root} has no list of projects; is it a simple API?")
        try:
            index = simple.parse_project_index(page.text, page.media_type)
            names = [project["name"] for project in index["projects"]]
            return {normalized(name) for name in names if is_project_name(name)}
        except (simple.UnsupportedMIMEType, simple.UnsupportedAPIVersion, *_MALFORMED) as error:
            raise ImportFailed(f"{self._root} is not a simple API.") from error

    def _project(self, project: str) -> Survey:
        try:
            return retried(partial(self._read_project, project), self._stopped)
        except (ImportFailed, SourceBroke) as error:
            return Survey(failed=(Finding(project, str(error)),))

    def _read_project(self, project: str) -> Survey:
        url = f"{self._root}{project}/"
        page = self._client.page(url, simple.ACCEPT_SUPPORTED)
        if page is None:
            raise ImportFailed(f"{self._root} has no project {project}.")
        try:
            details = simple.parse_project_details(page.text, page.media_type, project)
            files: list[Any] = list(details["files"])
        except (simple.UnsupportedMIMEType, simple.UnsupportedAPIVersion, *_MALFORMED) as error:
            raise ImportFailed(f"{url} is not a page of the simple API.") from error
        return sort_out(
            (f"{project}/{_file_name(file)}", partial(self._candidate, project, page, file))
            for file in files
        )

    def _candidate(self, project: str, page: Page, file: Any) -> Candidate:
        try:
            name = parse_file_name(file["filename"])
            url = urljoin(page.url, file["url"])
            uploaded = parse_moment(file.get("upload-time") or "")
            candidate = Candidate(
                name=name,
                origin=f"{project}/{name.file_name}",
                read=partial(self._client.blocks, url),
                size=file["size"] if type(file.get("size")) is int else None,
                digests={str(key): str(digest) for key, digest in file["hashes"].items()},
                uploaded=None if uploaded is None else uploaded.timestamp(),
                yanked=_yank_reason(file.get("yanked", False)),
            )
        except _MALFORMED as error:
            raise ImportFailed("Its entry on the project page makes no sense.") from error
        if name.project != project:
            raise ImportFailed(f"It belongs to the project {name.project}.")
        if urlsplit(url).scheme not in ("http", "https"):
            raise ImportFailed("Its address is not one of HTTP.")
        return candidate


def _file_name(file: Any) -> str:
    return str(file.get("filename") if isinstance(file, dict) else file)


def _yank_reason(yanked: object) -> str | None:
    if isinstance(yanked, str):
        return yanked
    return "" if yanked else None
