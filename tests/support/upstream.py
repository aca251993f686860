"""Another index: a real HTTP server that answers as a test has it, and counts what is asked."""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

JSON = "application/vnd.pypi.simple.v1+json"
PATIENCE = 20.0  # seconds that an answer is held back at most


@dataclass(frozen=True)
class Reply:
    """What is sent. Of the body, *cut* bytes come at once; the rest when *hold* is set.

    With *cut* and without *hold* the rest never comes. Without *sized* the length is not declared.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int | None = None
    hold: threading.Event | None = None
    sized: bool = True


@dataclass(frozen=True)
class Asked:
    """A request: its path and its headers, in lower case."""

    path: str
    headers: Mapping[str, str]


class FakeIndex:
    """An index at *url* with what was published on it. *replies* take the place of its own."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.speaks_json = True
        self.replies: dict[str, Reply] = {}
        self.asked: list[Asked] = []
        self._entries: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self._bodies: dict[str, bytes] = {}

    @property
    def simple(self) -> str:
        """The address of its simple API."""
        return f"{self.url}/simple/"

    def publish(
        self, project: str, file: Path, *, metadata: bytes | None = None, **facts: Any
    ) -> str:
        """Offer *file*, return the path it is fetched from; *facts* are entries of its JSON.

        A fact of ``None`` leaves an entry out.
        """
        body = file.read_bytes()
        path = f"/files/{project}/{file.name}"
        self._bodies[path] = body
        entry: dict[str, Any] = {
            "filename": file.name,
            "url": f"../..{path}",
            "hashes": {"sha256": hashlib.sha256(body).hexdigest()},
            "size": len(body),
            "upload-time": "2020-02-02T00:00:00.000000Z",
        }
        if metadata is not None:
            self._bodies[f"{path}.metadata"] = metadata
            entry["core-metadata"] = {"sha256": hashlib.sha256(metadata).hexdigest()}
        entry |= {key.replace("_", "-"): value for key, value in facts.items()}
        entry = {key: value for key, value in entry.items() if value is not None}
        self._entries[project].append(entry)
        return path

    def count(self, path: str) -> int:
        """Return how often *path* was asked for."""
        return sum(request.path == path for request in self.asked)

    def reply(self, asked: Asked) -> Reply:
        """Return the answer to a request."""
        if asked.path in self.replies:
            return self.replies[asked.path]
        if asked.path in self._bodies:
            return Reply(body=self._bodies[asked.path])
        project = asked.path.removeprefix("/simple/").removesuffix("/")
        if project in self._entries:
            return self._page(project, asked)
        return Reply(status=404, body=b"not here")

    def page_json(self, project: str) -> bytes:
        """Return the project's page in JSON."""
        page = {
            "meta": {"api-version": "1.1"},
            "name": project,
            "files": self._entries[project],
        }
        return json.dumps(page).encode()

    def _page(self, project: str, asked: Asked) -> Reply:
        as_json = self.speaks_json and JSON in asked.headers.get("accept", "")
        body = self.page_json(project) if as_json else self._html(project)
        etag = f'"{hashlib.sha256(body).hexdigest()}"'
        if asked.headers.get("if-none-match") == etag:
            return Reply(304, headers={"etag": etag})
        media_type = JSON if as_json else "text/html; charset=utf-8"
        return Reply(body=body, headers={"content-type": media_type, "etag": etag})

    def _html(self, project: str) -> bytes:
        links = []
        for entry in self._entries[project]:
            address = f"{entry['url']}#sha256={entry['hashes']['sha256']}"
            python = escape(entry.get("requires-python", ""))
            attributes = f' data-requires-python="{python}"' if python else ""
            links.append(f'<a href="{address}"{attributes}>{entry["filename"]}</a>')
        return f"<!DOCTYPE html><html><body>{''.join(links)}</body></html>".encode()


@contextlib.contextmanager
def running_index() -> Iterator[FakeIndex]:
    """Run an index until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    index = FakeIndex(f"http://127.0.0.1:{server.server_address[1]}")
    server.index = index  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield index
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        index: FakeIndex = self.server.index  # type: ignore[attr-defined]
        headers = {key.lower(): value for key, value in self.headers.items()}
        asked = Asked(self.path, headers)
        index.asked.append(asked)
        reply = index.reply(asked)
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.sized and reply.status != 304:
            self.send_header("content-length", str(len(reply.body)))
        self.end_headers()
        with contextlib.suppress(OSError):  # The registry may have gone.
            self.wfile.write(reply.body[: reply.cut])
            self.wfile.flush()
            if reply.cut is not None and reply.hold is not None:
                assert reply.hold.wait(PATIENCE)
                self.wfile.write(reply.body[reply.cut :])

    def log_message(self, *_arguments: object) -> None:
        """Stay quiet."""
