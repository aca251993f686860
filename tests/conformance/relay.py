"""A proxy between a client and a registry, which notes what passes and may turn JSON off."""

from __future__ import annotations

import contextlib
import http.client
import shutil
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import unquote, urlsplit

from tests.support.registry import JSON

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.registry import RegistryServer

# The `Accept` header that is sent in the client's place, and what its pages are then.
FORMATS = {"json": (None, JSON), "html": ("text/html", "text/html")}
_OF_THE_CONNECTION = {"connection", "keep-alive", "transfer-encoding", "server", "date"}


@dataclass(frozen=True)
class Passed:
    """A request that passed, and what was answered."""

    method: str
    path: str
    status: int
    content_type: str
    agent: str


@dataclass
class Index:
    """A registry as its clients see it: in one format. *passed* is what they asked for."""

    url: str
    registry: RegistryServer
    format: str
    passed: list[Passed] = field(default_factory=list)

    def as_user(self, user: str = "rae", password: str | None = None) -> str:
        """Return the address of the simple API with *user*'s credentials in it."""
        secret = self.registry.users[user][0] if password is None else password
        return f"http://{user}:{secret}@{urlsplit(self.url).netloc}/simple/"

    @property
    def simple(self) -> str:
        """The address of the simple API, without credentials."""
        return f"{self.url}/simple/"

    def sent_only_its_format(self) -> bool:
        """Tell whether project pages were sent, and all in this format."""
        return {FORMATS[self.format][1]} == {
            answer.content_type.partition(";")[0]
            for answer in self.passed
            if answer.path.startswith("/simple/") and answer.status == 200
        }

    def fetched(self, *suffixes: str, status: int = 200) -> list[str]:
        """Return the names of files that were answered with *status*, sorted, by their suffix."""
        return sorted(
            answer.path.rpartition("/")[2]
            for answer in self.passed
            if answer.path.endswith(suffixes) and answer.status == status
        )

    def agents(self, suffix: str) -> str:
        """Return who asked for paths with *suffix*."""
        return " ".join(answer.agent for answer in self.passed if answer.path.endswith(suffix))


@contextlib.contextmanager
def relayed(registry: RegistryServer, form: str) -> Iterator[Index]:
    """Relay to *registry* until the block ends, so that clients get pages in that format."""
    index = Index("", registry, form)

    class Handler(_Handler):
        pass

    Handler.index = index
    Handler.accept = FORMATS[form][0]
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    index.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield index
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    index: ClassVar[Index]
    accept: ClassVar[str | None]

    def do_GET(self) -> None:
        """Ask the registry the same, and hand on what it says."""
        connection = http.client.HTTPConnection(urlsplit(self.index.registry.url).netloc)
        headers = {k: v for k, v in self.headers.items() if k.lower() not in _OF_THE_CONNECTION}
        if self.accept is not None:
            headers = {k: v for k, v in headers.items() if k.lower() != "accept"}
            headers["Accept"] = self.accept
        connection.request(self.command, self.path, headers=headers)
        with contextlib.closing(connection), connection.getresponse() as answer:
            self._note(answer)
            self.send_response(answer.status)
            for key, value in answer.getheaders():
                if key.lower() not in _OF_THE_CONNECTION:
                    self.send_header(key, value)
            self.end_headers()
            shutil.copyfileobj(answer, self.wfile)

    do_HEAD = do_GET  # noqa: N815 -- the name that the server looks for

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""

    def _note(self, answer: http.client.HTTPResponse) -> None:
        self.index.passed.append(
            Passed(
                self.command,
                unquote(self.path),
                answer.status,
                answer.getheader("content-type", ""),
                self.headers.get("user-agent", ""),
            )
        )
