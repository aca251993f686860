from __future__ import annotations

import json
import warnings
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mousebender.simple import parse_project_details

from poetry_aegis.registry.store.pages import render_json
from poetry_aegis.registry.upstream.pages import (
    UpstreamFile,
    UpstreamPage,
    read_page,
    read_record,
    web_address,
)
from poetry_aegis.registry.upstream.rendering import render_html

JSON = "application/vnd.pypi.simple.v1+json"
ADDRESS = "https://index.example.com/simple/demo/"
A, B = "a" * 64, "b" * 64
WHEEL = "demo-1.0-py3-none-any.whl"


def entry(**facts: Any) -> dict[str, Any]:
    return {"filename": WHEEL, "url": f"../../f/{WHEEL}", "hashes": {"sha256": A}, **facts}


def read_json(*entries: Any, **page: Any) -> UpstreamPage:
    document = {"meta": {"api-version": "1.4"}, "name": "demo", "files": list(entries), **page}
    return read_page(json.dumps(document).encode(), f"{JSON}; charset=utf-8", ADDRESS, "demo")


def test_a_page_in_json_is_read_whole() -> None:
    facts = {
        "size": 12,
        "upload-time": "2026-01-01T00:00:00.5Z",
        "core-metadata": {"sha256": B.upper()},
        "requires-python": ">=3.9",
        "yanked": "broken",
    }

    page = read_json(entry(**facts), **{"project-status": {"status": "archived", "reason": "old"}})

    assert page == UpstreamPage(
        "demo",
        (
            UpstreamFile(
                file_name=WHEEL,
                version="1.0",
                address=f"https://index.example.com/f/{WHEEL}",
                sha256=A,
                size=12,
                upload_time="2026-01-01T00:00:00.5Z",
                metadata_sha256=B,
                requires_python=">=3.9",
                yanked="broken",
            ),
        ),
        status="archived",
        status_reason="old",
    )


def test_a_page_in_html_is_read_as_far_as_html_goes() -> None:
    html = f"""<!DOCTYPE html><html><head>
        <meta name="pypi:repository-version" content="1.9"></head><body>
        <a href="https://files.example.com/{WHEEL}#sha256={A}" data-requires-python="&gt;=3.9"
           data-dist-info-metadata="sha256={B}" data-yanked>{WHEEL}</a>
        <a href="demo-2.0.tar.gz#md5=12">demo-2.0.tar.gz</a></body></html>"""

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        page = read_page(html.encode(), "text/html", ADDRESS, "demo")

    (file,) = page.files
    assert file.address == f"https://files.example.com/{WHEEL}"
    assert (file.sha256, file.metadata_sha256) == (A, B)
    assert (file.requires_python, file.yanked, file.size) == (">=3.9", "", None)
    assert page.hidden == 1


@pytest.mark.parametrize(
    "hidden",
    [
        entry(hashes={}),
        entry(hashes={"md5": "0" * 32}),
        entry(hashes={"sha256": "short"}),
        entry(hashes=None),
        entry(filename="other-1.0.tar.gz"),
        entry(filename="demo-1.0.zip"),
        entry(filename="../demo-1.0.tar.gz"),
        entry(filename=None),
        entry(url="ftp://index.example.com/x"),
        entry(url="file:///etc/passwd"),
        entry(url="https://user:word@index.example.com/x"),
        entry(url="http://[broken"),
        entry(url="http://index.example.com:port/x"),
        entry(url="x" * 5000),
        entry(url="https://index.example.com/\ud800"),
        entry(url=None),
        {},
        "text",
        None,
    ],
)
def test_what_cannot_be_checked_or_fetched_is_left_out(hidden: Any) -> None:
    page = read_json(hidden, entry(filename="demo-2.0.tar.gz"))

    assert [file.file_name for file in page.files] == ["demo-2.0.tar.gz"]
    assert page.hidden == 1


