from __future__ import annotations

import gzip
import hashlib
import json
import re
from typing import TYPE_CHECKING
from urllib.parse import urljoin

import httpx
import pytest

from tests.support.registry import HTTP, JSON, RegistryServer, listed_files, read

if TYPE_CHECKING:
    from pathlib import Path

WHEEL = "demo-1.0.0-py3-none-any.whl"
FILE = f"/packages/demo/{WHEEL}"


def test_a_page_comes_in_the_format_asked_for(registry: RegistryServer) -> None:
    html = read(registry, "/simple/demo/")
    html_v1 = read(registry, "/simple/demo/?format=application/vnd.pypi.simple.v1+html")
    as_json = read(registry, "/simple/demo/", headers={"accept": f"{JSON}, text/html;q=0.1"})

    assert html.headers["content-type"] == "text/html; charset=utf-8"
    assert html_v1.headers["content-type"] == "application/vnd.pypi.simple.v1+html"
    assert html_v1.content == html.content
    assert as_json.headers["content-type"] == JSON
    assert as_json.json()["meta"] == {"api-version": "1.4"}
    for answer in (html, html_v1, as_json):
        assert answer.headers["vary"] == "Accept, Accept-Encoding"


def test_what_nobody_can_serve_is_406(registry: RegistryServer) -> None:
    answer = read(registry, "/simple/demo/", headers={"accept": "image/png"})

    assert answer.status_code == 406
    assert JSON in answer.text
    assert read(registry, "/simple/?format=json").status_code == 406


def test_the_addresses_on_a_page_lead_to_the_files(registry: RegistryServer, wheel: Path) -> None:
    page = f"{registry.url}/simple/demo/"
    file = listed_files(registry, "demo")[WHEEL]
    (link,) = re.findall(rf'href="([^"]*{WHEEL}[^"]*)"', read(registry, "/simple/demo/").text)

    assert urljoin(page, file["url"]) == registry.url + FILE
    assert urljoin(page, link) == f"{registry.url}{FILE}#sha256={file['hashes']['sha256']}"
    assert read(registry, FILE).content == wheel.read_bytes()
    assert file["size"] == len(wheel.read_bytes())
    assert file["requires-python"] == ">=3.9,<4"


def test_core_metadata_has_the_hash_that_the_page_gives(registry: RegistryServer) -> None:
    files = listed_files(registry, "demo")

    metadata = read(registry, f"{FILE}.metadata")

    assert metadata.headers["content-type"] == "text/plain; charset=utf-8"
    digest = hashlib.sha256(metadata.content).hexdigest()
    assert files[WHEEL]["core-metadata"] == {"sha256": digest}
    assert "core-metadata" not in files["demo-1.0.0.tar.gz"]


def test_pages_are_compressed_for_who_takes_it(registry: RegistryServer) -> None:
    headers = {"accept": JSON}
    plain = read(registry, "/simple/", headers=headers | {"accept-encoding": "identity"})
    with HTTP.stream(
        "GET",
        f"{registry.url}/simple/",
        headers=headers | {"accept-encoding": "gzip"},
        auth=("rae", "reader-secret"),
    ) as compressed:
        raw = b"".join(compressed.iter_raw())

    assert "content-encoding" not in plain.headers
    assert compressed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(raw) == plain.content
    assert json.loads(plain.content)["projects"] == [{"name": "demo"}]
    assert compressed.headers["etag"] != plain.headers["etag"]


@pytest.mark.parametrize("path", ["/simple/", "/simple/demo/", FILE, f"{FILE}.metadata"])
def test_who_has_it_is_told_so(registry: RegistryServer, path: str) -> None:
    first = read(registry, path)
    etag = first.headers["etag"]

    again = read(registry, path, headers={"if-none-match": f'"other", W/{etag}'})
    other = read(registry, path, headers={"if-none-match": '"other"'})

    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == etag
    assert (other.status_code, other.content) == (200, first.content)


def test_pages_and_files_are_asked_about_each_time(registry: RegistryServer) -> None:
    assert read(registry, "/simple/demo/").headers["cache-control"] == "no-cache"
    for path in (FILE, f"{FILE}.metadata"):
        cache_control = read(registry, path).headers["cache-control"]
        assert cache_control == "private, no-cache"
    assert read(registry, "/simple/none/").headers["cache-control"] == "no-store"


def test_a_part_of_a_file_can_be_asked_for(registry: RegistryServer, wheel: Path) -> None:
    content = wheel.read_bytes()

    part = read(registry, FILE, headers={"range": "bytes=2-5"})
    tail = read(registry, FILE, headers={"range": "bytes=-10"})

    assert (part.status_code, part.content) == (206, content[2:6])
    assert part.headers["content-range"] == f"bytes 2-5/{len(content)}"
    assert tail.content == content[-10:]


