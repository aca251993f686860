"""Each page of the simple API against the specifications, and one format against the other."""

from __future__ import annotations

import gzip
import hashlib
import json
import warnings
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urljoin

import pytest
from mousebender import simple

from tests.conformance.conftest import stock
from tests.conformance.standards import (
    API_VERSION,
    Page,
    check_project_list,
    check_project_page,
    check_provenance,
    file_of_link,
)
from tests.support.attestations import attestation
from tests.support.distributions import make_sdist, make_wheel
from tests.support.registry import (
    HTTP,
    JSON,
    RegistryServer,
    read,
    running_registry,
    upload,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

HTML_V1 = "application/vnd.pypi.simple.v1+html"
LATEST = "application/vnd.pypi.simple.latest"
REASON = """it's <b>"broken"</b> & gone"""
WHEEL = "/packages/full/full-1.0-py3-none-any.whl"
PAGES = ["/simple/", "/simple/full/", "/simple/base/", "/simple/held/"]
TRACKS = ["https://index.example.com/simple/full/?a=1&b=2"]
ALTERNATES = ["https://one.example.com/simple/full/", "https://two.example.com/simple/full/"]


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    """Return a registry whose project ``full`` has all that a page can tell."""
    folder = tmp_path_factory.mktemp("registry")
    with running_registry(folder / "data") as server:
        stock(server, folder)
        fill(server, folder)
        yield server


def fill(server: RegistryServer, folder: Path) -> None:
    signed = make_wheel(folder, "full", "1.0", requires_python=">=3.8,<4,!=3.9.*")
    files = [
        make_sdist(folder, "full", "1.0", requires_python=">=3.8,<4"),
        make_wheel(folder, "full", "1!2.0+local.1"),
        make_wheel(folder, "full", "2.0rc1"),
        make_wheel(folder, "full", "3.0"),
        make_wheel(folder, "held"),
    ]
    about = attestation(signed.name, hashlib.sha256(signed.read_bytes()).hexdigest())
    fields = {"attestations": json.dumps([about])}
    assert upload(server, signed, fields=fields).status_code == 200
    for file in files:
        assert upload(server, file).status_code == 200, file.name
    change(server, "PUT", "full/versions/2.0rc1/yank", reason=REASON)
    change(server, "PUT", "full/versions/3.0/yank", reason="")
    change(
        server,
        "PATCH",
        "full",
        status="deprecated",
        reason=REASON,
        tracks=TRACKS,
        alternate_locations=ALTERNATES,
    )
    change(server, "PATCH", "held", status="quarantined", reason="It may be malware.")


def change(server: RegistryServer, method: str, path: str, **body: object) -> None:
    auth = ("ada", server.users["ada"][0])
    answer = HTTP.request(method, f"{server.url}/api/v1/projects/{path}", json=body, auth=auth)
    assert answer.status_code == 200, answer.text


def page_in(server: RegistryServer, path: str, media_type: str) -> httpx.Response:
    answer = read(server, path, headers={"accept": media_type})
    assert answer.status_code == 200
    assert answer.headers["content-type"].partition(";")[0] == media_type
    return answer


def project_page(server: RegistryServer, project: str) -> dict[str, Any]:
    page: dict[str, Any] = page_in(server, f"/simple/{project}/", JSON).json()
    return page


def test_the_project_list_is_the_same_in_both_formats(registry: RegistryServer) -> None:
    listed = page_in(registry, "/simple/", JSON).json()
    page = Page.read(page_in(registry, "/simple/", "text/html").text)

    check_project_list(listed)
    assert [project["name"] for project in listed["projects"]] == ["base", "full", "held", "top"]
    assert page.doctype.lower() == "doctype html"
    assert page.meta("pypi:repository-version") == [API_VERSION]
    assert [(text, link["href"]) for text, link in page.links] == [
        (project["name"], f"{project['name']}/") for project in listed["projects"]
    ]


@pytest.mark.parametrize("project", ["full", "base", "top", "held"])
def test_a_project_page_is_the_same_in_both_formats(registry: RegistryServer, project: str) -> None:
    listed = project_page(registry, project)
    page = Page.read(page_in(registry, f"/simple/{project}/", "text/html").text)

    check_project_page(listed)
    assert page.doctype.lower() == "doctype html"
    assert page.meta("pypi:repository-version") == [listed["meta"]["api-version"]]
    assert page.meta("pypi:project-status") == [listed["project-status"]["status"]]
    reason = listed["project-status"].get("reason")
    assert page.meta("pypi:project-status-reason") == ([] if reason is None else [reason])
    assert page.meta("pypi:tracks") == listed["meta"].get("tracks", [])
    assert page.meta("pypi:alternate-locations") == listed.get("alternate-locations", [])
    told_by_json_alone = {"size", "upload-time"}
    assert [file_of_link(text, link) for text, link in page.links] == [
        {key: value for key, value in file.items() if key not in told_by_json_alone}
        for file in listed["files"]
    ]


@pytest.mark.parametrize("project", ["full", "base", "held"])
def test_another_parser_reads_both_formats_alike(registry: RegistryServer, project: str) -> None:
    parsed = []
    for media_type in (JSON, HTML_V1):
        answer = page_in(registry, f"/simple/{project}/", media_type)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", simple.APIVersionWarning)  # It knows 1.1 of HTML.
            parsed.append(simple.parse_project_details(answer.text, media_type, project))
    from_json, from_html = parsed

    told_by_html = {"filename", "hashes", "requires-python", "core-metadata"}
    assert from_html["name"] == from_json["name"]
    for one, other in zip(from_json["files"], from_html["files"], strict=True):
        assert {k: v for k, v in one.items() if k in told_by_html} == {
            k: v for k, v in other.items() if k in told_by_html
        }
        assert one["url"] == unquote(other["url"])
        assert one.get("yanked", False) == other.get("yanked", False)


def test_a_page_tells_what_it_was_told(registry: RegistryServer) -> None:
    page = project_page(registry, "full")
    files = {file["filename"]: file for file in page["files"]}

    assert page["versions"] == ["1.0", "2.0rc1", "3.0", "1!2.0+local.1"]
    assert page["meta"]["tracks"] == TRACKS
    assert page["alternate-locations"] == ALTERNATES
    assert page["project-status"] == {"status": "deprecated", "reason": REASON}
    assert {name: file["yanked"] for name, file in files.items()} == {
        "full-1!2.0+local.1-py3-none-any.whl": False,
        "full-1.0-py3-none-any.whl": False,
        "full-1.0.tar.gz": False,
        "full-2.0rc1-py3-none-any.whl": REASON,
        "full-3.0-py3-none-any.whl": True,
    }
    assert files["full-1.0.tar.gz"]["requires-python"] == ">=3.8,<4"


def test_a_quarantined_project_offers_nothing(registry: RegistryServer) -> None:
    page = project_page(registry, "held")

    assert page["project-status"] == {"status": "quarantined", "reason": "It may be malware."}
    assert page["files"] == []
    assert page["versions"] == ["1.0.0"]
    file = "/packages/held/held-1.0.0-py3-none-any.whl"
    assert read(registry, file).status_code == 404
    assert read(registry, f"{file}.metadata").status_code == 404


@pytest.mark.parametrize("project", ["full", "base", "top"])
def test_what_a_page_says_of_its_files_is_true(registry: RegistryServer, project: str) -> None:
    for file in project_page(registry, project)["files"]:
        path = urljoin(f"/simple/{project}/", file["url"])
        content = read(registry, path).content
        assert len(content) == file["size"]
        assert hashlib.sha256(content).hexdigest() == file["hashes"]["sha256"]
        if "core-metadata" in file:
            metadata = read(registry, f"{path}.metadata").content
            assert hashlib.sha256(metadata).hexdigest() == file["core-metadata"]["sha256"]
        if "provenance" in file:
            provenance = read(registry, urljoin(f"/simple/{project}/", file["provenance"]))
            assert provenance.headers["content-type"] == "application/json"
            check_provenance(provenance.json())


def test_metadata_is_told_of_for_wheels_and_provenance_where_it_is(
    registry: RegistryServer,
) -> None:
    files = project_page(registry, "full")["files"]

    assert {f["filename"] for f in files if "core-metadata" not in f} == {"full-1.0.tar.gz"}
    assert [f["filename"] for f in files if "provenance" in f] == ["full-1.0-py3-none-any.whl"]


@pytest.mark.parametrize("path", ["/simple/", "/simple/full/"])
@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, "text/html"),
        ("*/*", "text/html"),
        ("text/html", "text/html"),
        ("text/*;q=0.1", "text/html"),
        (JSON, JSON),
        (HTML_V1, HTML_V1),
        (f"{LATEST}+json", JSON),
        (f"{LATEST}+html", HTML_V1),
        (f"{JSON}, {HTML_V1};q=0.2, text/html;q=0.01", JSON),
        (f"{JSON};q=0.1, {HTML_V1};q=0.2, text/html;q=0.01", HTML_V1),
        (f"{JSON};q=0.001, text/html;q=0.002", "text/html"),
        (f"{JSON};q=0, */*", "text/html"),
        (f"application/vnd.pypi.simple.v2+json, {JSON};q=0.5", JSON),
        ("application/vnd.pypi.simple.v2+json", None),
        ("application/json", None),
        (f"{JSON};q=0", None),
    ],
)
def test_the_format_is_negotiated(
    registry: RegistryServer, path: str, accept: str | None, expected: str | None
) -> None:
    # An empty header stands for none, which httpx would fill in.
    answer = read(registry, path, headers={"accept": accept or ""})

    if expected is None:
        assert answer.status_code == 406
        return
    assert answer.headers["content-type"].partition(";")[0] == expected
    assert "accept" in answer.headers["vary"].lower().split(", ")
    assert answer.content.startswith(b"{" if expected == JSON else b"<!DOCTYPE html>")


