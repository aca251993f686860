"""Renders the simple API's pages and writes them, gzip and all.

PEP 503 and PEP 629 for HTML, PEP 691 for JSON, and what PEPs 592, 658, 708, 714, 740 and 792 add.
"""

from __future__ import annotations

import gzip
import json
from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from poetry_aegis.atomic import write_all
from poetry_aegis.registry.names import PROVENANCE_SUFFIX
from poetry_aegis.registry.store.listing import API_VERSION

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from poetry_aegis.registry.store.listing import ListedFile, Listing

JSON_PAGE = "index.json"
HTML_PAGE = "index.html"
GZIP_SUFFIX = ".gz"

_MOST_LINKS = 4096  # kept in memory: each upload writes those of all the project's files


def write_project_page(folder: Path, listing: Listing) -> None:
    """Write *listing*'s page in *folder*, in each format. Raises ``OSError``."""
    _write(folder, render_html(listing), render_json(listing.to_json()))


def shows(folder: Path, listing: Listing) -> bool:
    """Tell whether the pages in *folder* are just those of *listing*. Raises ``OSError``."""
    return (folder / HTML_PAGE).read_bytes() == render_html(listing) and (
        folder / JSON_PAGE
    ).read_bytes() == render_json(listing.to_json())


def write_project_list(folder: Path, projects: Sequence[str]) -> None:
    """Write the list of all *projects* in *folder*, in each format. Raises ``OSError``."""
    _write(folder, render_list_html(projects), render_json(list_document(projects)))


def list_document(projects: Sequence[str]) -> dict[str, Any]:
    """Return the list of *projects* as PEP 691 has it."""
    return {
        "meta": {"api-version": API_VERSION},
        "projects": [{"name": project} for project in projects],
    }


def render_list_html(projects: Sequence[str]) -> bytes:
    """Return the list of *projects* as PEP 503 has it."""
    links = (f'<a href="{project}/">{project}</a><br/>' for project in projects)
    return _html("Simple index", links)


def render_html(listing: Listing) -> bytes:
    """Return a project's page as PEP 503 has it."""
    links = (_link(listing.project, file) for file in listing.offered)
    return _html(f"Links for {listing.project}", links, _markers(listing))


def render_json(page: dict[str, Any]) -> bytes:
    """Return a page as JSON without needless space."""
    return json.dumps(page, separators=(",", ":")).encode()


def _markers(listing: Listing) -> Iterable[tuple[str, str]]:
    yield "pypi:project-status", listing.status
    if listing.status_reason is not None:
        yield "pypi:project-status-reason", listing.status_reason
    for address in listing.tracks:
        yield "pypi:tracks", address
    for address in listing.alternates:
        yield "pypi:alternate-locations", address


@lru_cache(maxsize=_MOST_LINKS)
def _link(project: str, file: ListedFile) -> str:
    path = f"../../packages/{project}/{quote(file.file_name)}"
    attributes = "".join(f' {name}="{escape(value)}"' for name, value in _attributes(path, file))
    address = escape(f"{path}#sha256={file.sha256}")
    return f'<a href="{address}"{attributes}>{escape(file.file_name)}</a><br/>'


def _attributes(path: str, file: ListedFile) -> Iterable[tuple[str, str]]:
    if file.metadata_sha256 is not None:
        # The second is the name that PEP 658 gave it, before PEP 714.
        yield "data-core-metadata", f"sha256={file.metadata_sha256}"
        yield "data-dist-info-metadata", f"sha256={file.metadata_sha256}"
    if file.requires_python is not None:
        yield "data-requires-python", file.requires_python
    if file.yanked is not None:
        yield "data-yanked", file.yanked
    if file.has_provenance:
        yield "data-provenance", f"{path}{PROVENANCE_SUFFIX}"


def _html(title: str, links: Iterable[str], markers: Iterable[tuple[str, str]] = ()) -> bytes:
    metas = "".join(
        f'\n    <meta name="{name}" content="{escape(value)}">'
        for name, value in (("pypi:repository-version", API_VERSION), *markers)
    )
    body = "\n    ".join(links)
    return f"""<!DOCTYPE html>
<html lang="en">
  <head>
    <meta charset="utf-8">{metas}
    <title>{escape(title)}</title>
  </head>
  <body>
    <h1>{escape(title)}</h1>
    {body}
  </body>
</html>
""".encode()


def _write(folder: Path, html: bytes, document: bytes) -> None:
    contents: dict[str, bytes] = {}
    # The record comes last: it is newer than its folder of files only when all is written.
    for name, content in ((HTML_PAGE, html), (JSON_PAGE, document)):
        # The time of writing is left out of the gzip header: same page, same bytes.
        contents[f"{name}{GZIP_SUFFIX}"] = gzip.compress(content, 6, mtime=0)
        contents[name] = content
    write_all(folder, contents)
