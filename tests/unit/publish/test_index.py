from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poetry_aegis.errors import PublishError, Unauthorized
from poetry_aegis.publish.answer import Answer
from poetry_aegis.publish.index import Index, IndexedFile, ProjectPage, parse_page
from poetry_aegis.publish.status import ProjectStatus
from poetry_aegis.publish.web import Web, user_agent
from tests.support.faulty import FaultyIndex, Reply
from tests.unit.publish.conftest import IMPATIENT, repository_at

if TYPE_CHECKING:
    from collections.abc import Iterator

JSON = "application/vnd.pypi.simple.v1+json"
HASH = "ab" * 32


@pytest.fixture
def reader(index: FaultyIndex) -> Iterator[Index]:
    web = Web(repository_at(index.url))
    notes: list[str] = []
    yield Index(web, f"{index.url}/simple/", IMPATIENT, notes.append)
    web.close()


def whole_page(text: str, kind: str = "text/html") -> ProjectPage:
    return parse_page(
        Answer("https://pkg.example/simple/demo/", 200, "OK", {"content-type": kind}, text.encode())
    )


def page(text: str, kind: str = "text/html") -> dict[str, IndexedFile]:
    return whole_page(text, kind).files


def test_an_html_page_is_read() -> None:
    files = page(
        "<html><head><link href='x'></head><body><h1>Links</h1>"
        f"<a href='../../p/demo-1.tar.gz#sha256={HASH.upper()}' data-yanked=''>demo-1.tar.gz</a>"
        f'<a class=x HREF="https://cdn.example/demo%2B2.whl?a=1&amp;b=2#sha256={HASH}"> '
        "<b>demo+2</b>.whl\n</a>"
        "<a href='demo%2D3.whl#md5=1234'></a><a name='anchor'>top</a> tail"
    )
    assert files == {
        "demo-1.tar.gz": IndexedFile(
            "demo-1.tar.gz", "https://pkg.example/p/demo-1.tar.gz", HASH, yanked=True
        ),
        "demo+2.whl": IndexedFile("demo+2.whl", "https://cdn.example/demo%2B2.whl?a=1&b=2", HASH),
        "demo-3.whl": IndexedFile(
            "demo-3.whl", "https://pkg.example/simple/demo/demo%2D3.whl", None
        ),
    }


def test_a_json_page_is_read() -> None:
    document = {
        "files": [
            {"filename": "a.whl", "url": "../../a.whl", "hashes": {"sha256": HASH}},
            {"filename": "b.whl", "url": "https://cdn.example/b.whl", "hashes": {}},
            {"filename": "c.whl", "url": "c.whl", "hashes": {"sha256": "short"}},
        ]
    }
    files = page(json.dumps(document), JSON)
    assert files["a.whl"] == IndexedFile("a.whl", "https://pkg.example/a.whl", HASH)
    assert files["b.whl"] == IndexedFile("b.whl", "https://cdn.example/b.whl", None)
    assert files["c.whl"].sha256 is None


@pytest.mark.parametrize(
    ("said", "yanked"),
    [(False, False), (None, False), ("", False), (True, True), ("loses data", True)],
)
def test_what_is_yanked_is_said_by_a_true_value(said: object, yanked: bool) -> None:
    file = {"filename": "a.whl", "url": "a.whl", "hashes": {}, "yanked": said}
    assert page(json.dumps({"files": [file]}), JSON)["a.whl"].yanked is yanked


@pytest.mark.parametrize(
    ("marker", "wanted"),
    [
        ({"status": "archived", "reason": "now in\x1b[2J\nlib2"}, ("archived", "now in [2J lib2")),
        ({"status": "quarantined"}, ("quarantined", "")),
        ({"status": "active", "reason": None}, ("active", "")),
        ({"status": 3, "reason": "x"}, ("active", "")),
        ({}, ("active", "")),
        ("archived", ("active", "")),
        (None, ("active", "")),
    ],
)
def test_the_status_of_a_project_is_read(marker: object, wanted: tuple[str, str]) -> None:
    status = whole_page(json.dumps({"files": [], "project-status": marker}), JSON).status
    assert (status.name, status.reason) == wanted
    assert status.takes_uploads is (status.name == "active")