@pytest.mark.parametrize("path", ["/simple/", "/simple/full/"])
def test_a_format_in_the_address_wins(registry: RegistryServer, path: str) -> None:
    for asked, expected in {
        f"{LATEST}+json": JSON,
        HTML_V1: HTML_V1,
        "text/html": "text/html",
    }.items():
        answer = read(registry, f"{path}?format={asked}", headers={"accept": "image/png"})
        assert answer.headers["content-type"].partition(";")[0] == expected
    assert read(registry, f"{path}?format=image/png").status_code == 406


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("accept", [JSON, "text/html"])
def test_pages_are_compressed_only_for_who_takes_it(
    registry: RegistryServer, path: str, accept: str
) -> None:
    answers = {}
    for encoding in ("gzip", "identity", "gzip;q=0", "br"):
        headers = {"accept": accept, "accept-encoding": encoding}
        url, auth = registry.url + path, ("rae", registry.users["rae"][0])
        with HTTP.stream("GET", url, headers=headers, auth=auth) as answer:
            raw = b"".join(answer.iter_raw())
            answers[encoding] = (answer.headers.get("content-encoding"), raw)
            assert int(answer.headers["content-length"]) == len(raw)

    plain = answers["identity"]
    assert plain == answers["gzip;q=0"] == answers["br"]
    assert plain[0] is None
    assert answers["gzip"][0] == "gzip"
    assert gzip.decompress(answers["gzip"][1]) == plain[1]


