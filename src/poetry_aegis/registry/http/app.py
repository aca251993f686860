"""The application: which path leads where, and what becomes of an error."""

from __future__ import annotations

import errno
import logging
import time
from typing import TYPE_CHECKING

from poetry_aegis.registry.errors import (
    HttpError,
    MethodNotAllowed,
    NotFound,
    StoreFull,
)
from poetry_aegis.registry.http.exchange import ClientGone, Exchange, error_answer, text_answer
from poetry_aegis.registry.http.files import Files
from poetry_aegis.registry.http.gate import Gate
from poetry_aegis.registry.http.health import Health, version
from poetry_aegis.registry.http.pages import Pages
from poetry_aegis.registry.http.uploads import Uploads

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from poetry_aegis.registry.log import AccessLog
    from poetry_aegis.registry.options import ServeOptions
    from poetry_aegis.registry.people.users import Users
    from poetry_aegis.registry.store.store import Store

logger = logging.getLogger(__name__)

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_CLIENT_GONE = 499  # as nginx logs it; nobody is there to be told
_UPLOAD_PATHS = {"/", "/legacy", "/legacy/", "/simple", "/simple/"}
_READ = ("GET", "HEAD")


class Application:
    """The registry as an ASGI application."""

    def __init__(
        self, options: ServeOptions, store: Store, users: Users, access_log: AccessLog
    ) -> None:
        gate = Gate(users, anonymous_read=options.anonymous_read)
        self._pages = Pages(store.data, gate)
        self._files = Files(store.data, gate)
        self._uploads = Uploads(store, gate, options.max_upload_size)
        self._health = Health(store, users)
        self._access_log = access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, and log it."""
        began, clock = time.time(), time.perf_counter()
        status = _CLIENT_GONE

        async def send_noting_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        exchange = Exchange(scope, receive, send_noting_status)
        try:
            await self._answer(exchange)
        except ClientGone:
            pass
        except Exception as error:
            if status != _CLIENT_GONE:
                raise  # The answer has begun: the connection is cut, so that it looks cut.
            await _answer_error(exchange, error)
        finally:
            self._log(exchange, status, began, time.perf_counter() - clock)

    async def _answer(self, exchange: Exchange) -> None:
        response = await self._respond(exchange)
        await response(exchange.scope, exchange.receive, exchange.send)

    async def _respond(self, exchange: Exchange) -> ASGIApp:
        method, path = exchange.method, exchange.path
        if method == "POST" and path in _UPLOAD_PATHS:
            return await self._uploads.take(exchange)
        if method not in _READ:
            allowed = "GET, HEAD, POST" if path in _UPLOAD_PATHS else "GET, HEAD"
            raise MethodNotAllowed(f"{path[:200]!a} takes only {allowed}.", allowed)
        return await self._read(exchange, path)

    async def _read(self, exchange: Exchange, path: str) -> ASGIApp:
        match path.split("/")[1:]:
            case ["simple"] | ["simple", ""]:
                return await self._pages.project_list(exchange)
            case ["simple", _] | ["simple", _, ""]:
                return await self._pages.project(exchange, path.removeprefix("/simple/"))
            case ["packages", project, file_name]:
                return await self._files.serve(exchange, project, file_name)
            case ["health"]:
                return self._health.alive()
            case ["ready"]:
                return await self._health.ready()
            case [""]:
                return text_answer(
                    f"A private Python package index (poetry-aegis {version()}).\n"
                    "Its projects are listed at /simple/; uploads are posted to /legacy/."
                )
            case ["legacy"] | ["legacy", ""]:
                raise MethodNotAllowed("Uploads are posted here; reading is at /simple/.", "POST")
        raise NotFound("There is nothing at this address; the index is at /simple/.")

    def _log(self, exchange: Exchange, status: int, began: float, seconds: float) -> None:
        client = exchange.scope.get("client")
        self._access_log.write(
            began,
            {
                "method": exchange.method,
                "path": exchange.path,
                "status": status,
                "ms": round(seconds * 1000, 2),
                "user": exchange.user.name if exchange.user else None,
                "client": client[0] if client else None,
                "agent": exchange.header(b"user-agent")[:200],
            },
        )


async def _answer_error(exchange: Exchange, error: Exception) -> None:
    answer = error_answer(_as_http_error(error), exchange.header(b"accept"))
    await answer(exchange.scope, exchange.receive, exchange.send)


def _as_http_error(error: Exception) -> HttpError:
    if isinstance(error, HttpError):
        return error
    if isinstance(error, OSError) and error.errno in _FULL:
        logger.error("The store is full: %s", error)
        return StoreFull("The registry has no space left for the file.")
    logger.error("A request failed.", exc_info=error)
    return HttpError("The registry failed on this request; its log says why.")
