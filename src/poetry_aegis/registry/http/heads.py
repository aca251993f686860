"""HTTP/1.1 connections whose request heads end, in bytes and in seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    import asyncio

    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-type: text/plain; charset=utf-8\r\n"
    b"content-length: 33\r\n"
    b"connection: close\r\n\r\n"
    b"The head of the request is long.\n"
)


class BoundedHeads(HttpToolsProtocol):
    """Cuts a connection that sends an endless head, or takes for ever to send one.

    The parser keeps names and values until they are whole and sets no limit. What is counted is
    the bytes since the last ones that led somewhere, a whole head or a piece of a body: so
    trailers have the limit too. It is passed by no more than one read from the socket.
    """

    longest_head = 64 * 1024  # bytes
    patience = 20.0  # seconds

    _kept = 0
    _in_head = True
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse *data*, and cut the connection where that leaves too much unfinished."""
        self._kept += len(data)
        super().data_received(data)
        if not self._kept or self.transport.is_closing():
            return
        if self._kept > self.longest_head:
            cycle = cast("RequestResponseCycle | None", self.cycle)
            if cycle is None or cycle.response_complete:
                self.transport.write(_TOO_LARGE)
            self.transport.close()
        elif self._in_head and self._timer is None:
            self._expect_head()

    def on_headers_complete(self) -> None:
        """Take a whole head."""
        self._kept = 0
        self._in_head = False
        self._stop_waiting()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a piece of a body."""
        self._kept = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Take the end of a request. The next head is waited for from its first byte on."""
        self._kept = 0
        self._in_head = True
        super().on_message_complete()

    def _expect_head(self) -> None:
        self._timer = self.loop.call_later(self.patience, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
