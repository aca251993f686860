"""The application: which path leads where, and what becomes of an error."""

from __future__ import annotations

import errno
import logging
import time
from typing import TYPE_CHECKING

from poetry_aegis.registry.errors import Forbidden, HttpError, StoreFull
from poetry_aegis.registry.http.exchange import ClientGone, Exchange, error_answer
from poetry_aegis.registry.http.routing import Route, Router

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from starlette.types import Message, Receive, Scope, Send

    from poetry_aegis.registry.log import AccessLog

    Observe = Callable[[Exchange, int, float], None]

logger = logging.getLogger(__name__)

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_CLIENT_GONE = 499  # as nginx logs it; nobody is there to be told


def _nobody_observes(_exchange: Exchange, _status: int, _seconds: float) -> None:
    pass


class Application:
    """The registry as an ASGI application: its routes, its errors, its access log."""

    def __init__(
        self, routes: Iterable[Route], access_log: AccessLog, observe: Observe = _nobody_observes
    ) -> None:
        self.router = Router(routes)
        self._access_log = access_log
        self._observe = observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, and log it."""
        began, clock = time.time(), time.perf_counter()
        status = _CLIENT_GONE

        async def send_noting_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                exchange.answer_headers = message.get("headers", ())
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
            seconds = time.perf_counter() - clock
            self._log(exchange, status, began, seconds)
            self._observe(exchange, status, seconds)

    async def _answer(self, exchange: Exchange) -> None:
        route = self.router.find(exchange)
        exchange.route = route.name
        if route.method != "GET":
            refuse_cross_site(exchange)
        response = await route.answer(exchange)
        await response(exchange.scope, exchange.receive, exchange.send)

    def _log(self, exchange: Exchange, status: int, began: float, seconds: float) -> None:
        self._access_log.write(
            began,
            {
                "method": exchange.method,
                "path": exchange.path,
                "route": exchange.route,
                "status": status,
                "ms": round(seconds * 1000, 2),
                "user": exchange.user.name if exchange.user else None,
                "client": exchange.address,
                "agent": exchange.header(b"user-agent")[:200],
            },
        )


def refuse_cross_site(exchange: Exchange) -> None:
    """Raise `Forbidden` for a change that a page of another site asks a browser for.

    Browsers send the credentials they know with it. They also say where it comes from (Fetch
    Metadata, or the older ``Origin``); upload clients say neither.
    """
    site = exchange.header(b"sec-fetch-site")
    origin = exchange.header(b"origin")
    foreign = site not in ("", "same-origin", "none")
    if not site and origin:
        foreign = origin.partition("://")[2] != exchange.header(b"host")
    if foreign:
        raise Forbidden("A page of another site asked for this change.")


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
