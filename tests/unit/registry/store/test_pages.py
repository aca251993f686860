from __future__ import annotations

import gzip
import json
from html.parser import HTMLParser
from typing import TYPE_CHECKING

from poetry_aegis.registry.store.listing import ListedFile, Listing
from poetry_aegis.registry.store.pages import write_project_list, write_project_page

if TYPE_CHECKING:
    from pathlib import Path


class Links(HTMLParser):
    """The anchors of a page, as a browser would read them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.links: list[dict[str, str | None]] = []
        self.meta: list[dict[str, str | None]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.links.append(dict(attrs))
        if tag == "meta":
            self.meta.append(dict(attrs))


def test_a_project_page_is_written_in_each_format_and_compressed(tmp_path: Path) -> None:
    file = ListedFile("demo-1.0+l-py3-none-any.whl", "1.0+l", "aa", 1, "", "bb", ">=3.9,<4")

    write_project_page(tmp_path, Listing("demo", (file,)))

    page = Links((tmp_path / "index.html").read_text())
    assert page.links == [
        {
            "href": "../../packages/demo/demo-1.0%2Bl-py3-none-any.whl#sha256=aa",
            "data-core-metadata": "sha256=bb",
            "data-dist-info-metadata": "sha256=bb",
            "data-requires-python": ">=3.9,<4",
        }
    ]
    assert {"name": "pypi:repository-version", "content": "1.4"} in page.meta
    assert "&gt;=3.9,&lt;4" in (tmp_path / "index.html").read_text()
    assert json.loads((tmp_path / "index.json").read_bytes())["name"] == "demo"
    for name in ("index.html", "index.json"):
        compressed = (tmp_path / f"{name}.gz").read_bytes()
        assert gzip.decompress(compressed) == (tmp_path / name).read_bytes()


def test_the_same_page_is_the_same_bytes(tmp_path: Path) -> None:
    write_project_list(tmp_path, ["a", "b"])
    first = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    write_project_list(tmp_path, ["a", "b"])

    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == first
    assert set(first) == {"index.html", "index.html.gz", "index.json", "index.json.gz"}


def test_the_project_list_links_to_each_project(tmp_path: Path) -> None:
    write_project_list(tmp_path, ["a", "b-c"])

    assert [link["href"] for link in Links((tmp_path / "index.html").read_text()).links] == [
        "a/",
        "b-c/",
    ]
    assert json.loads((tmp_path / "index.json").read_bytes()) == {
        "meta": {"api-version": "1.4"},
        "projects": [{"name": "a"}, {"name": "b-c"}],
    }
