"""An index that a test makes up: an HTTP server with an answer for each path."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Answer: TypeAlias = tuple[int, dict[str, str], bytes]
Answers: TypeAlias = dict[str, Callable[[BaseHTTPRequestHandler], Answer]]


def _absent(_: BaseHTTPRequestHandler) -> Answer:
    return 404, {}, b""


@contextlib.contextmanager
def serving(answers: Mapping[str, Callable[[BaseHTTPRequestHandler], Answer]]) -> Iterator[str]:
    """Serve *answers*, each a status, headers and a body, and return the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = answers.get(self.path, _absent)
            status, headers, body = answer(self)
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(body))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
