"""The slow link to a server, and what it really adds."""

from __future__ import annotations

import contextlib
import json
import socket
import socketserver
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks.publish.delaying import Traffic
from benchmarks.tools import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.publish.delaying import Line

PINGS = 20
BULK = 128 * 1024 * 1024
_PIECE = 256 * 1024


@dataclass
class Link:
    """A link that listens on *port*. Its *traffic* is known once it has ended."""

    port: int
    traffic: Traffic = field(default_factory=Traffic)


@dataclass(frozen=True)
class Measured:
    """What a link is like: seconds to a new connection's first answer, and to each after it."""

    first: float
    round_trip: float
    megabytes_per_second: float

    def __str__(self) -> str:
        return (
            f"{self.round_trip * 1000:.1f} ms for a byte and its answer, "
            f"{self.first * 1000:.1f} ms on a new connection, "
            f"{self.megabytes_per_second:,.0f} MB/s on one connection"
        )


@contextlib.contextmanager
def linked(port: int, line: Line) -> Iterator[Link]:
    """Lead a link like *line* to *port*, until the block ends."""
    options = [str(value) for value in (port, line.delay, line.window)]
    command = [sys.executable, "-m", "benchmarks.publish.delaying", *options]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=REPOSITORY, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        try:
            link = Link(int(process.stdout.readline()))
            yield link
            told, _ = process.communicate("")
            link.traffic = Traffic(**json.loads(told))
        finally:
            process.kill()


def measure(line: Line | None) -> Measured:
    """Return what *line* is really like; without it, what the loopback is."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.server_address[1]
        try:
            if line is None:
                return _measure(port)
            with linked(port, line) as link:
                return _measure(link.port)
        finally:
            server.shutdown()


def _measure(port: int) -> Measured:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        first = _ping(connection)
        round_trip = statistics.median(_ping(connection) for _ in range(PINGS))
    with socket.create_connection(("127.0.0.1", port)) as connection:
        began = time.perf_counter()
        for _ in range(BULK // _PIECE):
            connection.sendall(b"x" * _PIECE)
        connection.shutdown(socket.SHUT_WR)
        connection.recv(1)
        seconds = time.perf_counter() - began - first
    return Measured(first, round_trip, BULK / 1e6 / seconds)


def _ping(connection: socket.socket) -> float:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    began = time.perf_counter()
    connection.sendall(b"?")
    connection.recv(1)
    return time.perf_counter() - began


class _Echo(socketserver.BaseRequestHandler):
    """Answers each question with a byte, and all else with one at its end."""

    def handle(self) -> None:
        piece = b"?"
        while piece == b"?":
            piece = self.request.recv(_PIECE)
            if piece == b"?":
                self.request.sendall(b"!")
        while self.request.recv(_PIECE):
            pass
        with contextlib.suppress(OSError):
            self.request.sendall(b"!")
