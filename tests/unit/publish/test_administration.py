"""The client of the registry's API, and servers that answer what they should not."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, ClassVar

import pytest

from poetry_aegis.errors import Forbidden, NotAnUploadUrl, PublishError, Unreachable, UsageError
from poetry_aegis.publish.administration import Administration, administration, api_url_of
from poetry_aegis.publish.contents import parse_release
from tests.unit.publish.conftest import IMPATIENT, PASSWORD, repository_at

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE = {
    "file_name": "lib-1.0.tar.gz",
    "size": 10,
    "upload_time": "2026-01-01T00:00:00Z",
    "yanked": True,
    "reason": "bad\x1b[31m\n\u202e",
}
RECORD = {
    "name": "lib",
    "status": "active",
    "reason": None,
    "versions": [{"version": "1.0", "yanked": True, "files": [FILE]}],
}


class Scripted(BaseHTTPRequestHandler):
    """Answers each request with the next of its *replies*: status, media type and body."""

    replies: ClassVar[list[tuple[int, str, bytes]]] = []
    asked: ClassVar[list[str]] = []

    def answer(self) -> None:
        self.asked.append(f"{self.command} {self.path}")
        status, media_type, body = self.replies.pop(0)
        self.send_response(status)
        self.send_header("content-type", media_type)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815 -- as http.server calls them

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def answering(*replies: tuple[int, str, bytes]) -> Iterator[Administration]:
    """Yield the client of a server that gives those *replies*."""
    Scripted.replies[:], Scripted.asked[:] = list(replies), []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Scripted)
    threading.Thread(target=server.serve_forever, args=(0.01,)).start()
    repository = repository_at(f"http://127.0.0.1:{server.server_port}/prefix/legacy/")
    try:
        with administration(repository, tell=lambda _: None, patience=IMPATIENT) as index:
            yield index
    finally:
        server.shutdown()
        server.server_close()


def reply(document: object, status: int = 200) -> tuple[int, str, bytes]:
    return status, "application/json", json.dumps(document).encode()


def problem(status: int, detail: str) -> tuple[int, str, bytes]:
    return status, "application/problem+json", json.dumps({"detail": detail}).encode()


@pytest.mark.parametrize(
    ("upload_url", "api"),
    [
        ("https://corp.example/legacy/", "https://corp.example/api/v1/"),
        ("https://corp.example/a/b/legacy/", "https://corp.example/a/b/api/v1/"),
        ("https://corp.example/a/simple/", "https://corp.example/a/api/v1/"),
        ("https://corp.example", "https://corp.example/api/v1/"),
        ("http://corp.example:8080/", "http://corp.example:8080/api/v1/"),
    ],
)
def test_the_api_is_beside_the_upload_address(upload_url: str, api: str) -> None:
    assert api_url_of(repository_at(upload_url)) == api


def test_what_is_no_address_is_not_asked() -> None:
    repository = repository_at("ftp://corp.example/legacy/")
    with pytest.raises(NotAnUploadUrl), administration(repository, tell=lambda _: None):
        pass


@pytest.mark.parametrize(
    ("text", "project", "version"),
    [("Lib.A", "lib-a", None), ("lib == 1.0.0", "lib", "1.0.0"), ("lib==1.0RC1", "lib", "1.0rc1")],
)
def test_a_release_is_read(text: str, project: str, version: str | None) -> None:
    release = parse_release(text)
    assert release.project == project
    assert str(release.version or "") == (version or "")


@pytest.mark.parametrize("text", ["", "==1.0", "lib==", "lib=1.0", "lib==1==2", "a/b", "lib@1.0"])
def test_what_names_no_release_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_release(text)


def test_a_record_is_read_without_what_steers_terminals() -> None:
    with answering(reply(RECORD)) as index:
        project = index.project("lib")
    assert Scripted.asked == ["GET /prefix/api/v1/projects/lib"]
    assert project.files[0].yanked == "bad [31m  "
    assert project.versions[0].yanked


@pytest.mark.parametrize(
    "answer",
    [
        (404, "text/html", b"<title>Not found</title>"),
        (404, "application/json", b'{"message": "no"}'),
        (405, "text/plain", b"no"),
        (200, "text/html", b"<html>Welcome</html>"),
        (200, "application/json", b"[]"),
        (200, "application/json", b'{"may": []}'),
        (302, "text/plain", b"elsewhere"),
        (200, "application/json", b"[" * 100_000),
    ],
)
def test_another_index_is_told_from_ours(answer: tuple[int, str, bytes]) -> None:
    with answering(answer) as index, pytest.raises(PublishError, match="has no API for that"):
        index.require_right("yank", "lib")


@pytest.mark.parametrize("right", [False, None, "true"])
def test_a_right_is_there_only_where_it_is_said_to_be(right: object) -> None:
    with answering(reply({"may": {"delete": right}})) as index, pytest.raises(Forbidden) as caught:
        index.require_right("delete", "lib")
    assert "role admin" in caught.value.hint


@pytest.mark.parametrize(
    "document",
    [
        {},
        {**RECORD, "versions": [{"version": "one", "yanked": True, "files": []}]},
        {**RECORD, "versions": 3},
        {**RECORD, "name": ["lib"]},
        {**RECORD, "versions": [{"version": "1.0", "yanked": True, "files": [{}]}]},
    ],
)
def test_a_strange_record_is_told(document: object) -> None:
    with answering(reply(document)) as index, pytest.raises(PublishError, match="but not as"):
        index.project("lib")


def test_a_refusal_is_told_in_the_servers_words_and_without_the_password() -> None:
    refused = problem(400, f"No, {PASSWORD} is wrong.")
    with answering(refused) as index, pytest.raises(PublishError, match=r"No, \*\*\* is wrong"):
        index.yank("lib", "1.0", "bad")
    with answering(problem(403, "Not you.")) as index, pytest.raises(Forbidden, match="Not you"):
        index.set_status("lib", "active", None)


def test_a_yank_is_repeated_after_a_busy_answer_and_a_deletion_is_not() -> None:
    done = reply({"files": ["a"], "changed": ["a"]})
    busy = problem(503, "Busy.")
    with answering(busy, done) as index:
        assert index.yank("lib", "1.0", "bad").changed == ("a",)
    with answering(busy, done) as index, pytest.raises(Unreachable, match="Busy"):
        index.delete_version("lib", "1.0")
    assert Scripted.asked == ["DELETE /prefix/api/v1/projects/lib/versions/1.0"]
