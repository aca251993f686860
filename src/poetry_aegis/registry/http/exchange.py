"""A request with the way back: what the parts of the application hand to each other."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping, Sequence

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from poetry_aegis.registry.errors import HttpError
    from poetry_aegis.registry.people.identity import Identity


T = TypeVar("T")

_NOSNIFF = (b"x-content-type-options", b"nosniff")


class ClientGone(Exception):
    """The client went away before its answer."""


@dataclass
class Exchange:
    """A request, and what became known of it on the way.

    *user* is whose credential it brought, ``None`` for an anonymous one; *parameters* are those
    of the route's path, percent-decoded; *route* is its name. *address* is the client's: the
    peer's, until the gate has looked behind the proxies that are trusted. *status* and
    *answer_headers* are those of the answer, once it has begun.
    """

    scope: Scope
    receive: Receive
    send: Send
    headers: Mapping[bytes, bytes] = field(init=False)
    parameters: Mapping[str, str] = field(default_factory=dict)
    route: str = "none"
    user: Identity | None = None
    status: int | None = None
    answer_headers: Sequence[tuple[bytes, bytes]] = ()
    address: str | None = field(init=False)

    def __post_init__(self) -> None:
        self.headers = dict(self.scope["headers"])
        client = self.scope.get("client")
        self.address = client[0] if client else None

    @property
    def method(self) -> str:
        """The method, upper case."""
        return str(self.scope["method"])

    @property
    def path(self) -> str:
        """The path, percent-decoded."""
        return str(self.scope["path"])

    def header(self, name: bytes) -> str:
        """Return a header's value, empty where it was not sent."""
        return self.headers.get(name, b"").decode("latin-1")

    def query(self, name: str) -> str | None:
        """Return a parameter of the query string. A plus sign is one: media types have them."""
        for pair in self.scope["query_string"].decode("latin-1").split("&"):
            key, _, value = pair.partition("=")
            if unquote(key) == name:
                return unquote(value)
        return None

    async def answer_with(self, response: ASGIApp) -> None:
        """Send *response*, and note what it is."""
        if isinstance(response, Answer):  # Nearly all are: nothing comes between it and the wire.
            self.status, self.answer_headers = response.status, response.headers
            await response(self.scope, self.receive, self.send)
        else:
            await response(self.scope, self.receive, self._send_noting)

    async def _send_noting(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.answer_headers = message["status"], message.get("headers", ())
        await self.send(message)

    async def unless_gone(self, work: Coroutine[Any, Any, T]) -> T:
        """Return what *work* gives; cancel it and raise `ClientGone` where nobody waits for it.

        What may have a body is waited for in any case: to look for its client is to read it.
        """
        if self.method not in ("GET", "HEAD"):
            return await work
        working, leaving = asyncio.ensure_future(work), asyncio.ensure_future(self._gone())
        try:
            await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                raise ClientGone
            return working.result()
        finally:
            working.cancel()
            leaving.cancel()

    async def _gone(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass


@dataclass(frozen=True)
class Answer:
    """A whole response in memory."""

    status: int
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes = b""

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Send it."""
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        await send({"type": "http.response.body", "body": self.body})


def text_answer(
    text: str, *, status: int = 200, headers: Sequence[tuple[bytes, bytes]] = ()
) -> Answer:
    """Return *text* as plain text, with a line end."""
    return _answer(status, b"text/plain; charset=utf-8", f"{text}\n".encode(), headers)


def json_answer(
    document: Mapping[str, Any],
    *,
    status: int = 200,
    media_type: bytes = b"application/json",
    headers: Sequence[tuple[bytes, bytes]] = (),
) -> Answer:
    """Return *document* as JSON."""
    return _answer(status, media_type, json.dumps(document).encode(), headers)


def error_answer(error: HttpError, accept: str) -> Answer:
    """Return the sentence of *error*, as problem details (RFC 9457) where JSON is asked for."""
    if "application/json" in accept or "application/problem+json" in accept:
        document = {
            "title": HTTPStatus(error.status).phrase,
            "status": error.status,
            "detail": str(error),
        }
        return json_answer(
            document,
            status=error.status,
            media_type=b"application/problem+json",
            headers=error.headers,
        )
    return text_answer(str(error), status=error.status, headers=error.headers)


def _answer(
    status: int, media_type: bytes, body: bytes, headers: Sequence[tuple[bytes, bytes]]
) -> Answer:
    own = [
        (b"content-type", media_type),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        _NOSNIFF,
    ]
    return Answer(status, [*own, *headers], body)
