from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import pytest
from uvicorn import Config
from uvicorn.server import ServerState

from poetry_aegis.registry.http.heads import BoundedHeads

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

PATIENCE = 20.0  # seconds until a test that hangs is a failure
MIB = 1024 * 1024
POST = b"POST / HTTP/1.1\r\nHost: registry\r\nTransfer-Encoding: chunked\r\n\r\n"

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Impatient(BoundedHeads):
    patience = 0.5


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Answer with the number of bytes in the body."""
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size, more = size + len(message["body"]), message["more_body"]
    body = b"%d bytes\n" % size
    headers = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@contextlib.asynccontextmanager
async def connected(protocol: type[BoundedHeads]) -> AsyncIterator[Connection]:
    loop = asyncio.get_running_loop()
    config, state = Config(application, lifespan="off", log_config=None), ServerState()
    server = await loop.create_server(lambda: protocol(config, state, {}), "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        yield reader, writer
        writer.close()


def run(
    talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[bytes]],
    protocol: type[BoundedHeads] = BoundedHeads,
) -> bytes:
    async def connect_and_talk() -> bytes:
        async with connected(protocol) as (reader, writer):
            return await asyncio.wait_for(talk(reader, writer), PATIENCE)

    return asyncio.run(connect_and_talk())


async def send_until_cut(writer: asyncio.StreamWriter, most: int) -> int:
    """Send up to *most* bytes, and return how many went out before the connection was cut."""
    sent = 0
    with contextlib.suppress(ConnectionError):
        while sent < most:
            writer.write(b"a" * MIB)
            await writer.drain()
            sent += MIB
    return sent


@pytest.mark.parametrize(
    "begin",
    [
        b"GET / HTTP/1.1\r\nHost: registry\r\nX: ",
        b"GET /",
        POST + b"5\r\nhello\r\n0\r\nX-Trailer: ",
    ],
    ids=["a header", "an address", "a trailer"],
)
def test_an_endless_head_is_cut(begin: bytes) -> None:
    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(begin)
        return b"%d" % await send_until_cut(writer, 64 * MIB)

    assert int(run(talk)) < 32 * MIB  # what the sockets themselves hold is a part of it


def test_a_head_somewhat_too_long_is_told_so() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(b"GET / HTTP/1.1\r\nX: " + b"a" * BoundedHeads.longest_head)
        return await reader.read()

    head, _, body = run(talk).partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 431 ")
    assert f"content-length: {len(body)}".encode() in head


def test_each_request_of_a_connection_has_the_whole_limit() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        answers = b""
        for _ in range(4):
            writer.write(b"GET / HTTP/1.1\r\nX: " + b"a" * 20_000)
            await asyncio.sleep(0.01)
            writer.write(b"a" * 20_000 + b"\r\n\r\n")
            answers += await reader.readuntil(b"bytes\n")
        return answers

    assert run(talk).count(b"HTTP/1.1 200 ") == 4


def test_a_body_is_no_head_however_long() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(POST)
        for _ in range(8):
            writer.write(b"%x\r\n" % MIB + b"a" * MIB + b"\r\n")
            await writer.drain()
        writer.write(b"0\r\n\r\n")
        return await reader.readuntil(b"bytes\n")

    assert run(talk).endswith(b"\r\n\r\n%d bytes\n" % (8 * MIB))


@pytest.mark.parametrize("begin", [b"", b"\r\n", b"GET / HTTP/1.1\r\nX"])
def test_a_head_that_does_not_come_is_not_waited_for(begin: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(begin)
        return await reader.read()

    assert run(talk, Impatient) == b""


def test_a_later_head_that_does_not_come_is_not_waited_for_either() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        first = await reader.readuntil(b"bytes\n")
        writer.write(b"GET / HTTP/1.1\r\nX")
        return first + await reader.read()

    assert run(talk, Impatient).endswith(b"\r\n\r\n0 bytes\n")


def test_a_slow_body_is_waited_for() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(POST + b"5\r\nhello\r\n")
        await asyncio.sleep(3 * Impatient.patience)
        writer.write(b"0\r\n\r\n")
        return await reader.readuntil(b"bytes\n")

    assert run(talk, Impatient).endswith(b"5 bytes\n")
