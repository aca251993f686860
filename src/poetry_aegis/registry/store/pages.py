"""Renders the simple API's pages (PEP 503, PEP 629, PEP 691) and writes them, gzip and all."""

from __future__ import annotations

import gzip
import json
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from poetry_aegis.atomic import write_bytes
from poetry_aegis.registry.store.listing import API_VERSION

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from poetry_aegis.registry.store.listing import ListedFile, Listing

JSON_PAGE = "index.json"
HTML_PAGE = "index.html"
GZIP_SUFFIX = ".gz"


def write_project_page(folder: Path, listing: Listing) -> None:
    """Write *listing*'s page in *folder*, in each format. Raises ``OSError``."""
    links = (_link(listing.project, file) for file in listing.files)
    html = _html(f"Links for {listing.project}", links)
    _write(folder, HTML_PAGE, html)
    # The record comes last: it is newer than its folder of files only when all is written.
    _write(folder, JSON_PAGE, _json(listing.to_json()))


def write_project_list(folder: Path, projects: Sequence[str]) -> None:
    """Write the list of all *projects* in *folder*, in each format. Raises ``OSError``."""
    page = {
        "meta": {"api-version": API_VERSION},
        "projects": [{"name": project} for project in projects],
    }
    links = (f'<a href="{project}/">{project}</a><br/>' for project in projects)
    _write(folder, HTML_PAGE, _html("Simple index", links))
    _write(folder, JSON_PAGE, _json(page))


def _link(project: str, file: ListedFile) -> str:
    address = f"../../packages/{project}/{quote(file.file_name)}#sha256={file.sha256}"
    attributes = ""
    if file.metadata_sha256 is not None:
        metadata = escape(f"sha256={file.metadata_sha256}")
        attributes += f' data-core-metadata="{metadata}" data-dist-info-metadata="{metadata}"'
    if file.requires_python is not None:
        attributes += f' data-requires-python="{escape(file.requires_python)}"'
    return f'<a href="{escape(address)}"{attributes}>{escape(file.file_name)}</a><br/>'


def _html(title: str, links: Iterable[str]) -> bytes:
    body = "\n    ".join(links)
    return f"""<!DOCTYPE html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="pypi:repository-version" content="{API_VERSION}">
    <title>{escape(title)}</title>
  </head>
  <body>
    <h1>{escape(title)}</h1>
    {body}
  </body>
</html>
""".encode()


def _json(page: dict[str, Any]) -> bytes:
    return json.dumps(page, separators=(",", ":")).encode()


def _write(folder: Path, name: str, content: bytes) -> None:
    # The time of writing is left out of the gzip header: same page, same bytes.
    write_bytes(folder / f"{name}{GZIP_SUFFIX}", gzip.compress(content, 6, mtime=0))
    write_bytes(folder / name, content)
