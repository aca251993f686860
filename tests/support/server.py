"""Servers for tests: in a home of their own, on a port of their own, and always stopped."""

from __future__ import annotations

import contextlib
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from poetry_aegis.server import processes
from poetry_aegis.server.home import ServerHome

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

EVERY_ADDRESS = "0.0.0.0"  # noqa: S104  named, and bound only to see that it is taken


@contextlib.contextmanager
def vacant_home(root: Path) -> Iterator[ServerHome]:
    """Return a home without a server; whatever is started in it is ended at last, by pid."""
    home = ServerHome(root)
    try:
        yield home
    finally:
        record = processes.read_pid_file(home.pid_file)
        if record is not None:
            processes.end_process(record, patience=5)


@contextlib.contextmanager
def busy_port() -> Iterator[int]:
    """Listen on a port of 127.0.0.1, as another program would."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def free_ports(count: int) -> list[int]:
    """Return so many ports of 127.0.0.1 that nobody listens on now, no two of them the same."""
    with contextlib.ExitStack() as held:
        return [held.enter_context(busy_port()) for _ in range(count)]


@contextlib.contextmanager
def answering(status: int, headers: Mapping[str, str] | None = None) -> Iterator[str]:
    """Serve one answer to every GET; yield the server's URL, ending in a slash."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  inherited name
            """Keep the tests' output clean."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