@pytest.mark.parametrize("path", [*PAGES, WHEEL, f"{WHEEL}.metadata", f"{WHEEL}.provenance"])
@pytest.mark.parametrize("accept", [JSON, "text/html"])
@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_head_has_the_headers_of_get(
    registry: RegistryServer, path: str, accept: str, encoding: str
) -> None:
    headers = {"accept": accept, "accept-encoding": encoding}
    url, auth = registry.url + path, ("rae", registry.users["rae"][0])
    head, get = (HTTP.request(m, url, headers=headers, auth=auth) for m in ("HEAD", "GET"))

    assert (head.status_code, head.content) == (200, b"")
    assert get.content
    assert {k: v for k, v in head.headers.items() if k != "date"} == {
        k: v for k, v in get.headers.items() if k != "date"
    }


@pytest.mark.parametrize("spelling", ["Full", "FULL", "full"])
def test_other_spellings_lead_to_the_page(registry: RegistryServer, spelling: str) -> None:
    bare = read(registry, f"/simple/{spelling}")
    whole = read(registry, f"/simple/{spelling}/")

    assert bare.status_code == 301
    assert urljoin(f"/simple/{spelling}", bare.headers["location"]) == "/simple/full/"
    if spelling != "full":
        assert whole.status_code == 301
        assert urljoin(f"/simple/{spelling}/", whole.headers["location"]) == "/simple/full/"


def test_a_download_goes_on_where_it_ended(registry: RegistryServer) -> None:
    whole = read(registry, WHEEL)
    middle = {"range": "bytes=100-199"}

    part = read(registry, WHEEL, headers=middle)
    same = read(registry, WHEEL, headers=middle | {"if-range": whole.headers["etag"]})
    changed = read(registry, WHEEL, headers=middle | {"if-range": '"other"'})

    assert whole.headers["accept-ranges"] == "bytes"
    assert (part.status_code, part.content) == (206, whole.content[100:200])
    assert part.headers["content-range"] == f"bytes 100-199/{len(whole.content)}"
    assert (same.status_code, same.content) == (206, part.content)
    assert (changed.status_code, changed.content) == (200, whole.content)


def test_entity_tags_outlive_the_process(tmp_path: Path) -> None:
    data = tmp_path / "data"
    answers = []
    for _ in range(2):
        with running_registry(data) as server:
            upload(server, make_wheel(tmp_path))
            file = "/packages/demo/demo-1.0.0-py3-none-any.whl"
            answers.append(
                [
                    read(server, path, headers={"accept": accept, "accept-encoding": encoding})
                    for path in ("/simple/", "/simple/demo/", file, f"{file}.metadata")
                    for accept in (JSON, "text/html")
                    for encoding in ("gzip", "identity")
                ]
            )

    before, after = ([answer.headers["etag"] for answer in found] for found in answers)
    assert before == after
    assert len(set(before)) == 10  # each format and coding of the two pages, and the two files


def test_a_page_that_is_known_is_not_sent_again(registry: RegistryServer) -> None:
    for path in (*PAGES, WHEEL, f"{WHEEL}.metadata"):
        first = read(registry, path, headers={"accept": JSON})
        again = read(
            registry, path, headers={"accept": JSON, "if-none-match": first.headers["etag"]}
        )
        other = read(registry, path, headers={"accept": "text/html", "if-none-match": '"other"'})

        assert (again.status_code, again.content) == (304, b"")
        for header in ("etag", "cache-control", "vary"):  # RFC 9110, section 15.4.5
            assert again.headers.get(header) == first.headers.get(header)
        assert other.status_code == 200
