"""What an index shows of a project: the Simple API as JSON (PEP 691) or HTML (PEP 503)."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from packaging.utils import canonicalize_name

from poetry_aegis.errors import PublishError
from poetry_aegis.publish.patience import Failure, Patience, persist, sleep
from poetry_aegis.publish.status import ProjectStatus, status_in_html, status_in_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from poetry_aegis.publish.answer import Answer
    from poetry_aegis.publish.distributions import Distribution
    from poetry_aegis.publish.web import Web

T = TypeVar("T")

_JSON = "application/vnd.pypi.simple.v1+json"
_HEADERS = {
    "Accept": f"{_JSON}, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1",
    # A cache in between must not show the page of before the upload.
    "Cache-Control": "no-cache",
}
_WITH_PROVENANCE = (1, 3)  # the API version that has it
# In each answer of devpi, which has its Simple API at +simple/.
_DEVPI = "x-devpi-api-version"
# How a poetry-aegis server says that a new project's first files may come at the same time.
_FIRST_UPLOADS, _TOGETHER = "aegis-first-uploads", "concurrent"
# And that a page is another index's: what that one takes is not what this one does.
_SHOWN_FROM, _UPSTREAM = "aegis-shown-from", "upstream"
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class IndexedFile:
    """A file as a project page shows it. *sha256* is ``None`` where the page gives none.

    *provenance* is the address of its attestations (PEP 740), *size* its bytes, each ``None``
    where the page tells nothing; *yanked* is told by PEP 592. *may_have_provenance* tells that
    the index knows of attestations at all.
    """

    filename: str
    url: str
    sha256: str | None
    provenance: str | None = None
    size: int | None = None
    yanked: bool = False
    may_have_provenance: bool = False


@dataclass(frozen=True)
class ProjectPage:
    """The *files* of a project by file name, and the *status* of the project."""

    files: dict[str, IndexedFile]
    status: ProjectStatus


class Index:
    """The Simple API at *url*, read through *web*. *tell* hears of each repeated request.

    *pause* waits before it, as in `persist`. It *takes_first_files_together* once it has said so of
    a project that it does not have. *status* is that of the project whose page was read last.
    """

    def __init__(
        self,
        web: Web,
        url: str,
        patience: Patience,
        tell: Callable[[str], None],
        pause: Callable[[float], bool] = sleep,
    ) -> None:
        self._web = web
        self._url = url
        self._patience = patience
        self._tell = tell
        self._pause = pause
        self.takes_first_files_together = False
        self.status = ProjectStatus()

    def project_page(self, name: str) -> dict[str, IndexedFile]:
        """Return the files of project *name* by file name; none for an unknown project.

        Raises `Unauthorized`, `Forbidden`, `Unreachable`, or another `PublishError` for an
        answer that is no project page.
        """
        answer = self._page(name)
        if answer.status == 404 and _DEVPI in answer.headers and self._url.endswith("/simple/"):
            # Kept, so that it is asked at the wrong place but once.
            self._url = f"{self._url.removesuffix('simple/')}+simple/"
            answer = self._page(name)
        self.takes_first_files_together = answer.headers.get(_FIRST_UPLOADS) == _TOGETHER
        unknown = ProjectPage({}, ProjectStatus())
        page = unknown if answer.status == 404 else parse_page(answer)
        is_own = answer.headers.get(_SHOWN_FROM) != _UPSTREAM
        self.status = page.status if is_own else ProjectStatus()
        return page.files

    def _page(self, name: str) -> Answer:
        url = f"{self._url}{canonicalize_name(name)}/"
        return self._persist(lambda: self._web.get(url, _HEADERS))

    def sha256(self, file: IndexedFile) -> str:
        """Return the SHA-256 of *file*, downloading it where its page does not tell."""
        if file.sha256 is not None:
            return file.sha256
        return self._persist(lambda: self._web.sha256(file.url))

    def hash_of(self, distribution: Distribution) -> str | None:
        """Return the SHA-256 of the file of that name on the index, ``None`` where it has none."""
        file = self.project_page(distribution.name).get(distribution.filename)
        return None if file is None else self.sha256(file)

    def holds(self, distribution: Distribution) -> bool | None:
        """Return whether the index shows *distribution* as it is here.

        ``None`` where that is unsure: it cannot be read, or shows another file of that name.
        """
        try:
            found = self.once().hash_of(distribution)
        except PublishError:
            return None
        if found is None:
            return False
        return True if found == distribution.sha256 else None

    def once(self) -> Index:
        """Return this index, read without repeating what fails."""
        return Index(self._web, self._url, Patience(backoffs=()), self._tell)

    def _persist(self, attempt: Callable[[], T | Failure]) -> T:
        return persist(attempt, self._patience, self._tell, pause=self._pause)


def parse_page(answer: Answer) -> ProjectPage:
    """Return what a project page tells. Raises `PublishError` if it is none."""
    kind = answer.headers.get("content-type", "")
    try:
        return _from_json(answer) if "json" in kind else _from_html(answer)
    except (
        AssertionError,  # of the parser of HTML
        AttributeError,
        KeyError,
        TypeError,
        ValueError,
        RecursionError,
    ) as error:
        raise PublishError(
            f"{answer.url} answers, but not as a Python package index does.",
            hint="Publish without reading the index back: poetry aegis publish --no-verify",
        ) from error


def _from_json(answer: Answer) -> ProjectPage:
    document = json.loads(answer.body)
    files = {file.filename: file for file in _files_in_json(answer, document)}
    return ProjectPage(files, status_in_json(document))


def _files_in_json(answer: Answer, document: Mapping[str, Any]) -> Iterator[IndexedFile]:
    may_have_provenance = _version(document) >= _WITH_PROVENANCE
    for file in document["files"]:
        hashes: Mapping[str, object] = file.get("hashes") or {}
        yield IndexedFile(
            filename=str(file["filename"]),
            url=urljoin(answer.url, str(file["url"])),
            sha256=_hex(str(hashes.get("sha256", ""))),
            provenance=_joined(answer.url, file.get("provenance")),
            size=file["size"] if type(file.get("size")) is int else None,
            yanked=bool(file.get("yanked")),  # Some write null; PEP 691 goes by what is true.
            may_have_provenance=may_have_provenance,
        )


def _from_html(answer: Answer) -> ProjectPage:
    page = _Elements()
    page.feed(answer.text)
    page.close()
    files = {file.filename: file for file in _files_in_html(answer, page)}
    return ProjectPage(files, status_in_html(page.markers))


def _files_in_html(answer: Answer, page: _Elements) -> Iterator[IndexedFile]:
    for href, text, others in page.anchors:
        url, fragment = urldefrag(urljoin(answer.url, href))
        kind, _, value = fragment.partition("=")
        yield IndexedFile(
            filename=text.strip() or unquote(urlsplit(url).path.rpartition("/")[2]),
            url=url,
            sha256=_hex(value) if kind == "sha256" else None,
            provenance=_joined(answer.url, others.get("data-provenance")),
            yanked="data-yanked" in others,
        )


def _version(document: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the version of the API that a page is written by; of none, where it tells none."""
    try:
        return tuple(map(int, document["meta"]["api-version"].split(".")))
    except (KeyError, TypeError, AttributeError, ValueError):
        return ()


def _joined(base: str, address: object) -> str | None:
    return urljoin(base, address) if isinstance(address, str) and address else None


def _hex(value: str) -> str | None:
    value = value.lower()
    return value if _SHA256.fullmatch(value) else None


class _Elements(HTMLParser):
    """Collects (href, text, all attributes) of every link, and what each ``meta`` says by name."""

    def __init__(self) -> None:
        super().__init__()
        self.anchors: list[tuple[str, str, dict[str, str | None]]] = []
        self.markers: dict[str, str | None] = {}
        self._open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        href = attributes.get("href")
        if tag == "a" and href:
            self.anchors.append((href, "", attributes))
            self._open = True
        elif tag == "meta":
            self.markers[attributes.get("name") or ""] = attributes.get("content")

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self._open = False

    def handle_data(self, data: str) -> None:
        if self._open:
            href, text, others = self.anchors[-1]
            self.anchors[-1] = (href, text + data, others)
