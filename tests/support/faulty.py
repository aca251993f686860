"""A package index that misbehaves as told: a real HTTP server on a free port of the loopback.

Uploads are answered by the script, a `Reply` each, and with 200 once the script is at its end.
What a reply stores is shown on the project page, as JSON or HTML, truthfully unless told to lie.
"""

from __future__ import annotations

import contextlib
import hashlib
import html
import json
import re
import socket
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator, Mapping

Style = Literal["json", "html", "html-without-hashes"]
SMALLEST_UPLOAD = 600  # bytes; without a file a form is smaller than the smallest wheel


@dataclass(frozen=True)
class Reply:
    """What an upload gets.

    *stores*: the file is kept, whatever the status. *cut_after*: the connection is dropped after
    that many bytes of the request. *truncated*: more is promised than is sent. *silent*: the
    whole request is read and the connection closed without a word. *hangs*: no answer comes
    until the server ends; the request is read only where it is *silent*, too. *slow*: so many
    seconds pass before anything is done.
    """

    status: int = 200
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    phrase: str | None = None
    stores: bool = False
    cut_after: int | None = None
    truncated: bool = False
    silent: bool = False
    hangs: bool = False
    slow: float = 0.0


@dataclass(frozen=True)
class Post:
    """An upload as it arrived, whole."""

    path: str
    headers: dict[str, str]
    fields: dict[str, list[str]]
    filename: str
    content: bytes


@dataclass
class FaultyIndex:
    """A running server and its script. The attributes may be set before and during a test."""

    url: str
    replies: deque[Reply] = field(default_factory=deque)
    page_replies: deque[Reply] = field(default_factory=deque)
    style: Style = "json"
    files: dict[str, bytes] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)
    """The hash that the page shows for a file name, where it is not the true one."""
    keeps_signatures: bool = False
    """Whether what is sent as attestations is shown as provenance (PEP 740)."""
    provenance: dict[str, bytes] = field(default_factory=dict)
    hidden_reads: int = 0
    """How many readings of the page, from the first upload on, do not show it yet."""
    posts: list[Post] = field(default_factory=list)
    gets: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    attempts: int = 0
    """How many uploads were begun, whole or not."""
    probes: int = 0
    """How often it was asked whether it takes uploads: with a form that has no file."""
    probe_reply: Reply = Reply(400, "there is no file")
    connections: int = 0
    at_once: int = 0
    most_at_once: int = 0
    """The most uploads that were under way at a time."""
    hanging: threading.Event = field(default_factory=threading.Event)
    """Set once an upload hangs."""
    ended: threading.Event = field(default_factory=threading.Event)
    """Set when the server ends."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextlib.contextmanager
    def counting(self) -> Iterator[None]:
        """Count an upload that is under way."""
        with self._lock:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            yield
        finally:
            with self._lock:
                self.at_once -= 1

    def script(self, *replies: Reply) -> None:
        """Answer the next uploads so."""
        self.replies.extend(replies)

    def has(self, filename: str, content: bytes) -> None:
        """Have a file from the beginning."""
        self.files[filename] = content

    def sha256(self, filename: str) -> str:
        """Return the hash that the page shows for *filename*."""
        return self.hashes.get(filename) or hashlib.sha256(self.files[filename]).hexdigest()

    def store(self, post: Post) -> None:
        """Keep what was sent."""
        self.files[post.filename] = post.content
        if self.keeps_signatures and "attestations" in post.fields:
            bundle = {"attestations": json.loads(post.fields["attestations"][0])}
            document = {"version": 1, "attestation_bundles": [bundle]}
            self.provenance[post.filename] = json.dumps(document).encode()

    def page(self) -> tuple[str, str]:
        """Return the project page's media type and text."""
        files = dict(self.files)  # Another thread may take a file meanwhile.
        if self.posts and self.hidden_reads > 0:
            self.hidden_reads -= 1
            files = {}
        if self.style == "json":
            entries = [
                {
                    "filename": name,
                    "url": f"/files/{name}",
                    "hashes": {"sha256": self.sha256(name)},
                    "provenance": f"/provenance/{name}" if name in self.provenance else None,
                }
                for name in files
            ]
            version = "1.3" if self.keeps_signatures else "1.1"
            document = {"meta": {"api-version": version}, "name": "demo", "files": entries}
            return "application/vnd.pypi.simple.v1+json", json.dumps(document)
        links = "".join(
            f'<a href="../../files/{html.escape(name)}{self._fragment(name)}">{name}</a><br>\n'
            for name in files
        )
        return "text/html", f"<!DOCTYPE html><html><body>\n{links}</body></html>"

    def _fragment(self, name: str) -> str:
        return "" if self.style == "html-without-hashes" else f"#sha256={self.sha256(name)}"


