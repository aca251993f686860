"""A slow link, a process of its own: a TCP proxy that holds back all it is given, either way.

    python -m benchmarks.publish.delaying PORT SECONDS WINDOW

It listens on a free port of the loopback, which it prints, and forwards to PORT. Every piece goes
on SECONDS after it came, in order. The kernel shakes hands for it at once; as if that had crossed
the link, too, nothing a client says goes on sooner than three times SECONDS after it connected.

With a WINDOW of 0 any number of bytes is under way at a time, so that latency is added and
throughput is not taken: reading only stops where the other side does not take what is due. With
another one, a connection has no more bytes than that under way each way until the first of them
could be answered, which is what TCP makes of latency where a window does not grow.

It ends with its standard input, and prints what came through.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections import deque
from dataclasses import asdict, dataclass

MOST_WAITING = 4 * 1024 * 1024  # bytes that were taken and cannot go on


@dataclass
class Traffic:
    """What came through: *received* bytes by the server, *returned* ones by the clients."""

    connections: int = 0
    received: int = 0
    returned: int = 0


@dataclass(frozen=True)
class Line:
    """How long it takes each way, and how much a connection may have under way; 0 for any."""

    delay: float
    window: int = 0

    def parts(self, piece: bytes) -> list[bytes]:
        """Return *piece* in parts that a window has room for."""
        size = max(self.window // 4, 1) if self.window else len(piece)
        return [piece[start : start + size] for start in range(0, len(piece), size)]


class Way:
    """One direction of a connection. *opened* is when what enters it may leave for the link."""

    def __init__(self, line: Line, opened: float) -> None:
        self.entrance: asyncio.Transport | None = None
        self.exit: asyncio.Transport | None = None
        self.blocked = False  # at the exit
        self._line, self._opened = line, opened
        # ``b""`` is the end of what is sent, None that of the connection.
        self._pieces: deque[tuple[float, bytes | None]] = deque()
        self._held = 0
        self._unanswered: deque[tuple[float, int]] = deque()
        self._under_way = 0
        self._loop = asyncio.get_running_loop()

    def enter(self, piece: bytes | None) -> None:
        """Hold *piece* back."""
        idle = not self._pieces
        for part in self._line.parts(piece) if piece else (piece,):
            size = len(part or b"")
            self._pieces.append((self._departure(size) + self._line.delay, part))
            self._held += size
        if idle:
            self._wait()
        self.balance()

    def lead_to(self, out: asyncio.Transport) -> None:
        """Let what has entered go out there."""
        out.set_write_buffer_limits(high=MOST_WAITING)
        self.exit = out
        self._wait()

    def balance(self) -> None:
        """Read on, or stop reading where too much waits."""
        if self.entrance is not None and not self.entrance.is_closing():
            if self.blocked or (self._line.window and self._held > MOST_WAITING):
                self.entrance.pause_reading()
            else:
                self.entrance.resume_reading()

    def _departure(self, size: int) -> float:
        """Return when *size* more bytes may set out: when so many before them are answered."""
        moment = max(self._loop.time(), self._opened)
        if self._line.window:
            while self._unanswered and self._under_way + size > self._line.window:
                answered, before = self._unanswered.popleft()
                self._under_way -= before
                moment = max(moment, answered)
            self._unanswered.append((moment + 2 * self._line.delay, size))
            self._under_way += size
        return moment

    def _wait(self) -> None:
        if self.exit is not None and self._pieces:
            self._loop.call_at(self._pieces[0][0], self._leave, self.exit)

    def _leave(self, out: asyncio.Transport) -> None:
        while self._pieces and self._pieces[0][0] <= self._loop.time():
            _, piece = self._pieces.popleft()
            self._held -= len(piece or b"")
            if piece is None:
                out.close()
            elif not out.is_closing():
                with contextlib.suppress(OSError):  # It has just been closed at that end.
                    out.write(piece) if piece else out.write_eof()
        self._wait()
        self.balance()


class End(asyncio.Protocol):
    """One end of a connection: what it says enters *onward*, *back* leads to it."""

    def __init__(self, onward: Way, back: Way, traffic: Traffic, counted: str) -> None:
        self.onward, self.back = onward, back
        self.traffic, self.counted = traffic, counted

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.onward.entrance = transport
        self.back.lead_to(transport)

    def data_received(self, data: bytes) -> None:
        setattr(self.traffic, self.counted, getattr(self.traffic, self.counted) + len(data))
        self.onward.enter(data)

    def eof_received(self) -> bool:
        self.onward.enter(b"")
        return True  # It may still be answered.

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio gives it
        self.onward.enter(None)

    def pause_writing(self) -> None:
        self.back.blocked = True
        self.back.balance()

    def resume_writing(self) -> None:
        self.back.blocked = False
        self.back.balance()


async def serve(port: int, line: Line) -> Traffic:
    """Forward to *port* until the standard input ends."""
    loop = asyncio.get_running_loop()
    traffic = Traffic()
    connecting = set()

    def accept() -> End:
        traffic.connections += 1
        there, back = Way(line, opened=loop.time() + 2 * line.delay), Way(line, opened=0.0)
        task = loop.create_task(_connect(End(back, there, traffic, "returned"), port))
        connecting.add(task)
        task.add_done_callback(connecting.discard)
        return End(there, back, traffic, "received")

    listener = await loop.create_server(accept, "127.0.0.1", 0, backlog=1024)
    print(listener.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    listener.close()
    return traffic


async def _connect(server: End, port: int) -> None:
    try:
        await asyncio.get_running_loop().create_connection(lambda: server, "127.0.0.1", port)
    except OSError:
        server.onward.enter(None)


def main(port: str, delay: str, window: str) -> None:
    """Serve, and print what came through."""
    traffic = asyncio.run(serve(int(port), Line(float(delay), int(window))))
    print(json.dumps(asdict(traffic)))


if __name__ == "__main__":
    main(*sys.argv[1:])