def test_the_status_of_a_project_is_read_from_html() -> None:
    text = (
        "<head><meta charset='utf-8'><meta name='pypi:project-status' content='archived'/>"
        "<META name='pypi:project-status-reason' content='now in &lt;lib2&gt;'></head>"
        "<a href='demo-1.tar.gz'>demo-1.tar.gz</a>"
    )
    assert whole_page(text).status == ProjectStatus("archived", "now in <lib2>")
    assert list(whole_page(text).files) == ["demo-1.tar.gz"]
    assert whole_page("<a href='demo-1.tar.gz'>demo-1.tar.gz</a>").status == ProjectStatus()


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"files": 3}', '{"files": [1]}', '{"files": [{"url": "x"}]}', "[" * 9999],
)
def test_json_that_is_no_project_page_is_told(text: str) -> None:
    with pytest.raises(PublishError, match="not as a Python package index does"):
        page(text, JSON)


def test_html_that_is_no_project_page_is_told() -> None:
    with pytest.raises(PublishError, match="not as a Python package index does"):
        page("<![what is this]>", "text/html")


@given(st.text(alphabet=st.characters(codec="utf-8")), st.sampled_from(["text/html", JSON]))
def test_no_page_breaks_the_reading(text: str, kind: str) -> None:
    try:
        files = page(text, kind)
    except PublishError:
        return
    assert isinstance(files, dict)


def test_the_page_asked_for_is_the_normalised_one_in_json(
    index: FaultyIndex, reader: Index
) -> None:
    index.has("demo-1.0.0.tar.gz", b"content")
    reader.project_page("Demo__Thing")
    path, headers = index.gets[0]
    assert path == "/simple/demo-thing/"
    assert headers["Accept"].startswith(JSON)
    assert headers["User-Agent"] == user_agent()
    assert user_agent().startswith("poetry-aegis/")
    assert headers["Authorization"].startswith("Basic ")


def test_an_unknown_project_has_no_files(reader: Index) -> None:
    assert reader.project_page("demo") == {}


def test_a_page_behind_a_redirect_is_found(index: FaultyIndex, reader: Index) -> None:
    index.has("demo-1.0.0.tar.gz", b"content")
    index.page_replies.append(Reply(301, headers={"Location": "/mirror/simple/demo/"}))
    assert list(reader.project_page("demo")) == ["demo-1.0.0.tar.gz"]
    assert index.gets[-1][0] == "/mirror/simple/demo/"


def test_reading_is_repeated_while_the_server_comes_up(index: FaultyIndex, reader: Index) -> None:
    index.has("demo-1.0.0.tar.gz", b"content")
    index.page_replies.extend([Reply(502), Reply(503), Reply(200, "cut", truncated=True)])
    assert list(reader.project_page("demo")) == ["demo-1.0.0.tar.gz"]


def test_a_refused_reading_says_why(index: FaultyIndex, reader: Index) -> None:
    index.page_replies.append(Reply(401, "who are you", headers={"Content-Type": "text/plain"}))
    with pytest.raises(Unauthorized, match="401 who are you"):
        reader.project_page("demo")


def test_a_file_without_a_hash_is_downloaded_and_hashed(index: FaultyIndex, reader: Index) -> None:
    index.style = "html-without-hashes"
    index.has("demo-1.0.0.tar.gz", b"content")
    file = reader.project_page("demo")["demo-1.0.0.tar.gz"]
    assert file.sha256 is None
    assert reader.sha256(file) == hashlib.sha256(b"content").hexdigest()
    assert [path for path, _ in index.gets] == ["/simple/demo/", "/files/demo-1.0.0.tar.gz"]