@pytest.mark.parametrize("value", ["pages=1-2", "bytes=abc", "bytes", "bytes=9-1", "bytes=-"])
def test_a_malformed_range_is_the_whole_file(
    registry: RegistryServer, wheel: Path, value: str
) -> None:
    answer = read(registry, FILE, headers={"range": value})

    assert answer.status_code == 200
    assert answer.content == wheel.read_bytes()
    assert "content-range" not in answer.headers


@pytest.mark.parametrize("value", ["bytes=100000-", "bytes=0-1,100000-"])
def test_a_part_that_is_not_there_is_416(registry: RegistryServer, wheel: Path, value: str) -> None:
    answer = read(registry, FILE, headers={"range": value})

    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{wheel.stat().st_size}"
    assert (
        answer.text == f"The file has {wheel.stat().st_size} bytes, and not the range asked for.\n"
    )


@pytest.mark.parametrize("path", ["/simple/", "/simple/demo/", FILE, "/health", "/"])
def test_head_is_get_without_the_body(registry: RegistryServer, path: str) -> None:
    url, auth = registry.url + path, ("rae", "reader-secret")
    head = HTTP.head(url, auth=auth)
    get = HTTP.get(url, auth=auth)

    assert head.content == b""
    assert {k: v for k, v in head.headers.items() if k != "date"} == {
        k: v for k, v in get.headers.items() if k != "date"
    }


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/simple", "/simple/"),
        ("/simple/demo", "/simple/demo/"),
        ("/simple/De_Mo", "/simple/de-mo/"),
        ("/simple/De..Mo/?format=text/html", "/simple/de-mo/?format=text/html"),
    ],
)
def test_other_spellings_lead_to_the_page(registry: RegistryServer, path: str, target: str) -> None:
    answer = read(registry, path)

    assert answer.status_code == 301
    assert urljoin(registry.url + path, answer.headers["location"]) == registry.url + target


@pytest.mark.parametrize(
    "path",
    [
        "/simple/none/",
        "/simple/-/",
        "/simple/a%2Fb/",
        "/simple//",
        "/simple/..%2f..%2fauth/",
        "/simple/%00/",
        "/packages/demo/none-1.0.tar.gz",
        "/packages/demo/..%2f..%2fauth%2fhtpasswd",
        "/packages/%2e%2e/auth/htpasswd",
        "/packages/../auth/htpasswd",
        "/packages/Demo/" + WHEEL,
        "/packages/demo/.metadata",
        "/packages/demo/",
        "/auth/htpasswd",
        "/.work/incoming/",
        "/nothing",
    ],
)
def test_what_is_not_there_is_404_with_a_sentence(registry: RegistryServer, path: str) -> None:
    answer = HTTP.send(
        httpx.Request(
            "GET",
            httpx.URL(registry.url).copy_with(raw_path=path.encode()),
            headers={"authorization": httpx.BasicAuth("rae", "reader-secret")._auth_header},
        )
    )

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert re.fullmatch(r"There is .*\.\n", answer.text)


def test_an_error_is_json_for_who_asks(registry: RegistryServer) -> None:
    answer = read(registry, "/simple/none/", headers={"accept": f"{JSON}, application/json;q=0.5"})

    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "title": "Not Found",
        "status": 404,
        "detail": "There is no project none in this index.",
    }


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/simple/", "GET, HEAD, POST"),
        ("DELETE", "/simple/demo/", "GET, HEAD"),
        ("POST", "/simple/demo/", "GET, HEAD"),
        ("GET", "/legacy/", "POST"),
        ("POST", "/health", "GET, HEAD"),
    ],
)
def test_another_method_is_405(
    registry: RegistryServer, method: str, path: str, allowed: str
) -> None:
    answer = HTTP.request(method, registry.url + path)

    assert answer.status_code == 405
    assert answer.headers["allow"] == allowed
    assert answer.text.endswith(".\n")


def test_a_person_is_told_what_this_is(registry: RegistryServer) -> None:
    answer = read(registry, "/", user=None)

    assert answer.status_code == 200
    assert "/simple/" in answer.text


def test_health_and_readiness_are_for_anybody(registry: RegistryServer) -> None:
    health = read(registry, "/health", user=None)
    ready = read(registry, "/ready", user=None)

    assert health.json()["status"] == "ok"
    assert ready.json()["status"] == "ready"
    assert health.json()["version"]