@contextlib.contextmanager
def faulty_index(tls: ssl.SSLContext | None = None) -> Iterator[FaultyIndex]:
    """Run a `FaultyIndex` until the block ends, over https where *tls* is given."""
    server = _Server(("127.0.0.1", 0), _Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    scheme = "http" if tls is None else "https"
    server.index = FaultyIndex(f"{scheme}://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.index
    finally:
        server.index.ended.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    index: FaultyIndex

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a client that goes away is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    timeout = 10

    def setup(self) -> None:
        self.server.index.connections += 1
        super().setup()

    def do_GET(self) -> None:
        index = self.server.index
        index.gets.append((self.path, dict(self.headers)))
        if index.page_replies and not self.path.startswith("/files/"):
            self._answer(index.page_replies.popleft())
        elif self.path.startswith("/files/"):
            self._send(200, "application/octet-stream", index.files[self.path[7:]])
        elif self.path.startswith("/provenance/"):
            self._send(200, "application/json", index.provenance[self.path[12:]])
        elif not index.files:
            self._send(404, "text/plain", b"no such project")
        else:
            kind, text = index.page()
            self._send(200, kind, text.encode())

    def do_POST(self) -> None:
        index = self.server.index
        if int(self.headers["Content-Length"]) < SMALLEST_UPLOAD:
            self.rfile.read(int(self.headers["Content-Length"]))
            index.probes += 1
            self._answer(index.probe_reply)
            return
        index.attempts += 1
        with index.counting():
            self._take_upload(index)

    def _take_upload(self, index: FaultyIndex) -> None:
        reply = index.replies.popleft() if index.replies else Reply(stores=True)
        if reply.hangs:
            if reply.silent:
                self.rfile.read(int(self.headers["Content-Length"]))
            index.hanging.set()
            index.ended.wait()
        if reply.cut_after is not None or reply.hangs:
            self.rfile.read(reply.cut_after or 0)
            self._drop()
            return
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if len(body) < int(self.headers["Content-Length"]):
            self.close_connection = True  # The client has gone away.
            return
        time.sleep(reply.slow)
        post = _parse(self.path, dict(self.headers), body)
        index.posts.append(post)
        if reply.stores:
            index.store(post)
        self._drop() if reply.silent else self._answer(reply)

    def _answer(self, reply: Reply) -> None:
        body = reply.body.encode()
        self.send_response(reply.status, reply.phrase)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) + (100 if reply.truncated else 0)))
        self.end_headers()
        self.wfile.write(body)
        if reply.truncated:
            self._drop()

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _drop(self) -> None:
        self.close_connection = True
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's
        """Write nothing: the tests look at what was received."""


def _parse(path: str, headers: dict[str, str], body: bytes) -> Post:
    boundary = headers["Content-Type"].partition("boundary=")[2].encode()
    fields: dict[str, list[str]] = {}
    filename, content = "", b""
    for part in body.split(b"--" + boundary)[1:-1]:
        head, _, value = part[2:-2].partition(b"\r\n\r\n")
        name = _attribute("name", head)
        if _attribute("filename", head):
            filename, content = _attribute("filename", head), value
        else:
            fields.setdefault(name, []).append(value.decode())
    return Post(path, headers, fields, filename, content)


def _attribute(name: str, head: bytes) -> str:
    found = re.search(rf'[ ;]{name}="([^"]*)"', head.decode())
    return found[1] if found else ""
