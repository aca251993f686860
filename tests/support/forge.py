"""What the stand-ins for forges share: real HTTP servers on the loopback that fail as told.

A `Fault` may strike any request, before or after it had its effect. The forges themselves are in
`tests.support.forges`.
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, ClassVar, Literal
from urllib.parse import parse_qs, unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = "s3cr3t-t0ken"
OWNER, NAME = "acme", "demo"

Fault = Literal["refused", "dropped", "answer lost", "failed afterwards"]
FAULTS: tuple[Fault, ...] = ("refused", "dropped", "answer lost", "failed afterwards")


@dataclass(frozen=True)
class Request:
    """A request as it arrived, whole. *path* is as it was sent, percent-encoded."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> dict[str, Any]:
        document = json.loads(self.body)
        assert isinstance(document, dict)
        return document

    @property
    def writes(self) -> bool:
        return self.method != "GET"


@dataclass(frozen=True)
class Reply:
    """An answer: *body* is sent as JSON unless it is bytes."""

    status: int
    body: Any = b""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class StandIn(ABC):
    """A forge's state. The attributes may be set before and during a test.

    *faults* strike requests by their number, from 0; *replies* take the place of answers.
    """

    url: str = ""
    tags: set[str] = field(default_factory=lambda: {"v1.0.0"})
    may_write: bool | None = True
    requests: list[Request] = field(default_factory=list)
    faults: dict[int, Fault] = field(default_factory=dict)
    replies: dict[int, Reply] = field(default_factory=dict)
    leaks: list[str] = field(default_factory=list)
    """Where the token arrived although it must not."""
    ids: int = 0

    kind: ClassVar[Literal["github", "gitlab", "gitea"]]
    variable: ClassVar[str]

    @property
    def remote(self) -> str:
        return f"{self.url}/{OWNER}/{NAME}.git"

    @property
    def writes(self) -> list[Request]:
        return [request for request in self.requests if request.writes]

    def new_id(self) -> int:
        self.ids += 1
        return self.ids

    def respond(self, request: Request) -> Reply:
        """Return the answer to *request*, its effect included."""
        if request.headers.get("host", "").startswith("localhost"):
            return self.storage(request)
        if not self.knows(request):
            return Reply(401, {"message": "Bad credentials"})
        method = request.method
        for pattern, handler in self.routes():
            verb, _, path = pattern.partition(" ")
            found = re.fullmatch(path, request.path)
            if verb == method and found:
                reply = getattr(self, handler)(request, *map(unquote, found.groups()))
                assert isinstance(reply, Reply)
                return reply
        return Reply(404, {"message": "Not Found"})

    def storage(self, request: Request) -> Reply:
        """Answer as the foreign host that keeps the files; a token has no business there."""
        if TOKEN in str(request.headers):
            self.leaks.append(request.path)
        content = self.contents().get(unquote(request.path.rpartition("/")[2]))
        return Reply(404) if content is None else Reply(200, content)

    @abstractmethod
    def knows(self, request: Request) -> bool: ...

    @abstractmethod
    def routes(self) -> list[tuple[str, str]]: ...

    @abstractmethod
    def contents(self) -> dict[str, bytes]: ...

    @abstractmethod
    def shown(self) -> list[dict[str, Any]]:
        """Return the releases as a visitor sees them, drafts marked."""


@contextlib.contextmanager
def running(forge: StandIn) -> Iterator[StandIn]:
    """Serve *forge* until the block ends."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.forge = forge
    forge.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.005})
    thread.start()
    try:
        yield forge
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    forge: StandIn

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a client that goes away is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    timeout = 10
    # Or each answer, sent in two pieces, would wait for the client's acknowledgement.
    disable_nagle_algorithm = True

    def _serve(self) -> None:
        forge = self.server.forge
        request = self._read()
        number = len(forge.requests)
        forge.requests.append(request)
        fault = forge.faults.get(number)
        if fault == "refused":
            self._send(Reply(503, {"message": "Service Unavailable"}, {"Retry-After": "0"}))
        elif fault == "dropped":
            self._drop()
        else:
            reply = forge.replies.get(number) or forge.respond(request)
            if fault == "answer lost":
                self._drop()
            elif fault == "failed afterwards":
                self._send(Reply(502, b"<html>Bad Gateway</html>"))
            else:
                self._send(reply)

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def do_PATCH(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def _read(self) -> Request:
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", 0)))
        query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        return Request(self.command, parts.path, query, headers, body)

    def _send(self, reply: Reply) -> None:
        body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if reply.status != 204:
            self.wfile.write(body)

    def _drop(self) -> None:
        self.close_connection = True
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's
        """Write nothing: the tests look at what was received."""
