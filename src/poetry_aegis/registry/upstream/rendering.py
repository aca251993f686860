"""Renders a project page of another index in HTML, its files on this host."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from poetry_aegis.registry.upstream.pages import UpstreamPage


def render_html(page: UpstreamPage) -> bytes:
    """Return *page* as PEP 503 has it."""
    document = page.to_json()
    title = escape(f"Links for {document['name']}")
    status = document["project-status"]
    markers = {
        "pypi:repository-version": document["meta"]["api-version"],
        "pypi:project-status": status["status"],
        "pypi:project-status-reason": status.get("reason"),
    }
    head = "\n    ".join(
        f'<meta name="{name}" content="{escape(value)}">'
        for name, value in markers.items()
        if value is not None
    )
    links = "\n    ".join(map(_link, document["files"]))
    return f"""<!DOCTYPE html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    {head}
    <title>{title}</title>
  </head>
  <body>
    <h1>{title}</h1>
    {links}
  </body>
</html>
""".encode()


def _link(file: dict[str, Any]) -> str:
    address = f"{file['url']}#sha256={file['hashes']['sha256']}"
    attributes = "".join(f' {name}="{escape(value)}"' for name, value in _attributes(file))
    return f'<a href="{escape(address)}"{attributes}>{escape(file["filename"])}</a><br/>'


def _attributes(file: dict[str, Any]) -> Iterable[tuple[str, str]]:
    if "core-metadata" in file:
        digest = f"sha256={file['core-metadata']['sha256']}"
        yield "data-core-metadata", digest
        yield "data-dist-info-metadata", digest
    if "requires-python" in file:
        yield "data-requires-python", file["requires-python"]
    if file["yanked"] is not False:
        yield "data-yanked", "" if file["yanked"] is True else file["yanked"]
