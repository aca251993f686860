"""Servers for tests: in a home of their own, on a port of their own, and always stopped."""

from __future__ import annotations

import contextlib
import secrets
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


def free_port() -> int:
    """Return one of `free_ports`."""
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """Return *count* ports that stay free while nobody listens on them, each another.

    They lie below those that the system gives to outgoing connections, which could take the port of
    a server that is still starting, or is just being restarted.
    """
    found: list[int] = []
    while len(found) < count:
        port = 20_000 + secrets.randbelow(10_000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            if port not in found:
                found.append(port)
    return found


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
