"""A TCP proxy that counts what a server sends."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_PIECE = 256 * 1024


@dataclass
class Counter:
    """A proxy at *url*; *served* is how many bytes came back through it."""

    url: str = ""
    served: int = 0


@contextlib.contextmanager
def counting(port: int) -> Iterator[Counter]:
    """Forward a free port of the loopback to *port*, until the block ends."""
    counter = Counter()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="counting", daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(_start(port, counter), loop).result()
    counter.url = "http://127.0.0.1:{1}".format(*server.sockets[0].getsockname())
    try:
        yield counter
    finally:
        asyncio.run_coroutine_threadsafe(_stop(server), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _start(port: int, counter: Counter) -> asyncio.Server:
    return await asyncio.start_server(
        lambda reader, writer: _forward(reader, writer, port, counter), "127.0.0.1", 0
    )


async def _stop(server: asyncio.Server) -> None:
    server.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


async def _forward(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int, counter: Counter
) -> None:
    onward_reader, onward = await asyncio.open_connection("127.0.0.1", port)
    asking = asyncio.ensure_future(_copy(reader, onward, Counter()))
    try:
        # A connection that is still open at the end is cancelled, which asyncio would report.
        with contextlib.suppress(asyncio.CancelledError):
            await _copy(onward_reader, writer, counter)
    finally:
        asking.cancel()
        onward.close()
        writer.close()


async def _copy(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, counter: Counter
) -> None:
    with contextlib.suppress(ConnectionError):
        while piece := await reader.read(_PIECE):
            counter.served += len(piece)
            writer.write(piece)
            await writer.drain()
        writer.write_eof()