@pytest.mark.parametrize(
    ("facts", "field", "value"),
    [
        ({"size": -1}, "size", None),
        ({"size": True}, "size", None),
        ({"size": "12"}, "size", None),
        ({"upload-time": "yesterday"}, "upload_time", None),
        ({"upload-time": "2026-13-01T00:00:00Z"}, "upload_time", None),
        ({"core-metadata": True}, "metadata_sha256", None),
        ({"core-metadata": {"md5": "1"}}, "metadata_sha256", None),
        ({"requires-python": 3}, "requires_python", None),
        ({"yanked": False}, "yanked", None),
        ({"yanked": True}, "yanked", ""),
        ({"yanked": "x" * 2000}, "yanked", "x" * 1000),
        ({"yanked": "half \ud800 a character"}, "yanked", "half ? a character"),
    ],
)
def test_facts_of_the_wrong_shape_are_not_believed(facts: Any, field: str, value: object) -> None:
    assert getattr(read_json(entry(**facts)).files[0], field) == value


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (b"{", JSON),
        (b"[]", JSON),
        (b"null", JSON),
        (b'{"meta": {"api-version": "1.0"}}', JSON),
        (b'{"meta": {"api-version": "1.0"}, "files": 1}', JSON),
        (b'{"meta": {"api-version": "2.0"}, "files": []}', JSON),
        (b'{"files": []}', JSON),
        (b"[" * 100_000, JSON),
        (b"\xff\xfe", "text/html"),
        (b'<meta name="pypi:repository-version" content="2.0">', "text/html"),
        (b'<meta name="pypi:repository-version" content="new">', "text/html"),
        (b'<a href="x#fragment">x</a>', "text/html"),
        (b"<![what is this]>", "text/html"),
        (b"{}", "application/json"),
        (b"hello", "text/plain"),
        (b"", ""),
    ],
)
def test_what_is_no_project_page_is_refused(body: bytes, media_type: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_page(body, media_type, ADDRESS, "demo")


any_text = st.text(st.characters(exclude_categories=()), max_size=20)  # surrogates, too
values = st.recursive(
    st.none() | st.booleans() | st.integers() | any_text,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["filename", "url", "hashes", "sha256", "size", "yanked", "status"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)


@given(st.lists(values | st.builds(lambda v: entry(**v), st.dictionaries(
    st.sampled_from(["url", "size", "yanked", "hashes", "requires-python", "core-metadata"]),
    values, max_size=3)), max_size=5), values)  # fmt: skip
def test_any_json_is_read_or_refused(entries: list[Any], status: Any) -> None:
    page = read_json(*entries, **{"project-status": status})

    assert len(page.files) + page.hidden == len(entries)
    assert read_record(json.loads(json.dumps(page.record()))) == page
    render_html(page)
    render_json(page.to_json())


def test_a_name_that_comes_twice_counts_once() -> None:
    page = read_json(entry(), entry(hashes={"sha256": B}))

    assert [file.sha256 for file in page.files] == [A]


def test_a_quarantined_project_offers_nothing() -> None:
    page = read_json(entry(), **{"project-status": {"status": "quarantined"}})

    assert page.files == ()
    assert page.to_json()["project-status"] == {"status": "quarantined"}


def test_the_page_says_what_it_knows_with_addresses_on_this_host() -> None:
    sized = entry(size=5, **{"core-metadata": {"sha256": B}, "yanked": True})
    later = entry(filename="demo-1.10.tar.gz", url="https://files.example.com/x", size=6)

    page = read_json(later, sized).to_json()

    assert page["meta"] == {"api-version": "1.4"}
    assert page["versions"] == ["1.0", "1.10"]
    assert page["files"] == [
        {
            "filename": "demo-1.10.tar.gz",
            "url": "../../upstream/demo/demo-1.10.tar.gz",
            "hashes": {"sha256": A},
            "yanked": False,
            "size": 6,
        },
        {
            "filename": WHEEL,
            "url": f"../../upstream/demo/{WHEEL}",
            "hashes": {"sha256": A},
            "yanked": True,
            "size": 5,
            "core-metadata": {"sha256": B},
        },
    ]


def test_without_sizes_no_version_is_claimed_that_asks_for_them() -> None:
    page = read_json(entry())

    assert page.to_json()["meta"] == {"api-version": "1.0"}
    assert b'name="pypi:repository-version" content="1.0"' in render_html(page)


def test_the_html_says_what_the_json_says() -> None:
    reason = 'bad "quotes" & <tags>'
    facts = {"yanked": reason, "requires-python": "<4", "core-metadata": {"sha256": B}}
    page = read_json(entry(**facts), **{"project-status": {"status": "archived", "reason": reason}})

    html = render_html(page).decode()

    (file,) = parse_project_details(html, "text/html", "demo")["files"]
    assert file["filename"] == WHEEL
    assert file["url"] == f"../../upstream/demo/{WHEEL}"
    assert file["hashes"] == {"sha256": A}
    assert file.get("yanked") == reason
    assert file.get("requires-python") == "<4"
    assert file.get("core-metadata") == {"sha256": B}
    assert 'name="pypi:project-status" content="archived"' in html
    assert "<tags>" not in html


@pytest.mark.parametrize(
    ("reference", "address"),
    [
        ("/f/x", "https://index.example.com/f/x"),
        ("//files.example.com/x", "https://files.example.com/x"),
        ("https://10.0.0.1:8080/x", "https://10.0.0.1:8080/x"),
        ("gopher://index.example.com", None),
        ("", None),
        ("//a@files.example.com", None),
        ("http://index.example.com/x", None),
        ("/f/x?signature=y#sha256=z", "https://index.example.com/f/x?signature=y"),
    ],
)
def test_where_a_reference_leads(reference: str, address: str | None) -> None:
    assert web_address(ADDRESS, reference) == address


def test_an_index_without_tls_may_lead_to_one_with_it_and_to_another_without() -> None:
    plain = "http://index.example.com/simple/"

    assert web_address(plain, "https://files.example.com/x") == "https://files.example.com/x"
    assert web_address(plain, "http://files.example.com/x") == "http://files.example.com/x"


def test_core_metadata_is_beside_the_file_whatever_its_query() -> None:
    signed = UpstreamFile("x", "1", "https://files.example.com/x.whl?sig=a%2Fb&e=1", A)

    assert signed.metadata_address == "https://files.example.com/x.whl.metadata?sig=a%2Fb&e=1"
